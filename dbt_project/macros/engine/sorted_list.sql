{# Returns the group's texts in order, joined by a control character that no id holds. #}
{% macro sorted_list(column) -%} {{ adapter.dispatch("sorted_list")(column) }} {%- endmacro %}

{% macro duckdb__sorted_list(column) -%}
    string_agg({{ column }}, chr(31) order by {{ column }} nulls last)
{%- endmacro %}

{% macro spark__sorted_list(column) -%}
    listagg({{ column }}, chr(31)) within group (order by {{ column }})
{%- endmacro %}
