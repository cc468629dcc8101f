with
    -- What a course's rows say is renewed for the course as a whole.
    source as (
        select *
        from {{ source("raw", "deadlines") }}
        {% if is_incremental() %}
            where
                course_id in (
                    select course_id
                    from {{ source("raw", "deadlines") }}
                    where {{ is_new_batch("batch_id") }}
                )
        {% endif %}
    ),

    renamed as (
        select course_id, learner_id, due_at, batch_id
        from source
        qualify
            row_number() over (
                partition by course_id, learner_id
                order by
                    coalesce(delivered_batch_id, batch_id) desc nulls last, line desc nulls last
            )
            = 1
    )

select *
from renamed
