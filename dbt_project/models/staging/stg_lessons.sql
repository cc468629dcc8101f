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
        qualify
            row_number() over (
                partition by course_id, lesson_id, batch_id order by line desc nulls last
            )
            = 1
    )

select *
from renamed
