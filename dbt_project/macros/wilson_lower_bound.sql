{# Returns the lower bound of the 95 % Wilson interval of hits / trials, six decimals; NULL without trials. #}
{% macro wilson_lower_bound(hits, trials) -%}
    {%- set n = "nullif(cast(" ~ trials ~ " as double), 0)" -%}
    {%- set p = "(" ~ hits ~ " / " ~ n ~ ")" -%}
    {%- set z = 1.959964 -%}
    round(
        (
            {{ p }}
            + {{ z * z }} / (2 * {{ n }})
            - {{ z }}
            * sqrt({{ p }} * (1 - {{ p }}) / {{ n }} + {{ z * z }} / (4 * {{ n }} * {{ n }}))
        )
        / (1 + {{ z * z }} / {{ n }}),
        6
    )
{%- endmacro %}
