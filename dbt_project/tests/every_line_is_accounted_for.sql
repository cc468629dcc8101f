-- Lines in = accepted + duplicates + rejected + ignored, and what was accepted is in raw.
with
    landed_files as (
        select coalesce(sum(accepted), 0) as accepted, coalesce(sum(rejected), 0) as rejected
        from {{ source("raw", "landed_files") }}
    ),

    kept_rows as (
        select count(*) as kept
        from {{ source("raw", "events") }}
        union all
        select count(*) as kept
        from {{ source("raw", "courses") }}
        union all
        select count(*) as kept
        from {{ source("raw", "lessons") }}
        union all
        select count(*) as kept
        from {{ source("raw", "enrollments") }}
        union all
        select count(*) as kept
        from {{ source("raw", "deadlines") }}
    ),

    kept as (select sum(kept) as kept from kept_rows),

    rejected_lines as (select count(*) as rejected from {{ source("raw", "rejected_lines") }})

select
    landed_files.accepted,
    kept.kept,
    landed_files.rejected,
    rejected_lines.rejected as kept_lines
from landed_files
cross join kept
cross join rejected_lines
where landed_files.accepted <> kept.kept or landed_files.rejected <> rejected_lines.rejected
