{#
    Returns whether a row's columns are among those of another table's rows. The first column is
    asked for by itself too: of a large table most rows are out then, before the others are read.
#}
{% macro is_among(columns, keys) -%}
    {%- set all = columns | join(", ") -%}
    {%- if columns | length > 1 %}
        {{ columns[0] }} in (select {{ columns[0] }} from {{ keys }}) and
    {% endif -%}
    ({{ all }}) in (select {{ all }} from {{ keys }})
{%- endmacro %}
