{#
    Returns the Kaplan–Meier share that is not yet complete: the running product of 1 − observed / at
    risk. Where all at risk complete, nobody is left for a later row.
#}
{% macro running_survival(observed, at_risk, partition_by, order_by) -%}
    {%- set so_far = (
        "over (partition by "
        ~ partition_by
        ~ " order by "
        ~ order_by
        ~ " nulls last)"
    ) -%}
    case
        when {{ at_risk }} = {{ observed }}
        then 0
        else
            exp(
                sum(
                    ln(
                        cast(greatest({{ at_risk }} - {{ observed }}, 1) as double)
                        / {{ at_risk }}
                    )
                ) {{ so_far }}
            )
    end
{%- endmacro %}
