with
    events as (
        select *
        from {{ ref("stg_events") }}
        {% if is_incremental() %} where {{ is_new_batch("batch_id") }} {% endif %}
    ),

    grouped_events as (
        select
            learner_id,
            course_id,
            lesson_id,
            min(occurred_at) as first_event_at,
            max(occurred_at) as last_event_at,
            max(batch_id) as last_batch_id,
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

    landed as (
        select
            learner_id,
            course_id,
            lesson_id,
            first_event_at,
            last_event_at,
            last_batch_id,
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
    ),

    {% if is_incremental() %}

        -- What stands had landed before: its completion stays.
        final as (
            select
                landed.learner_id,
                landed.course_id,
                landed.lesson_id,
                least(landed.first_event_at, standing.first_event_at) as first_event_at,
                greatest(landed.last_event_at, standing.last_event_at) as last_event_at,
                landed.last_batch_id,
                least(landed.first_viewed_at, standing.first_viewed_at) as first_viewed_at,
                greatest(landed.last_viewed_at, standing.last_viewed_at) as last_viewed_at,
                landed.view_count + coalesce(standing.view_count, 0) as view_count,
                landed.completion_reports
                + coalesce(standing.completion_reports, 0) as completion_reports,
                least(
                    landed.earliest_reported_at, standing.earliest_reported_at
                ) as earliest_reported_at,
                coalesce(standing.completed_at, landed.completed_at) as completed_at,
                coalesce(
                    standing.completion_event_id, landed.completion_event_id
                ) as completion_event_id,
                coalesce(
                    standing.completion_batch_id, landed.completion_batch_id
                ) as completion_batch_id,
                coalesce(
                    standing.completion_recorded_at, landed.completion_recorded_at
                ) as completion_recorded_at
            from landed
            left join
                {{ rows_among(this, ["learner_id", "course_id", "lesson_id"], "landed") }}
                as standing
                on landed.learner_id = standing.learner_id
                and landed.course_id = standing.course_id
                and landed.lesson_id = standing.lesson_id
        )

    {% else %} final as (select * from landed)
    {% endif %}

select *
from final {{ in_order_of(["learner_id", "course_id", "lesson_id"]) }}
