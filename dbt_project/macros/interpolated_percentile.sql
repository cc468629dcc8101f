{#
    Returns the percentile of followed_microseconds in days, linear between neighbours and exact:
    each group has rows at position 0 to observed_completions - 1, in order.
#}
{% macro interpolated_percentile(percent) -%}
    {%- set hundredths = percent ~ " * (observed_completions - 1)" -%}
    {%- set distance = "abs(100 * position - " ~ hundredths ~ ")" -%}
    {{ days("sum(followed_microseconds * greatest(100 - " ~ distance ~ ", 0))", 100) }}
{%- endmacro %}
