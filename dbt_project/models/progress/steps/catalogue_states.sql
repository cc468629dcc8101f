with
    state_lessons as (select * from {{ ref("state_lessons") }}),

    states as (
        select
            course_id,
            from_batch_id,
            until_batch_id,
            starts_at,
            ends_at,
            count(*) as total_lessons,
            {{ sorted_list("lesson_id") }} as lesson_list
        from state_lessons
        group by course_id, from_batch_id, until_batch_id, starts_at, ends_at
    ),

    -- A thousand edits that leave the same lessons in a course are one set of lessons.
    final as (
        select
            dense_rank() over (
                order by course_id nulls last, lesson_list nulls last
            ) as lesson_set_id,
            row_number() over (
                partition by course_id, lesson_list
                order by from_batch_id nulls last, starts_at nulls last
            )
            = 1 as is_first_of_set,
            course_id,
            from_batch_id,
            until_batch_id,
            starts_at,
            ends_at,
            total_lessons
        from states
    )

select *
from final
