{# Returns the date in the reporting time zone on which the UTC timestamp falls. #}
{% macro local_date(at) -%}
    {%- if var("timezone") == "UTC" -%} cast({{ at }} as date)
    {%- else -%} {{ adapter.dispatch("local_date")(at) }}
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__local_date(at) -%}
    cast({{ at }} at time zone 'UTC' at time zone '{{ var("timezone") }}' as date)
{%- endmacro %}

{% macro spark__local_date(at) -%}
    cast(from_utc_timestamp({{ at }}, '{{ var("timezone") }}') as date)
{%- endmacro %}
