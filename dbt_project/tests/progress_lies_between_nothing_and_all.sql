-- No learner has more lessons than the course, and progress is NULL just where there are none.
select learner_id, course_id
from {{ ref("course_progress") }}
where
    completed_lessons > total_lessons
    or viewed_lessons > total_lessons
    or (progress_percentage is null) <> (total_lessons = 0)
    or progress_percentage not between 0
    and 100
