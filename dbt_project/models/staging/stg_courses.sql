with
    source as (select * from {{ source("raw", "courses") }}),

    renamed as (
        select course_id, title as course_title, batch_id
        from source
        qualify
            row_number() over (
                partition by course_id
                order by
                    coalesce(delivered_batch_id, batch_id) desc nulls last, line desc nulls last
            )
            = 1
    )

select *
from renamed
