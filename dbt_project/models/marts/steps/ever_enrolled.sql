with
    changed_pairs as (select * from {{ ref("changed_pairs") }}),
    course_progress as (select * from {{ ref("course_progress") }} {{ of_changed_pairs() }}),
    learner_courses as (select * from {{ ref("learner_courses") }} {{ of_changed_pairs() }}),

    final as (
        select
            course_progress.learner_id,
            course_progress.course_id,
            cast(
                date_trunc('month', {{ local_date("course_progress.enrolled_at") }}) as date
            ) as cohort_month,
            course_progress.enrollment_status = 'active'
            or coalesce(
                course_progress.completed_at <= course_progress.unenrolled_at, false
            ) as is_enrolled,
            course_progress.first_accessed_at is not null as is_started,
            course_progress.is_completed,
            course_progress.completed_lessons,
            course_progress.first_accessed_at,
            course_progress.last_accessed_at,
            course_progress.completed_at,
            learner_courses.furthest_lesson_rank
        from course_progress
        left join
            learner_courses
            on course_progress.learner_id = learner_courses.learner_id
            and course_progress.course_id = learner_courses.course_id
        where course_progress.enrollment_status in ('active', 'unenrolled')
    )

select *
from final
