with
    lesson_changes as (
        select *, {{ text_number("lesson_id") }} as lesson_number
        from {{ ref("lesson_changes") }}
        where added_at < removed_at or removed_at is null
    ),

    -- In the plane of batches and instants a lesson stands in a rectangle: what each of its
    -- corners adds to all that is later on both axes.
    corners as (
        select
            course_id,
            from_batch_id as batch_id,
            added_at as starts_at,
            1 as sign,
            lesson_number
        from lesson_changes
        union all
        select course_id, from_batch_id, removed_at, -1, lesson_number
        from lesson_changes
        where removed_at is not null
        union all
        select course_id, until_batch_id, added_at, -1, lesson_number
        from lesson_changes
        where until_batch_id is not null
        union all
        select course_id, until_batch_id, removed_at, 1, lesson_number
        from lesson_changes
        where until_batch_id is not null and removed_at is not null
    ),

    turns as (
        select
            course_id,
            batch_id,
            starts_at,
            sum(sign) as lessons,
            sum(sign * lesson_number) as lesson_number
        from corners
        group by course_id, batch_id, starts_at
    ),

    batches as (select distinct course_id, batch_id from turns),
    instants as (select distinct course_id, starts_at from turns),

    sums_over_batches as (
        select
            batches.course_id,
            batches.batch_id,
            instants.starts_at,
            sum(coalesce(turns.lessons, 0)) over (
                partition by batches.course_id, instants.starts_at
                order by batches.batch_id nulls last
            ) as lessons,
            sum(coalesce(turns.lesson_number, 0)) over (
                partition by batches.course_id, instants.starts_at
                order by batches.batch_id nulls last
            ) as lesson_number
        from batches
        inner join instants on batches.course_id = instants.course_id
        left join
            turns
            on batches.course_id = turns.course_id
            and batches.batch_id = turns.batch_id
            and instants.starts_at = turns.starts_at
    ),

    final as (
        select
            course_id,
            batch_id,
            starts_at,
            cast(
                sum(lessons) over (
                    partition by course_id, batch_id order by starts_at nulls last
                ) as bigint
            ) as total_lessons,
            sum(lesson_number) over (
                partition by course_id, batch_id order by starts_at nulls last
            ) as set_number
        from sums_over_batches
    )

select *
from final
