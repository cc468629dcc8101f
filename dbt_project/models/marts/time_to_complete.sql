with
    courses as (select * from {{ ref("stg_courses") }}),
    followed_learners as (select * from {{ ref("followed_learners") }}),
    completion_survival as (select * from {{ ref("completion_survival") }}),

    followed as (
        select
            course_id,
            count(*) as followed_learners,
            count(*) filter (where is_observed) as observed_completions
        from followed_learners
        group by course_id
    ),

    all_learners as (
        select
            course_id,
            {{ survival_percentile(0.25) }} as p25_days,
            {{ survival_percentile(0.5) }} as median_days,
            {{ survival_percentile(0.75) }} as p75_days,
            {{ survival_percentile(0.9) }} as p90_days
        from completion_survival
        where cohort_month is null
        group by course_id
    ),

    completers as (
        select
            followed_learners.course_id,
            followed_learners.followed_microseconds,
            followed.observed_completions,
            row_number() over (
                partition by followed_learners.course_id
                order by followed_learners.followed_microseconds nulls last
            )
            - 1 as position
        from followed_learners
        inner join followed on followed_learners.course_id = followed.course_id
        where followed_learners.is_observed
    ),

    completers_only as (
        select
            course_id,
            {{ interpolated_percentile(25) }} as completers_p25_days,
            {{ interpolated_percentile(50) }} as completers_median_days,
            {{ interpolated_percentile(75) }} as completers_p75_days,
            {{ interpolated_percentile(90) }} as completers_p90_days,
            {{ days("sum(followed_microseconds)", "count(*)") }} as completers_mean_days
        from completers
        group by course_id
    ),

    final as (
        select
            courses.course_id,
            coalesce(followed.followed_learners, 0) as followed_learners,
            coalesce(followed.observed_completions, 0) as observed_completions,
            all_learners.median_days,
            all_learners.p25_days,
            all_learners.p75_days,
            all_learners.p90_days,
            completers_only.completers_median_days,
            completers_only.completers_p25_days,
            completers_only.completers_p75_days,
            completers_only.completers_p90_days,
            completers_only.completers_mean_days
        from courses
        left join followed on courses.course_id = followed.course_id
        left join all_learners on courses.course_id = all_learners.course_id
        left join completers_only on courses.course_id = completers_only.course_id
    )

select *
from final
