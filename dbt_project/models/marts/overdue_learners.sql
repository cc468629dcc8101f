with
    course_progress as (select * from {{ ref("course_progress") }}),
    courses as (select * from {{ ref("stg_courses") }}),

    final as (
        select
            course_progress.learner_id,
            course_progress.course_id,
            courses.course_title,
            course_progress.due_at,
            {{ days(microseconds_between("course_progress.due_at", as_of())) }} as overdue_days,
            course_progress.completed_lessons,
            course_progress.total_lessons,
            course_progress.progress_percentage,
            course_progress.last_accessed_at
        from course_progress
        inner join courses on course_progress.course_id = courses.course_id
        where course_progress.is_overdue
    )

select *
from final
