select
    course_id || chr(31) || activity_date as activity_key,
    course_id,
    activity_date,
    active_learners
from {{ source("marts", "daily_activity") }}
