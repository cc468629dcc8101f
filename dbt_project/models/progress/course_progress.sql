with
    changed_pairs as (select * from {{ ref("changed_pairs") }}),
    current_lessons as (select * from {{ ref("current_lessons") }}),
    course_completions as (select * from {{ ref("course_completions") }}),
    resume_lessons as (select * from {{ ref("resume_lessons") }}),
    deadlines as (select * from {{ ref("stg_deadlines") }}),
    learner_courses as (select * from {{ ref("learner_courses") }} {{ of_changed_pairs() }}),

    enrollment_states as (
        select * from {{ ref("enrollment_states") }} {{ of_changed_pairs() }}
    ),

    course_sizes as (
        select course_id, count(*) as total_lessons
        from current_lessons
        where is_in_course
        group by course_id
    ),

    -- Every enrollment, and every learner and course with an event.
    pairs as (
        select
            coalesce(enrollment_states.learner_id, learner_courses.learner_id) as learner_id,
            coalesce(enrollment_states.course_id, learner_courses.course_id) as course_id,
            coalesce(enrollment_states.enrollment_status, 'none') as enrollment_status,
            enrollment_states.enrolled_at,
            enrollment_states.unenrolled_at,
            coalesce(learner_courses.viewed_lessons, 0) as viewed_lessons,
            coalesce(learner_courses.completed_lessons, 0) as completed_lessons,
            learner_courses.first_accessed_at,
            learner_courses.last_accessed_at
        from enrollment_states
        full outer join
            learner_courses
            on enrollment_states.learner_id = learner_courses.learner_id
            and enrollment_states.course_id = learner_courses.course_id
    ),

    facts as (
        select
            pairs.*,
            coalesce(course_sizes.total_lessons, 0) as total_lessons,
            course_completions.completed_at,
            case
                when resume_lessons.next_open_rank <= course_sizes.total_lessons
                then resume_lessons.next_open_rank
                else coalesce(resume_lessons.first_open_rank, 1)
            end as resume_rank,
            -- A learner's own deadline beats the course's, which only binds who enrolled
            -- before it.
            coalesce(
                own_deadlines.due_at,
                case
                    when pairs.enrolled_at < course_deadlines.due_at
                    then course_deadlines.due_at
                end
            ) as due_at
        from pairs
        left join course_sizes on pairs.course_id = course_sizes.course_id
        left join
            course_completions
            on pairs.learner_id = course_completions.learner_id
            and pairs.course_id = course_completions.course_id
        left join
            resume_lessons
            on pairs.learner_id = resume_lessons.learner_id
            and pairs.course_id = resume_lessons.course_id
        left join
            deadlines as own_deadlines
            on pairs.learner_id = own_deadlines.learner_id
            and pairs.course_id = own_deadlines.course_id
        left join
            deadlines as course_deadlines
            on pairs.course_id = course_deadlines.course_id
            and course_deadlines.learner_id is null
    ),

    final as (
        select
            facts.learner_id,
            facts.course_id,
            facts.enrollment_status,
            facts.enrolled_at,
            facts.unenrolled_at,
            facts.total_lessons,
            facts.viewed_lessons,
            facts.completed_lessons,
            {{ percentage("facts.completed_lessons", "facts.total_lessons") }}
            as progress_percentage,
            facts.first_accessed_at,
            facts.last_accessed_at,
            facts.completed_at is not null as is_completed,
            facts.completed_at,
            {{ days(microseconds_between("facts.first_accessed_at", "facts.completed_at")) }}
            as time_to_complete_days,
            facts.completed_at is not null
            and facts.completed_lessons < facts.total_lessons as has_new_lessons,
            facts.completed_at is not null as is_certificate_eligible,
            current_lessons.lesson_id as resume_lesson_id,
            facts.due_at,
            coalesce(
                facts.enrollment_status = 'active'
                and facts.due_at < {{ as_of() }}
                and not coalesce(facts.completed_at <= {{ as_of() }}, false),
                false
            ) as is_overdue,
            coalesce(facts.completed_at > facts.due_at, false) as is_completed_late
        from facts
        left join
            current_lessons
            on facts.course_id = current_lessons.course_id
            and facts.resume_rank = current_lessons.lesson_rank
    )

select *
from final {{ in_order_of(["learner_id", "course_id"]) }}
