{#
    Returns the instant that the refresh speaks about, as a UTC timestamp. It comes from the
    environment, not from a var, so that a new instant needs no new parse of the project.
#}
{% macro as_of() -%}
    cast('{{ env_var("DBT_AS_OF") if execute else "1990-01-01 00:00:00" }}' as timestamp)
{%- endmacro %}
