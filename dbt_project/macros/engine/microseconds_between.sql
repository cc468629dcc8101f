{# Returns the whole microseconds from one timestamp to a later one, as an integer; NULL for NULL. #}
{% macro microseconds_between(start_at, end_at) -%}
    {{ adapter.dispatch("microseconds_between")(start_at, end_at) }}
{%- endmacro %}

{% macro duckdb__microseconds_between(start_at, end_at) -%}
    (epoch_us({{ end_at }}) - epoch_us({{ start_at }}))
{%- endmacro %}

{% macro spark__microseconds_between(start_at, end_at) -%}
    (unix_micros({{ end_at }}) - unix_micros({{ start_at }}))
{%- endmacro %}
