{# Returns the statement that drops what a model has built before, if it has. #}
{% macro drop_standing() -%}
    {%- set standing = load_cached_relation(this) -%}
    {%- if standing is not none -%} drop {{ standing.type }} {{ standing }}
        ;
    {%- endif -%}
{%- endmacro %}
