with
    changed_pairs as (select * from {{ ref("changed_pairs") }}),
    learner_lessons as (select * from {{ ref("learner_lessons") }}),

    -- No more columns than a pair is made from: a long history is read for them.
    final as (
        select
            learner_id,
            course_id,
            lesson_id,
            first_event_at,
            last_event_at,
            view_count,
            completed_at,
            completion_batch_id
        from learner_lessons
        where {{ is_among(["learner_id", "course_id"], "changed_pairs") }}
    )

select *
from final
{% if not adds_to_standing() %} where false {% endif %}
