with
    courses as (select * from {{ ref("stg_courses") }}),
    activity_days as (select * from {{ ref("activity_days") }}),
    course_progress as (select * from {{ ref("course_progress") }}),

    course_completion_days as (
        select
            course_id,
            {{ local_date("completed_at") }} as activity_date,
            count(*) as course_completions
        from course_progress
        where is_completed
        group by 1, 2
    ),

    final as (
        select
            activity_days.course_id,
            activity_days.activity_date,
            activity_days.active_learners,
            activity_days.views,
            activity_days.completions,
            coalesce(course_completion_days.course_completions, 0) as course_completions
        from activity_days
        inner join courses on activity_days.course_id = courses.course_id
        left join
            course_completion_days
            on activity_days.course_id = course_completion_days.course_id
            and activity_days.activity_date = course_completion_days.activity_date
    )

select *
from final
