with
    followed_learners as (select * from {{ ref("followed_learners") }}),

    ranked_learners as (
        select
            course_id,
            cohort_month,
            followed_microseconds,
            is_observed,
            count(*) over (
                partition by course_id order by followed_microseconds desc nulls last
            ) as at_risk_of_course,
            count(*) over (
                partition by course_id, cohort_month
                order by followed_microseconds desc nulls last
            ) as at_risk_of_cohort
        from followed_learners
    ),

    observed_learners as (select * from ranked_learners where is_observed),

    -- All learners of a course (no month), and again each month of enrollment by itself.
    at_risk as (
        select
            course_id,
            cast(null as date) as cohort_month,
            followed_microseconds,
            max(at_risk_of_course) as at_risk_learners,
            count(*) as observed_completions
        from observed_learners
        group by course_id, followed_microseconds
        union all
        select
            course_id,
            cohort_month,
            followed_microseconds,
            max(at_risk_of_cohort) as at_risk_learners,
            count(*) as observed_completions
        from observed_learners
        group by course_id, cohort_month, followed_microseconds
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
