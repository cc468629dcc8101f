with
    courses as (select * from {{ ref("stg_courses") }}),
    ever_enrolled as (select * from {{ ref("ever_enrolled") }}),

    followed_days as (
        select
            ever_enrolled.course_id,
            {{ integer_quotient("ever_enrolled.followed_microseconds", 86400000000) }} as day,
            count(*) as learners,
            count(*) filter (where ever_enrolled.is_observed) as observed_completions
        from ever_enrolled
        inner join courses on ever_enrolled.course_id = courses.course_id
        where ever_enrolled.is_started
        group by 1, 2
    ),

    at_risk as (
        select
            course_id,
            day,
            observed_completions,
            cast(
                sum(learners) over (
                    partition by course_id order by day desc nulls last
                ) as bigint
            ) as at_risk_learners
        from followed_days
    ),

    final as (
        select
            course_id,
            cast(day as bigint) as day,
            at_risk_learners,
            observed_completions,
            {{
                rounded_share(
                    "1 - "
                    ~ running_survival(
                        "observed_completions", "at_risk_learners", "course_id", "day"
                    )
                )
            }} as completed_share
        from at_risk
        where observed_completions > 0
    )

select *
from final
