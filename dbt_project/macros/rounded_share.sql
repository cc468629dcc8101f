{# Returns a computed share with six decimals, half up, free of the noise of floating point. #}
{% macro rounded_share(share) -%} round(round({{ share }}, 12), 6) {%- endmacro %}
