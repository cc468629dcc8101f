{# Shows the cluster a raw table, with the batches that are there now. #}
{% macro show_raw_table(name, table, folder) -%}
    {%- do run_query("drop table if exists " ~ name) -%}
    {%- set create -%}
        create table {{ name }} ({{ table.columns | join(", ") }})
        using parquet
        {{ "partitioned by (batch_id)" if table.by_batch }}
        location '{{ folder }}'
    {%- endset -%}
    {%- do run_query(create) -%}
    {%- if table.by_batch -%} {%- do run_query("msck repair table " ~ name) -%} {%- endif -%}
{%- endmacro %}
