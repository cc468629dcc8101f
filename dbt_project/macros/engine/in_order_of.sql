{# Returns the order in which a table's rows are written, where an engine reads less for it. #}
{% macro in_order_of(columns) -%} {{ adapter.dispatch("in_order_of")(columns) }} {%- endmacro %}

{% macro default__in_order_of(columns) -%} {%- endmacro %}

{% macro duckdb__in_order_of(columns) -%}
    order by
        {% for column in columns %}
            {{ column }} nulls last{{ ", " if not loop.last }}
        {% endfor %}
{%- endmacro %}
