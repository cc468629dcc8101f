with
    courses as (select * from {{ ref("stg_courses") }}),
    events as (select * from {{ ref("stg_events") }}),
    lesson_completions as (select * from {{ ref("lesson_completions") }}),
    course_progress as (select * from {{ ref("course_progress") }}),

    event_days as (
        select
            course_id,
            {{ local_date("occurred_at") }} as activity_date,
            count(distinct learner_id) as active_learners,
            count(*) filter (where event_type = 'lesson_viewed') as views
        from events
        group by 1, 2
    ),

    completion_days as (
        select
            course_id,
            {{ local_date("completed_at") }} as activity_date,
            count(*) as completions
        from lesson_completions
        group by 1, 2
    ),

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
            event_days.course_id,
            event_days.activity_date,
            event_days.active_learners,
            event_days.views,
            coalesce(completion_days.completions, 0) as completions,
            coalesce(course_completion_days.course_completions, 0) as course_completions
        from event_days
        inner join courses on event_days.course_id = courses.course_id
        left join
            completion_days
            on event_days.course_id = completion_days.course_id
            and event_days.activity_date = completion_days.activity_date
        left join
            course_completion_days
            on event_days.course_id = course_completion_days.course_id
            and event_days.activity_date = course_completion_days.activity_date
    )

select *
from final
