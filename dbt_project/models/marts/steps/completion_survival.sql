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

    ranked_learners as (
        select
            *,
            count(*) over (
                partition by course_id, cohort_month
                order by followed_microseconds desc nulls last
            ) as at_risk_learners
        from followed_learners
    ),

    at_risk as (
        select
            course_id,
            cohort_month,
            followed_microseconds,
            at_risk_learners,
            count(*) as observed_completions
        from ranked_learners
        where is_observed
        group by course_id, cohort_month, followed_microseconds, at_risk_learners
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
    )

select *
from final
