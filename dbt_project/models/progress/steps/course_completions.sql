-- The large table is named where it is read: of what steps share, engines keep a copy.
with
    catalogue_states as (select * from {{ ref("catalogue_states") }}),
    state_lessons as (select * from {{ ref("state_lessons") }}),

    completers as (
        select course_id, lesson_id, count(*) as learners
        from {{ lessons_to_renew("changed_learner_lessons") }}
        where completed_at is not null
        group by course_id, lesson_id
    ),

    set_lessons as (
        select
            catalogue_states.lesson_set_id,
            catalogue_states.course_id,
            catalogue_states.total_lessons,
            state_lessons.lesson_id,
            row_number() over (
                partition by catalogue_states.lesson_set_id
                order by
                    coalesce(completers.learners, 0) nulls last,
                    state_lessons.lesson_id nulls last
            ) as rarity_rank
        from catalogue_states
        inner join
            state_lessons
            on catalogue_states.course_id = state_lessons.course_id
            and catalogue_states.from_batch_id = state_lessons.from_batch_id
            and catalogue_states.starts_at = state_lessons.starts_at
        left join
            completers
            on state_lessons.course_id = completers.course_id
            and state_lessons.lesson_id = completers.lesson_id
        where catalogue_states.is_first_of_set
    ),

    -- Only who completed a set's rarest lesson can have completed them all. They are told apart
    -- before the next join, or completions would meet each other by the learner alone.
    candidates as (
        select distinct set_lessons.lesson_set_id, set_lessons.course_id, completions.learner_id
        from set_lessons
        inner join
            {{ lessons_to_renew("changed_learner_lessons") }} as completions
            on set_lessons.course_id = completions.course_id
            and set_lessons.lesson_id = completions.lesson_id
        where set_lessons.rarity_rank = 1 and completions.completed_at is not null
    ),

    finished_sets as (
        select
            candidates.lesson_set_id,
            candidates.learner_id,
            max(completions.completed_at) as completed_at,
            max(completions.completion_batch_id) as batch_id
        from candidates
        inner join
            {{ lessons_to_renew("changed_learner_lessons") }} as completions
            on candidates.learner_id = completions.learner_id
            and candidates.course_id = completions.course_id
        inner join
            set_lessons
            on candidates.lesson_set_id = set_lessons.lesson_set_id
            and completions.lesson_id = set_lessons.lesson_id
        where completions.completed_at is not null
        group by candidates.lesson_set_id, candidates.learner_id
        having count(*) = max(set_lessons.total_lessons)
    ),

    -- The first batch that showed it fixes it; of several instants in it, the earliest.
    final as (
        select finished_sets.learner_id, catalogue_states.course_id, finished_sets.completed_at
        from finished_sets
        inner join
            catalogue_states
            on finished_sets.lesson_set_id = catalogue_states.lesson_set_id
            and (
                finished_sets.batch_id < catalogue_states.until_batch_id
                or catalogue_states.until_batch_id is null
            )
            and (
                finished_sets.completed_at < catalogue_states.ends_at
                or catalogue_states.ends_at is null
            )
        qualify
            row_number() over (
                partition by finished_sets.learner_id, catalogue_states.course_id
                order by
                    greatest(finished_sets.batch_id, catalogue_states.from_batch_id) nulls last,
                    greatest(finished_sets.completed_at, catalogue_states.starts_at) nulls last
            )
            = 1
    )

select *
from final
