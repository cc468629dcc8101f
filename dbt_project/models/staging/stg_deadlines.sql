with
    source as (select * from {{ source("raw", "deadlines") }}),

    renamed as (
        select course_id, learner_id, due_at, batch_id
        from source
        qualify
            row_number() over (
                partition by course_id, learner_id
                order by
                    coalesce(delivered_batch_id, batch_id) desc nulls last, line desc nulls last
            )
            = 1
    )

select *
from renamed
