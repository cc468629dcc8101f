{# Returns numerator / denominator × 100 with two decimals. #}
{% macro percentage(numerator, denominator) -%}
    {{ rounded_ratio("100 * (" ~ numerator ~ ")", denominator, 2) }}
{%- endmacro %}
