with
    learner_lessons as (select * from {{ lessons_to_renew("changed_lessons") }}),
    current_lessons as (select * from {{ ref("current_lessons") }}),

    final as (
        select
            learner_lessons.learner_id,
            learner_lessons.course_id,
            learner_lessons.lesson_id,
            learner_lessons.view_count > 0 as is_viewed,
            learner_lessons.first_viewed_at,
            learner_lessons.last_viewed_at,
            learner_lessons.view_count,
            learner_lessons.completed_at is not null as is_completed,
            learner_lessons.completed_at,
            coalesce(current_lessons.is_in_course, false) as is_in_course
        from learner_lessons
        left join
            current_lessons
            on learner_lessons.course_id = current_lessons.course_id
            and learner_lessons.lesson_id = current_lessons.lesson_id
    )

select *
from final
