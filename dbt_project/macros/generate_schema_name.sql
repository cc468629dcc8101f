{# Returns the room's name: folder, schema and source share one word, after what an engine puts before it. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ schema_prefix() }}{{ custom_schema_name or target.schema }}
{%- endmacro %}
