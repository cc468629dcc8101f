{#
    What a refresh is told of the tables that stand: the last batch that they hold, and the
    instant that they speak about. Constants, so that the engine reads what is new and no more.
#}
{# Returns whether a batch landed after those that the standing tables hold. #}
{% macro is_new_batch(batch_id) -%}
    {{ batch_id }} > {{ env_var("DBT_STANDING_BATCH_ID", "0") if execute else "0" }}
{%- endmacro %}

{# Returns the instant that the standing tables speak about, as a UTC timestamp. #}
{% macro standing_as_of() -%}
    cast(
        '{{ env_var("DBT_STANDING_AS_OF") if execute else "1990-01-01 00:00:00" }}' as timestamp
    )
{%- endmacro %}

{# Returns whether as_of has moved over the instant, forward or back, since the standing tables. #}
{% macro has_turned(at) -%}
    {{ at }} between least({{ standing_as_of() }}, {{ as_of() }}) and greatest(
        {{ standing_as_of() }}, {{ as_of() }}
    )
{%- endmacro %}

{# Returns an instant before the first of the days on which any new event falls. #}
{% macro before_new_days() -%}
    cast(
        '{{ env_var("DBT_BEFORE_NEW_DAYS") if execute else "1990-01-01 00:00:00" }}'
        as timestamp
    )
{%- endmacro %}
