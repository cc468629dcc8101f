with
    lessons as (select * from {{ ref("stg_lessons") }}),

    landed_lessons as (
        select course_id, lesson_id from lessons where {{ is_new_batch("batch_id") }}
    ),

    -- Those that as_of, moving forward or back, brings into the course or takes out of it.
    turned_lessons as (
        select course_id, lesson_id
        from lessons
        where {{ has_turned("added_at") }} or {{ has_turned("removed_at") }}
    ),

    final as (
        select course_id, lesson_id
        from landed_lessons
        union
        select course_id, lesson_id
        from turned_lessons
    )

select *
from final
{% if not adds_to_standing() %} where false {% endif %}
