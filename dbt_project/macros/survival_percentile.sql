{# Returns the least duration, in days, at which the share not yet complete is at most 1 − p; NULL if not reached. #}
{% macro survival_percentile(p) -%}
    {{
        days(
            "min(followed_microseconds) filter (where not_complete_share <= " ~ (1 - p)
            | round(2) ~ " + 1e-9)"
        )
    }}
{%- endmacro %}
