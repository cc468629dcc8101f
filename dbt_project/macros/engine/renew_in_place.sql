{#
    Returns the statement by which rows that stand get their new values where they lie. A primary
    key costs a lookup for every row that leaves its table and comes back.
#}
{% macro duckdb__renew_in_place(target, source, key, columns) -%}
    merge into {{ target }} as standing
    using {{ source }} as renewed using ({{ key | join(", ") }})
    when matched then update set
    {% for name in columns if name not in key %}
        {{ name }} = renewed.{{ name }}{{ ", " if not loop.last }}
    {% endfor %}
    when not matched then insert by name
{%- endmacro %}
