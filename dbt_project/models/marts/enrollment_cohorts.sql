with
    courses as (select * from {{ ref("stg_courses") }}),
    ever_enrolled as (select * from {{ ref("ever_enrolled") }}),
    completion_survival as (select * from {{ ref("completion_survival") }}),

    cohorts as (
        select
            ever_enrolled.course_id,
            ever_enrolled.cohort_month,
            count(*) filter (where ever_enrolled.is_enrolled) as enrolled_learners,
            count(*) filter (
                where ever_enrolled.is_enrolled and ever_enrolled.is_completed
            ) as completed_learners
        from ever_enrolled
        inner join courses on ever_enrolled.course_id = courses.course_id
        group by ever_enrolled.course_id, ever_enrolled.cohort_month
    ),

    medians as (
        select course_id, cohort_month, {{ survival_percentile(0.5) }} as median_days
        from completion_survival
        where cohort_month is not null
        group by course_id, cohort_month
    ),

    final as (
        select
            cohorts.course_id,
            cohorts.cohort_month,
            cohorts.enrolled_learners,
            cohorts.completed_learners,
            {{ rate("cohorts.completed_learners", "cohorts.enrolled_learners") }}
            as completion_rate,
            medians.median_days
        from cohorts
        left join
            medians
            on cohorts.course_id = medians.course_id
            and cohorts.cohort_month = medians.cohort_month
    )

select *
from final
