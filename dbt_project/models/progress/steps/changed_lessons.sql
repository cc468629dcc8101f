with
    events as (select * from {{ ref("stg_events") }}),
    edited_lessons as (select * from {{ ref("edited_lessons") }}),
    learner_lessons as (select * from {{ ref("learner_lessons") }}),

    with_new_events as (
        select learner_id, course_id, lesson_id from events where {{ is_new_batch("batch_id") }}
    ),

    of_edited_lessons as (
        select learner_id, course_id, lesson_id
        from learner_lessons
        where (course_id, lesson_id) in (select course_id, lesson_id from edited_lessons)
    ),

    final as (
        select learner_id, course_id, lesson_id
        from with_new_events
        union
        select learner_id, course_id, lesson_id
        from of_edited_lessons
    )

select *
from final
{% if not adds_to_standing() %} where false {% endif %}
