with
    catalogue_points as (select * from {{ ref("catalogue_points") }}),

    changed_batches as (select distinct course_id, batch_id from catalogue_points),

    versions as (
        select
            course_id,
            batch_id,
            lag(batch_id) over (
                partition by course_id order by batch_id nulls last
            ) as previous_batch_id,
            lead(batch_id) over (
                partition by course_id order by batch_id nulls last
            ) as next_batch_id
        from changed_batches
    ),

    compared_points as (
        select
            *,
            lag(set_number) over (
                partition by course_id, batch_id order by starts_at nulls last
            ) as earlier_set_number
        from catalogue_points
    ),

    -- By what one batch made of the catalogue: the spans of time in which one set stood.
    periods as (
        select
            *,
            lead(starts_at) over (
                partition by course_id, batch_id order by starts_at nulls last
            ) as ends_at
        from compared_points
        where set_number is distinct from earlier_set_number
    ),

    compared_periods as (
        select
            periods.course_id,
            periods.batch_id,
            versions.next_batch_id,
            periods.starts_at,
            periods.ends_at,
            periods.set_number,
            periods.total_lessons,
            case
                when
                    versions.previous_batch_id = lag(periods.batch_id) over (
                        partition by
                            periods.course_id,
                            periods.set_number,
                            periods.starts_at,
                            periods.ends_at
                        order by periods.batch_id nulls last
                    )
                then 0
                else 1
            end as is_changed
        from periods
        inner join
            versions
            on periods.course_id = versions.course_id
            and periods.batch_id = versions.batch_id
        where periods.total_lessons > 0
    ),

    numbered_periods as (
        select
            *,
            sum(is_changed) over (
                partition by course_id, set_number, starts_at, ends_at
                order by batch_id nulls last
            ) as run_number
        from compared_periods
    ),

    -- Batches in a row that leave a period as it was are one state.
    states as (
        select
            course_id,
            set_number,
            min(batch_id) as from_batch_id,
            case
                when count(next_batch_id) = count(*) then max(next_batch_id)
            end as until_batch_id,
            starts_at,
            ends_at,
            max(total_lessons) as total_lessons
        from numbered_periods
        group by course_id, set_number, starts_at, ends_at, run_number
    ),

    final as (
        select
            dense_rank() over (
                order by course_id nulls last, set_number nulls last
            ) as lesson_set_id,
            row_number() over (
                partition by course_id, set_number
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
