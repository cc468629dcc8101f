with
    courses as (select * from {{ ref("stg_courses") }}),
    current_lessons as (select * from {{ ref("current_lessons") }}),
    lesson_counts as (select * from {{ ref("lesson_counts") }}),
    ever_enrolled as (select * from {{ ref("ever_enrolled") }}),

    lessons as (
        select current_lessons.*
        from current_lessons
        inner join courses on current_lessons.course_id = courses.course_id
        where current_lessons.is_in_course
    ),

    furthest_counts as (
        select
            course_id,
            furthest_lesson_rank,
            count(*) as learners,
            count(*) filter (
                where not is_completed and last_accessed_at <= {{ grace_start() }}
            ) as stopped_learners
        from ever_enrolled
        where is_started
        group by course_id, furthest_lesson_rank
    ),

    started_counts as (
        select course_id, sum(learners) as started_learners
        from furthest_counts
        group by course_id
    ),

    counts as (
        select
            lessons.course_id,
            lessons.lesson_id,
            lessons.lesson_title,
            lessons.position,
            lessons.lesson_rank,
            coalesce(lesson_counts.viewed_learners, 0) as viewed_learners,
            coalesce(lesson_counts.completed_learners, 0) as completed_learners,
            coalesce(
                lesson_counts.viewed_not_completed_learners, 0
            ) as viewed_not_completed_learners,
            coalesce(lesson_counts.stalled_learners, 0) as stalled_learners,
            coalesce(furthest_counts.stopped_learners, 0) as stopped_learners,
            coalesce(started_counts.started_learners, 0) as started_learners,
            coalesce(
                sum(furthest_counts.learners) over (
                    partition by lessons.course_id order by lessons.lesson_rank desc nulls last
                ),
                0
            ) as reached_learners
        from lessons
        left join
            lesson_counts
            on lessons.course_id = lesson_counts.course_id
            and lessons.lesson_id = lesson_counts.lesson_id
        left join
            furthest_counts
            on lessons.course_id = furthest_counts.course_id
            and lessons.lesson_rank = furthest_counts.furthest_lesson_rank
        left join started_counts on lessons.course_id = started_counts.course_id
    ),

    final as (
        select
            course_id,
            lesson_id,
            lesson_title,
            position,
            viewed_learners,
            completed_learners,
            viewed_not_completed_learners,
            {{ rate("viewed_not_completed_learners", "viewed_learners") }} as drop_off_rate,
            stalled_learners,
            {{ rate("stalled_learners", "viewed_learners") }} as stalled_rate,
            cast(reached_learners as bigint) as reached_learners,
            {{ rate("reached_learners", "started_learners") }} as reach_rate,
            stopped_learners,
            {{ rate("stopped_learners", "reached_learners") }} as stop_rate,
            -- A running count of distinct places: a row number's type isn't the same
            -- everywhere.
            count(*) over (
                partition by course_id
                order by
                    viewed_learners >= {{ var("min_cohort") }} desc nulls last,
                    {{ wilson_lower_bound("viewed_not_completed_learners", "viewed_learners") }}
                    desc nulls last,
                    lesson_rank nulls last
            ) as drop_off_rank
        from counts
    )

select *
from final
