with
    catalogue_states as (select * from {{ ref("catalogue_states") }}),
    lesson_changes as (select * from {{ ref("lesson_changes") }}),

    final as (
        select
            catalogue_states.course_id,
            catalogue_states.from_batch_id,
            catalogue_states.starts_at,
            lesson_changes.lesson_id
        from catalogue_states
        inner join
            lesson_changes
            on catalogue_states.course_id = lesson_changes.course_id
            and catalogue_states.from_batch_id >= lesson_changes.from_batch_id
            and (
                catalogue_states.from_batch_id < lesson_changes.until_batch_id
                or lesson_changes.until_batch_id is null
            )
            and catalogue_states.starts_at >= lesson_changes.added_at
            and (
                catalogue_states.starts_at < lesson_changes.removed_at
                or lesson_changes.removed_at is null
            )
        where catalogue_states.is_first_of_set
    )

select *
from final
