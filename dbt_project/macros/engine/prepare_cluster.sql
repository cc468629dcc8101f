{# Shows the cluster where each room's tables lie, and what was handed over: an operation before a build. #}
{% macro prepare_cluster(location, tables) -%}
    {%- for room in ["raw", "staging", "progress", "marts"] -%}
        {%- do show_database(schema_prefix() ~ room, location ~ "/" ~ room) -%}
    {%- endfor -%}
    {%- for name, table in tables.items() -%}
        {%- do show_raw_table(
            schema_prefix() ~ "raw." ~ name, table, location ~ "/raw/" ~ name
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{# Shows a room's place, where no other home has a database of that name. #}
{% macro show_database(name, folder) -%}
    {%- set create -%} create database if not exists {{ name }} location '{{ folder }}' {%- endset -%}
    {%- do run_query(create) -%}
    {%- for row in run_query("describe database " ~ name).rows -%}
        {%- if row[0] == "Location" and row[1].rstrip("/") != folder -%}
            {%- set told = name ~ " of the cluster lies in " ~ row[1] ~ ", not in " ~ folder -%}
            {%- do exceptions.raise_compiler_error(
                told ~ ": set another LEARNER_PROGRESS_SPARK_PREFIX"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
