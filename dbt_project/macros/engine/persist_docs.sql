{#
    Returns nothing: puts a model's descriptions on its table and columns, all at once. A table that
    is added to has them already, since changed models are built anew.
#}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- if config.persist_relation_docs() and not is_incremental() -%}
        {%- set comments -%}
            comment on table {{ relation }} is {{ duckdb_escape_comment(model.description) }};
            {% for name, column in model.columns.items() -%}
                comment on column {{ relation }}.{{ name }} is
                {{ duckdb_escape_comment(column.description) }};
            {% endfor %}
        {%- endset -%}
        {%- do run_query(comments) -%}
    {%- endif -%}
{%- endmacro %}
