{# Returns microseconds / divisor as days of 24 hours with four decimals. #}
{% macro days(microseconds, divisor=1) -%}
    {%- set ten_thousandth = "8640000 * (" ~ divisor ~ ")" -%}
    cast(
        {{
            integer_quotient(
                "2 * (" ~ microseconds ~ ") + " ~ ten_thousandth, "2 * " ~ ten_thousandth
            )
        }} as double
    )
    / 10000
{%- endmacro %}
