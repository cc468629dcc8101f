with
    learner_lessons as (select * from {{ lessons_to_renew("changed_learner_lessons") }}),
    current_lessons as (select * from {{ ref("current_lessons") }}),

    ranked_lessons as (
        select
            learner_lessons.learner_id,
            learner_lessons.course_id,
            learner_lessons.last_event_at,
            learner_lessons.completed_at is not null as is_completed,
            current_lessons.lesson_rank
        from learner_lessons
        left join
            current_lessons
            on learner_lessons.course_id = current_lessons.course_id
            and learner_lessons.lesson_id = current_lessons.lesson_id
            and current_lessons.is_in_course
    ),

    latest_lessons as (
        select
            learner_id,
            course_id,
            (
                max({{ record_of(["last_event_at", "lesson_rank"]) }}) filter (
                    where lesson_rank is not null
                )
            ).lesson_rank as latest_rank
        from ranked_lessons
        group by learner_id, course_id
    ),

    completed_lessons as (
        select
            ranked_lessons.learner_id,
            ranked_lessons.course_id,
            ranked_lessons.lesson_rank,
            latest_lessons.latest_rank,
            row_number() over (
                partition by ranked_lessons.learner_id, ranked_lessons.course_id
                order by ranked_lessons.lesson_rank nulls last
            ) as completed_rank,
            count(*) filter (
                where ranked_lessons.lesson_rank < latest_lessons.latest_rank
            ) over (partition by ranked_lessons.learner_id, ranked_lessons.course_id)
            as completed_before_latest
        from ranked_lessons
        inner join
            latest_lessons
            on ranked_lessons.learner_id = latest_lessons.learner_id
            and ranked_lessons.course_id = latest_lessons.course_id
        where ranked_lessons.is_completed and ranked_lessons.lesson_rank is not null
    ),

    -- Completed lessons without a gap: from the course's first, and from the latest one on.
    completed_runs as (
        select
            learner_id,
            course_id,
            count(*) filter (where lesson_rank = completed_rank) as run_from_first,
            count(*) filter (
                where
                    lesson_rank >= latest_rank
                    and lesson_rank - latest_rank = completed_rank - completed_before_latest - 1
            ) as run_from_latest
        from completed_lessons
        group by learner_id, course_id
    ),

    final as (
        select
            latest_lessons.learner_id,
            latest_lessons.course_id,
            latest_lessons.latest_rank
            + coalesce(completed_runs.run_from_latest, 0) as next_open_rank,
            1 + coalesce(completed_runs.run_from_first, 0) as first_open_rank
        from latest_lessons
        left join
            completed_runs
            on latest_lessons.learner_id = completed_runs.learner_id
            and latest_lessons.course_id = completed_runs.course_id
    )

select *
from final
