with
    learner_lessons as (select * from {{ ref("learner_lessons") }}),

    -- They are few, and so found faster among all lessons of learners than the enrolled would
    -- be.
    never_enrolled as (
        select learner_id, course_id
        from {{ ref("course_progress") }}
        where enrollment_status not in ('active', 'unenrolled')
    ),

    counted_lessons as (
        select
            learner_lessons.course_id,
            learner_lessons.lesson_id,
            learner_lessons.last_viewed_at,
            learner_lessons.view_count + learner_lessons.completion_reports as events,
            never_enrolled.learner_id is null as is_ever_enrolled,
            learner_lessons.view_count > 0 as is_viewed,
            learner_lessons.completed_at is not null as is_completed
        from learner_lessons
        left join
            never_enrolled
            on learner_lessons.learner_id = never_enrolled.learner_id
            and learner_lessons.course_id = never_enrolled.course_id
    ),

    final as (
        select
            course_id,
            lesson_id,
            cast(sum(events) as bigint) as events,
            count(*) filter (where is_ever_enrolled and is_viewed) as viewed_learners,
            count(*) filter (where is_ever_enrolled and is_completed) as completed_learners,
            count(*) filter (
                where is_ever_enrolled and is_viewed and not is_completed
            ) as viewed_not_completed_learners,
            count(*) filter (
                where
                    is_ever_enrolled
                    and is_viewed
                    and not is_completed
                    and last_viewed_at <= {{ grace_start() }}
            ) as stalled_learners
        from counted_lessons
        group by course_id, lesson_id
    )

select *
from final
