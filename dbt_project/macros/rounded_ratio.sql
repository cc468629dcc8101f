{# Returns numerator / denominator (non-negative integers) rounded half up, exactly, to a double; NULL for 0 / 0. #}
{% macro rounded_ratio(numerator, denominator, decimals) -%}
    {%- set scale = 10**decimals -%}
    cast(
        {{
            integer_quotient(
                "2 * (" ~ numerator ~ ") * " ~ scale ~ " + (" ~ denominator ~ ")",
                "2 * (" ~ denominator ~ ")",
            )
        }} as double
    )
    / {{ scale }}
{%- endmacro %}
