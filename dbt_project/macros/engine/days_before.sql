{# Returns the timestamp that lies n × 24 hours before the given one. #}
{% macro days_before(at, days) -%}
    {{ adapter.dispatch("days_before")(at, days) }}
{%- endmacro %}

{% macro default__days_before(at, days) -%}
    ({{ at }} - interval '{{ days }}' day)
{%- endmacro %}
