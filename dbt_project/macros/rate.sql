{# Returns numerator / denominator as a fraction with six decimals. #}
{% macro rate(numerator, denominator) -%}
    {{ rounded_ratio(numerator, denominator, 6) }}
{%- endmacro %}
