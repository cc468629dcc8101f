with
    events as (select * from {{ ref("stg_events") }}),

    grouped_events as (
        select
            learner_id,
            course_id,
            lesson_id,
            min(occurred_at) as first_event_at,
            max(occurred_at) as last_event_at,
            min(occurred_at) filter (where event_type = 'lesson_viewed') as first_viewed_at,
            max(occurred_at) filter (where event_type = 'lesson_viewed') as last_viewed_at,
            count(*) filter (where event_type = 'lesson_viewed') as view_count,
            count(*) filter (where event_type = 'lesson_completed') as completion_reports,
            min(occurred_at) filter (
                where event_type = 'lesson_completed'
            ) as earliest_reported_at,
            -- The completion that counts is the one that landed first.
            min(
                {{ record_of(["batch_id", "occurred_at", "event_id", "recorded_at"]) }}
            ) filter (where event_type = 'lesson_completed') as first_landed
        from events
        group by learner_id, course_id, lesson_id
    ),

    final as (
        select
            learner_id,
            course_id,
            lesson_id,
            first_event_at,
            last_event_at,
            first_viewed_at,
            last_viewed_at,
            view_count,
            completion_reports,
            earliest_reported_at,
            first_landed.occurred_at as completed_at,
            first_landed.event_id as completion_event_id,
            first_landed.batch_id as completion_batch_id,
            first_landed.recorded_at as completion_recorded_at
        from grouped_events
    )

select *
from final
