with
    lessons as (
        select
            course_id,
            lesson_id,
            -- Earlier than any instant that landing accepts.
            coalesce(added_at, cast('1900-01-01 00:00:00' as timestamp)) as added_at,
            removed_at,
            batch_id
        from {{ ref("stg_lessons") }}
    ),

    compared_lessons as (
        select
            *,
            lag(added_at) over (
                partition by course_id, lesson_id order by batch_id nulls last
            ) as previous_added_at,
            lag(removed_at) over (
                partition by course_id, lesson_id order by batch_id nulls last
            ) as previous_removed_at
        from lessons
    ),

    -- Of all landed rows, those that move a lesson in or out of its course.
    moved_lessons as (
        select course_id, lesson_id, added_at, removed_at, batch_id
        from compared_lessons
        where
            added_at is distinct from previous_added_at
            or removed_at is distinct from previous_removed_at
    ),

    final as (
        select
            course_id,
            lesson_id,
            added_at,
            removed_at,
            batch_id as from_batch_id,
            lead(batch_id) over (
                partition by course_id, lesson_id order by batch_id nulls last
            ) as until_batch_id
        from moved_lessons
    )

select *
from final
