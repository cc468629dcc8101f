-- The large table is named where it is read: of what two steps share, engines keep a copy.
with
    edited_lessons as (select * from {{ ref("edited_lessons") }}),

    with_new_events as (
        select * from {{ ref("learner_lessons") }} where {{ is_new_batch("last_batch_id") }}
    ),

    of_edited_lessons as (
        select *
        from {{ ref("learner_lessons") }}
        where
            not {{ is_new_batch("last_batch_id") }}
            and (course_id, lesson_id) in (select course_id, lesson_id from edited_lessons)
    ),

    final as (
        select *
        from with_new_events
        union all
        select *
        from of_edited_lessons
    )

select *
from final
{% if not adds_to_standing() %} where false {% endif %}
