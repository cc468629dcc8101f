with
    source as (select * from {{ source("raw", "lessons") }}),

    renamed as (
        select
            course_id,
            lesson_id,
            position,
            title as lesson_title,
            section,
            added_at,
            removed_at,
            batch_id
        from source
        -- A replayed row is no state of its lesson where a later delivery had already landed.
        qualify
            coalesce(
                delivered_batch_id,
                batch_id
            ) = max(coalesce(delivered_batch_id, batch_id)) over (
                partition by course_id, lesson_id order by batch_id nulls last
            )
            and row_number() over (
                partition by course_id, lesson_id, batch_id
                order by
                    coalesce(delivered_batch_id, batch_id) desc nulls last, line desc nulls last
            )
            = 1
    )

select *
from renamed
