with
    ever_enrolled as (select * from {{ ref("ever_enrolled") }}),

    -- Followed from first access to completion or as_of, whichever is earlier.
    final as (
        select
            course_id,
            cohort_month,
            coalesce(completed_at <= {{ as_of() }}, false) as is_observed,
            greatest(
                {{
                    microseconds_between(
                        "first_accessed_at",
                        "least(coalesce(completed_at, " ~ as_of() ~ "), " ~ as_of() ~ ")",
                    )
                }},
                cast(0 as bigint)
            ) as followed_microseconds
        from ever_enrolled
        where is_started
    )

select *
from final
