{{ config(meta={"dagster": {"ref": {"name": "course_progress"}}}) }}

-- A course's completed_at is the completed_at of one of its lessons. A refresh that adds looks
-- at the pairs that it renewed: it touches no lesson of another pair.
with
    changed_pairs as (select * from {{ ref("changed_pairs") }}),

    completed_courses as (
        select learner_id, course_id, completed_at
        from {{ ref("course_progress") }}
        where
            is_completed
            {% if adds_to_standing() %}
                and (learner_id, course_id) in (select learner_id, course_id from changed_pairs)
            {% endif %}
    )

select completed_courses.learner_id, completed_courses.course_id
from completed_courses
left join
    {{ ref("lesson_completions") }} as lesson_completions
    on completed_courses.learner_id = lesson_completions.learner_id
    and completed_courses.course_id = lesson_completions.course_id
    and completed_courses.completed_at = lesson_completions.completed_at
where lesson_completions.learner_id is null
