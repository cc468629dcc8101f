{% set renewed = renewed_by(key="course_id, activity_date", partition="activity_date") %}
with
    events as (
        select *, {{ local_date("occurred_at") }} as activity_date
        from {{ ref("stg_events") }}
        {% if is_incremental() %} where occurred_at >= {{ before_new_days() }} {% endif %}
    ),

    completions as (
        select *, {{ local_date("completed_at") }} as activity_date
        from {{ ref("learner_lessons") }}
        where
            completed_at is not null
            {% if is_incremental() %} and completed_at >= {{ before_new_days() }} {% endif %}
    ),

    -- The days of a course that its new events fall on are counted anew, all others stand.
    new_days as (
        select distinct {{ renewed }}
        from events
        {% if is_incremental() %} where {{ is_new_batch("batch_id") }} {% endif %}
    ),

    event_days as (
        select
            course_id,
            activity_date,
            count(distinct learner_id) as active_learners,
            count(*) filter (where event_type = 'lesson_viewed') as views
        from events
        {% if is_incremental() %}
            where ({{ renewed }}) in (select {{ renewed }} from new_days)
        {% endif %}
        group by course_id, activity_date
    ),

    completion_days as (
        select course_id, activity_date, count(*) as completions
        from completions
        group by course_id, activity_date
    ),

    final as (
        select
            event_days.course_id,
            event_days.activity_date,
            event_days.active_learners,
            event_days.views,
            coalesce(completion_days.completions, 0) as completions
        from event_days
        left join
            completion_days
            on event_days.course_id = completion_days.course_id
            and event_days.activity_date = completion_days.activity_date
    )

select *
from final
