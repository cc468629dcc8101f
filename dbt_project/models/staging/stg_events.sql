with
    source as (select * from {{ source("raw", "events") }}),

    renamed as (
        select
            event_id,
            event_type,
            learner_id,
            course_id,
            lesson_id,
            occurred_at,
            batch_id,
            recorded_at
        from source {{ where_known("occurred_at") }}
    )

select *
from renamed
