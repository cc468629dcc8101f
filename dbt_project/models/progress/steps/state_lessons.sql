with
    lesson_changes as (select * from {{ ref("lesson_changes") }}),

    changed_batches as (select distinct course_id, from_batch_id from lesson_changes),

    catalogue_versions as (
        select
            course_id,
            from_batch_id,
            lead(from_batch_id) over (
                partition by course_id order by from_batch_id nulls last
            ) as until_batch_id
        from changed_batches
    ),

    standing_lessons as (
        select
            catalogue_versions.course_id,
            catalogue_versions.from_batch_id,
            catalogue_versions.until_batch_id,
            lesson_changes.lesson_id,
            lesson_changes.added_at,
            lesson_changes.removed_at
        from catalogue_versions
        inner join
            lesson_changes
            on catalogue_versions.course_id = lesson_changes.course_id
            and catalogue_versions.from_batch_id >= lesson_changes.from_batch_id
            and (
                catalogue_versions.from_batch_id < lesson_changes.until_batch_id
                or lesson_changes.until_batch_id is null
            )
    ),

    boundaries as (
        select course_id, from_batch_id, added_at as starts_at
        from standing_lessons
        union
        select course_id, from_batch_id, removed_at as starts_at
        from standing_lessons
        where removed_at is not null
    ),

    periods as (
        select
            course_id,
            from_batch_id,
            starts_at,
            lead(starts_at) over (
                partition by course_id, from_batch_id order by starts_at nulls last
            ) as ends_at
        from boundaries
    ),

    final as (
        select
            standing_lessons.course_id,
            standing_lessons.from_batch_id,
            standing_lessons.until_batch_id,
            periods.starts_at,
            periods.ends_at,
            standing_lessons.lesson_id
        from standing_lessons
        inner join
            periods
            on standing_lessons.course_id = periods.course_id
            and standing_lessons.from_batch_id = periods.from_batch_id
            and standing_lessons.added_at <= periods.starts_at
            and (
                standing_lessons.removed_at > periods.starts_at
                or standing_lessons.removed_at is null
            )
    )

select *
from final
