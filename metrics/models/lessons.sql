select
    lesson_drop_off.course_id || chr(31) || lesson_drop_off.lesson_id as lesson_key,
    lesson_drop_off.course_id,
    lesson_drop_off.lesson_title,
    lesson_drop_off.position,
    lesson_drop_off.viewed_learners,
    lesson_drop_off.viewed_not_completed_learners,
    refreshes.as_of
from {{ source("marts", "lesson_drop_off") }}
cross join
    (
        select max_by(as_of, refresh_id) as as_of from {{ source("marts", "refreshes") }}
    ) as refreshes
