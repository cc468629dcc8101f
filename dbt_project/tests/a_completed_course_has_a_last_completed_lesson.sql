{{ config(meta={"dagster": {"ref": {"name": "course_progress"}}}) }}

-- A course's completed_at is the completed_at of one of its lessons.
select course_progress.learner_id, course_progress.course_id
from {{ ref("course_progress") }} as course_progress
left join
    {{ ref("lesson_completions") }} as lesson_completions
    on course_progress.learner_id = lesson_completions.learner_id
    and course_progress.course_id = lesson_completions.course_id
    and course_progress.completed_at = lesson_completions.completed_at
where course_progress.is_completed and lesson_completions.learner_id is null
