with
    ever_enrolled as (select * from {{ ref("ever_enrolled") }}),

    -- All learners of a course (no month), and again each month of enrollment by itself.
    followed_learners as (
        select course_id, cast(null as date) as cohort_month, followed_microseconds, is_observed
        from ever_enrolled
        where is_started
        union all
        select course_id, cohort_month, followed_microseconds, is_observed
        from ever_enrolled
        where is_started
    ),

    durations as (
        select
            course_id,
            cohort_month,
            followed_microseconds,
            count(*) as learners,
            count(*) filter (where is_observed) as observed_completions
        from followed_learners
        group by course_id, cohort_month, followed_microseconds
    ),

    at_risk as (
        select
            *,
            sum(learners) over (
                partition by course_id, cohort_month
                order by followed_microseconds desc nulls last
            ) as at_risk_learners
        from durations
    ),

    final as (
        select
            course_id,
            cohort_month,
            followed_microseconds,
            {{
                running_survival(
                    "observed_completions",
                    "at_risk_learners",
                    "course_id, cohort_month",
                    "followed_microseconds",
                )
            }} as not_complete_share
        from at_risk
        where observed_completions > 0
    )

select *
from final
