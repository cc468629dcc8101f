-- Large tables are named where they are read: of what two steps share, engines keep a copy.
with
    events as (select * from {{ ref("stg_events") }}),
    deadlines as (select * from {{ ref("stg_deadlines") }}),
    edited_lessons as (select * from {{ ref("edited_lessons") }}),

    with_new_events as (
        select learner_id, course_id from events where {{ is_new_batch("batch_id") }}
    ),

    with_new_enrollments as (
        select learner_id, course_id
        from {{ source("raw", "enrollments") }}
        where {{ is_new_batch("batch_id") }}
    ),

    -- As as_of moves, learners come and leave.
    with_turned_enrollments as (
        select learner_id, course_id
        from {{ ref("stg_enrollments") }}
        where {{ has_turned("enrolled_at") }} or {{ has_turned("unenrolled_at") }}
    ),

    -- Who completes the course is no longer overdue; it is one of its lessons that completes
    -- it.
    with_turned_completions as (
        select learner_id, course_id
        from {{ ref("learner_lessons") }}
        where {{ has_turned("completed_at") }}
    ),

    changed_deadlines as (
        select learner_id, course_id
        from {{ source("raw", "deadlines") }}
        where {{ is_new_batch("batch_id") }}
        union all
        select learner_id, course_id
        from deadlines
        where {{ has_turned("due_at") }}
    ),

    with_changed_deadlines as (
        select learner_id, course_id from changed_deadlines where learner_id is not null
    ),

    changed_courses as (
        select course_id
        from edited_lessons
        union
        select course_id
        from changed_deadlines
        where learner_id is null
    ),

    of_changed_courses as (
        select learner_id, course_id
        from {{ ref("learner_lessons") }}
        where course_id in (select course_id from changed_courses)
        union all
        select learner_id, course_id
        from {{ ref("stg_enrollments") }}
        where course_id in (select course_id from changed_courses)
    ),

    final as (
        select learner_id, course_id
        from with_new_events
        union
        select learner_id, course_id
        from with_new_enrollments
        union
        select learner_id, course_id
        from with_turned_enrollments
        union
        select learner_id, course_id
        from with_turned_completions
        union
        select learner_id, course_id
        from with_changed_deadlines
        union
        select learner_id, course_id
        from of_changed_courses
    )

select *
from final
{% if not adds_to_standing() %} where false {% endif %}
