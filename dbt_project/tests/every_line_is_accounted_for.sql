-- Batch by batch: lines in = accepted + duplicates + rejected + ignored, what was accepted is
-- in
-- raw or erased, and what was rejected is kept, erased, or left by a replay. A replay's own
-- lines
-- that it didn't reject again are those that left.
with
    landed_files as (select * from {{ source("raw", "landed_files") }}),
    replayed_lines as (select * from {{ source("raw", "replayed_lines") }}),
    erased_lines as (select * from {{ source("raw", "erased_lines") }}),

    counted as (
        select
            batch_id,
            accepted as claimed,
            if(file = 'replay', 0, rejected) as claimed_rejected,
            if(file = 'replay', lines - rejected, 0) as claimed_replayed
        from landed_files
        union all
        select batch_id, - accepted, - rejected, 0
        from erased_lines
        union all
        select first_batch_id, 0, - count(*), 0
        from replayed_lines
        group by first_batch_id
        union all
        select batch_id, 0, 0, - count(*)
        from replayed_lines
        group by batch_id
        union all
        select batch_id, 0, - count(*), 0
        from {{ source("raw", "rejected_lines") }}
        group by batch_id
        union all
        select batch_id, - count(*), 0, 0
        from {{ source("raw", "events") }}
        group by batch_id
        union all
        select batch_id, - count(*), 0, 0
        from {{ source("raw", "courses") }}
        group by batch_id
        union all
        select batch_id, - count(*), 0, 0
        from {{ source("raw", "lessons") }}
        group by batch_id
        union all
        select batch_id, - count(*), 0, 0
        from {{ source("raw", "enrollments") }}
        group by batch_id
        union all
        select batch_id, - count(*), 0, 0
        from {{ source("raw", "deadlines") }}
        group by batch_id
    ),

    differences as (
        select
            batch_id,
            sum(claimed) as accepted,
            sum(claimed_rejected) as rejected,
            sum(claimed_replayed) as replayed
        from counted
        group by batch_id
        having sum(claimed) <> 0 or sum(claimed_rejected) <> 0 or sum(claimed_replayed) <> 0
    )

select batch_id, accepted, rejected, replayed
from differences
union all
select batch_id, accepted, rejected, lines
from landed_files
where lines <> accepted + duplicates + rejected + ignored
