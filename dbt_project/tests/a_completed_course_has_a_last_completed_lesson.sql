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
    ),

    -- Few lessons of others were completed at the same instants.
    last_lessons as (
        select learner_id, course_id, completed_at
        from {{ ref("lesson_completions") }}
        where completed_at in (select completed_at from completed_courses)
    )

select completed_courses.learner_id, completed_courses.course_id
from completed_courses
left join
    last_lessons
    on completed_courses.learner_id = last_lessons.learner_id
    and completed_courses.course_id = last_lessons.course_id
    and completed_courses.completed_at = last_lessons.completed_at
where last_lessons.learner_id is null
