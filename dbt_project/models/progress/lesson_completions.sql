with
    learner_lessons as (select * from {{ lessons_to_renew("changed_lessons") }}),

    final as (
        select
            learner_id,
            course_id,
            lesson_id,
            completed_at,
            completion_event_id as event_id,
            completion_batch_id as batch_id,
            completion_recorded_at as recorded_at,
            completion_reports - 1 as later_reports,
            earliest_reported_at
        from learner_lessons
        where completed_at is not null
    )

select *
from final
