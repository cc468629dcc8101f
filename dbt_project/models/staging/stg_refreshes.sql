with
    source as (select * from {{ source("raw", "refreshes") }}),

    renamed as (
        select
            refresh_id,
            as_of,
            coalesce(published_at, started_at) as published_at,
            engine,
            events,
            new_events,
            new_duplicates,
            new_rejected_lines,
            last_event_at,
            last_landed_at
        from source
    )

select *
from renamed
