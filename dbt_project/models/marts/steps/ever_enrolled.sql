with
    course_progress as (select * from {{ ref("course_progress") }}),
    learner_courses as (select * from {{ ref("learner_courses") }}),

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
            course_progress.last_accessed_at,
            learner_courses.furthest_lesson_rank,
            -- Followed from first access to completion or as_of, whichever is earlier.
            coalesce(course_progress.completed_at <= {{ as_of() }}, false) as is_observed,
            greatest(
                {{
                    microseconds_between(
                        "course_progress.first_accessed_at",
                        "least(coalesce(course_progress.completed_at, "
                        ~ as_of()
                        ~ "), "
                        ~ as_of()
                        ~ ")",
                    )
                }},
                cast(0 as bigint)
            ) as followed_microseconds
        from course_progress
        left join
            learner_courses
            on course_progress.learner_id = learner_courses.learner_id
            and course_progress.course_id = learner_courses.course_id
        where course_progress.enrollment_status in ('active', 'unenrolled')
    )

select *
from final
