select
    course_progress.learner_id || chr(31) || course_progress.course_id as enrollment_key,
    course_progress.learner_id,
    course_progress.course_id,
    course_progress.enrollment_status,
    course_progress.enrolled_at,
    course_progress.first_accessed_at,
    course_progress.is_completed,
    course_progress.is_overdue,
    course_progress.enrollment_status = 'active'
    or coalesce(
        course_progress.is_completed
        and course_progress.completed_at <= course_progress.unenrolled_at,
        false
    ) as is_enrolled,
    -- Only a completion by as_of was observed.
    case
        when course_progress.completed_at <= refreshes.as_of
        then course_progress.time_to_complete_days
    end as observed_days
from {{ source("progress", "course_progress") }}
inner join
    {{ source("marts", "course_completion") }}
    on course_progress.course_id = course_completion.course_id
cross join
    (
        select max_by(as_of, refresh_id) as as_of from {{ source("marts", "refreshes") }}
    ) as refreshes
where course_progress.enrollment_status in ('active', 'unenrolled')
