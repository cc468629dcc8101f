{# Returns whether this refresh adds to the tables that stand, rather than building all anew. #}
{% macro adds_to_standing() -%}
    {{ return(adapter.dispatch("adds_to_standing")()) }}
{%- endmacro %}

{% macro default__adds_to_standing() -%} {{ return(false) }} {%- endmacro %}

{% macro duckdb__adds_to_standing() -%}
    {{ return(execute and not flags.FULL_REFRESH) }}
{%- endmacro %}
