-- Who reached a lesson reached every lesson before it.
with
    lessons as (
        select
            course_id,
            lesson_id,
            reached_learners,
            lag(reached_learners) over (
                partition by course_id order by position nulls last, lesson_id nulls last
            ) as reached_before
        from {{ ref("lesson_drop_off") }}
    )

select course_id, lesson_id, reached_before, reached_learners
from lessons
where reached_learners > reached_before
