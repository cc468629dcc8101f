{#
    Build a table or a view of DuckDB in the place of the one that stands, in one transaction. dbt's
    own way, which other engines take, moves the old one aside and the new one in, which costs a
    small refresh more than the building.
#}
{% materialization table, adapter = "duckdb" %}
    {%- set target_relation = this.incorporate(type="table") -%}
    {% call statement("main") -%}
        {{ drop_standing() }} {{ create_table_as(False, target_relation, compiled_code) }}
    {%- endcall %}
    {% do persist_docs(target_relation, model) %}
    {% do adapter.commit() %}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{% materialization view, adapter = "duckdb" %}
    {%- set target_relation = this.incorporate(type="view") -%}
    {% call statement("main") -%}
        {{ drop_standing() }} {{ get_create_view_as_sql(target_relation, compiled_code) }}
    {%- endcall %}
    {% do adapter.commit() %}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}
