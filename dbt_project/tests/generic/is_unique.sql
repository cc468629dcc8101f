{#
    Returns the keys that stand on more than one row. `changed` names what a refresh that adds to
    the table may have put in: then no other keys are looked at. A row too many of another key
    would count its events twice, which is seen over all rows.
#}
{% test is_unique(model, columns, changed=none) %}
    select {{ columns | join(", ") }}, count(*) as row_count
    from {{ model }}
    {% if changed and adds_to_standing() %} where {{ is_among(columns, changed) }} {% endif %}
    group by {{ columns | join(", ") }}
    having count(*) > 1
{% endtest %}
