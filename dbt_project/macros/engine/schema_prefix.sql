{# Returns what stands before a room's name, where an engine's schemas are shared with others. #}
{% macro schema_prefix() -%} {{ adapter.dispatch("schema_prefix")() }} {%- endmacro %}

{% macro default__schema_prefix() -%} {%- endmacro %}

{% macro spark__schema_prefix() -%}
    {{ env_var("DBT_SPARK_PREFIX", "learner_progress_") }}
{%- endmacro %}
