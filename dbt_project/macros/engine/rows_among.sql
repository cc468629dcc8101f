{#
    Returns the rows of a large table whose columns are among those of another's few rows. Of the
    rows that aren't, nothing but these columns is read.
#}
{% macro rows_among(table, columns, keys) -%}
    {{ adapter.dispatch("rows_among")(table, columns, keys) }}
{%- endmacro %}

{% macro default__rows_among(table, columns, keys) -%}
    (select * from {{ table }} where {{ is_among(columns, keys) }})
{%- endmacro %}

{% macro duckdb__rows_among(table, columns, keys) -%}
    (
        select *
        from {{ table }}
        where rowid in (select rowid from {{ table }} where {{ is_among(columns, keys) }})
    )
{%- endmacro %}
