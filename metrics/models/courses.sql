select
    course_completion.course_id,
    course_completion.course_title,
    time_to_complete.median_days,
    refreshes.as_of
from {{ source("marts", "course_completion") }}
left join
    {{ source("marts", "time_to_complete") }}
    on course_completion.course_id = time_to_complete.course_id
cross join
    (
        select max_by(as_of, refresh_id) as as_of from {{ source("marts", "refreshes") }}
    ) as refreshes
