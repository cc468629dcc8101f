{# Returns a record of columns that are never NULL, which orders by the first, then the second, and so on. #}
{% macro record_of(columns) -%} {{ adapter.dispatch("record_of")(columns) }} {%- endmacro %}

{% macro duckdb__record_of(columns) -%}
    struct_pack(
        {% for column in columns %}
            {{ column }} := {{ column }}{{ ", " if not loop.last }}
        {% endfor %}
    )
{%- endmacro %}

{% macro spark__record_of(columns) -%}
    named_struct(
        {% for column in columns %}
            '{{ column }}', {{ column }}{{ ", " if not loop.last }}
        {% endfor %}
    )
{%- endmacro %}
