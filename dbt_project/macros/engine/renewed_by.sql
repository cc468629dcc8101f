{# Returns the columns by which a refresh renews a table: those of a row's key, or of its partition. #}
{% macro renewed_by(key, partition) -%}
    {{ adapter.dispatch("renewed_by")(key, partition) }}
{%- endmacro %}

{% macro duckdb__renewed_by(key, partition) -%} {{ key }} {%- endmacro %}

{% macro spark__renewed_by(key, partition) -%} {{ partition }} {%- endmacro %}
