with
    courses as (select * from {{ ref("stg_courses") }}),
    current_lessons as (select * from {{ ref("current_lessons") }}),
    ever_enrolled as (select * from {{ ref("ever_enrolled") }}),

    course_sizes as (
        select course_id, count(*) as total_lessons
        from current_lessons
        where is_in_course
        group by course_id
    ),

    learners as (
        select
            course_id,
            count(*) as ever_enrolled_learners,
            count(*) filter (where is_completed) as ever_enrolled_completed_learners,
            count(*) filter (where is_enrolled) as enrolled_learners,
            count(*) filter (where is_enrolled and is_started) as started_learners,
            count(*) filter (where is_enrolled and is_completed) as completed_learners,
            sum(completed_lessons) filter (where is_enrolled) as completed_lessons
        from ever_enrolled
        group by course_id
    ),

    counts as (
        select
            courses.course_id,
            courses.course_title,
            coalesce(course_sizes.total_lessons, 0) as total_lessons,
            coalesce(learners.enrolled_learners, 0) as enrolled_learners,
            coalesce(learners.started_learners, 0) as started_learners,
            coalesce(learners.completed_learners, 0) as completed_learners,
            coalesce(learners.ever_enrolled_learners, 0) as ever_enrolled_learners,
            learners.ever_enrolled_completed_learners,
            learners.completed_lessons
        from courses
        left join course_sizes on courses.course_id = course_sizes.course_id
        left join learners on courses.course_id = learners.course_id
    ),

    final as (
        select
            course_id,
            course_title,
            total_lessons,
            enrolled_learners,
            started_learners,
            completed_learners,
            {{ rate("completed_learners", "enrolled_learners") }} as completion_rate,
            ever_enrolled_learners,
            {{ rate("ever_enrolled_completed_learners", "ever_enrolled_learners") }}
            as ever_enrolled_completion_rate,
            {{ rate("completed_learners", "started_learners") }} as started_completion_rate,
            {{ percentage("completed_lessons", "enrolled_learners * total_lessons") }}
            as average_progress_percentage
        from counts
    )

select *
from final
