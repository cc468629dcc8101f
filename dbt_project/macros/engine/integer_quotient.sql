{# Returns the quotient of two non-negative integers, rounded down; NULL for a divisor of 0. #}
{% macro integer_quotient(dividend, divisor) -%}
    {{ adapter.dispatch("integer_quotient")(dividend, divisor) }}
{%- endmacro %}

{% macro duckdb__integer_quotient(dividend, divisor) -%}
    divide({{ dividend }}, nullif({{ divisor }}, 0))
{%- endmacro %}

{% macro spark__integer_quotient(dividend, divisor) -%}
    (cast({{ dividend }} as decimal(38, 0)) div nullif({{ divisor }}, 0))
{%- endmacro %}
