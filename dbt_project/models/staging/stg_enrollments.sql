with
    source as (
        select *
        from {{ source("raw", "enrollments") }}
        {% if is_incremental() %}
            where
                (learner_id, course_id) in (
                    select learner_id, course_id
                    from {{ source("raw", "enrollments") }}
                    where {{ is_new_batch("batch_id") }}
                )
        {% endif %}
    ),

    renamed as (
        select learner_id, course_id, enrolled_at, unenrolled_at, batch_id
        from source {{ where_known("enrolled_at") }}
        qualify
            row_number() over (
                partition by learner_id, course_id
                order by
                    coalesce(delivered_batch_id, batch_id) desc nulls last, line desc nulls last
            )
            = 1
    )

select *
from renamed
