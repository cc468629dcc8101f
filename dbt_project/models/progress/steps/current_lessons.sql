with
    lessons as (select * from {{ ref("stg_lessons") }}),

    standing_lessons as (
        select
            *,
            coalesce(added_at <= {{ as_of() }}, true)
            and coalesce(removed_at > {{ as_of() }}, true) as is_in_course
        from lessons
        qualify
            row_number() over (
                partition by course_id, lesson_id order by batch_id desc nulls last
            )
            = 1
    ),

    final as (
        select
            course_id,
            lesson_id,
            lesson_title,
            position,
            is_in_course,
            case
                when is_in_course
                then
                    row_number() over (
                        partition by course_id, is_in_course
                        order by position nulls last, lesson_id nulls last
                    )
            end as lesson_rank
        from standing_lessons
    )

select *
from final
