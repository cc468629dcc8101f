with
    learner_lessons as (select * from {{ lessons_to_renew("changed_learner_lessons") }}),
    current_lessons as (select * from {{ ref("current_lessons") }}),

    final as (
        select
            learner_lessons.learner_id,
            learner_lessons.course_id,
            min(learner_lessons.first_event_at) as first_accessed_at,
            max(learner_lessons.last_event_at) as last_accessed_at,
            count(*) filter (
                where current_lessons.is_in_course and learner_lessons.view_count > 0
            ) as viewed_lessons,
            count(*) filter (
                where current_lessons.is_in_course and learner_lessons.completed_at is not null
            ) as completed_lessons,
            max(current_lessons.lesson_rank) as furthest_lesson_rank
        from learner_lessons
        left join
            current_lessons
            on learner_lessons.course_id = current_lessons.course_id
            and learner_lessons.lesson_id = current_lessons.lesson_id
        group by learner_lessons.learner_id, learner_lessons.course_id
    )

select *
from final
