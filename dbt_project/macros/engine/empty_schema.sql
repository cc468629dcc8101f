{# Returns the query by which a contract's types are compared: text is named otherwise on Spark. #}
{% macro spark__get_empty_schema_sql(columns) -%}
    {%- set named = {} -%}
    {%- for name, column in columns.items() -%}
        {%- set type = "string" if column.data_type == "varchar" else column.data_type -%}
        {%- do named.update({name: dict(column, data_type=type)}) -%}
    {%- endfor -%}
    {{ return(default__get_empty_schema_sql(named)) }}
{%- endmacro %}
