{#
    Returns the filter that a snapshot as of the past puts on what it knows: `at` had come by then.
    Nothing in a refresh, where every landed row counts.
#}
{% macro where_known(at) -%}
    {%- set known_until = env_var("DBT_KNOWN_UNTIL", "") if execute else "" -%}
    {%- if known_until -%}
        where {{ at }} <= cast('{{ known_until }}' as timestamp)
    {%- endif -%}
{%- endmacro %}
