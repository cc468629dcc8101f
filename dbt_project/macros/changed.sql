{# Returns the table of learners' lessons that a model is made from: in a full build all of them. #}
{% macro lessons_to_renew(changed) -%}
    {%- set all, renewed = ref("learner_lessons"), ref(changed) -%}
    {{ renewed if is_incremental() else all }}
{%- endmacro %}

{# Returns the filter on the pairs of learner and course that may have changed; nothing in a full build. #}
{% macro of_changed_pairs() -%}
    {%- if is_incremental() -%}
        where {{ is_among(["learner_id", "course_id"], "changed_pairs") }}
    {%- endif -%}
{%- endmacro %}
