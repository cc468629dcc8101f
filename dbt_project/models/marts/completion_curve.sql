with
    courses as (select * from {{ ref("stg_courses") }}),
    followed_learners as (select * from {{ ref("followed_learners") }}),

    followed_days as (
        select
            followed_learners.course_id,
            {{ integer_quotient("followed_learners.followed_microseconds", 86400000000) }}
            as day,
            count(*) as learners,
            count(*) filter (where followed_learners.is_observed) as observed_completions
        from followed_learners
        inner join courses on followed_learners.course_id = courses.course_id
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
