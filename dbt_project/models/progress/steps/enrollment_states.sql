with
    enrollments as (select * from {{ ref("stg_enrollments") }}),

    final as (
        select
            learner_id,
            course_id,
            enrolled_at,
            unenrolled_at,
            case
                when unenrolled_at <= {{ as_of() }}
                then 'unenrolled'
                when enrolled_at > {{ as_of() }}
                then 'upcoming'
                else 'active'
            end as enrollment_status
        from enrollments
        {%- if var("infer_enrollments") %}

            -- Where a platform sends no enrollment, the first event counts as one.
            union all

            select
                learner_courses.learner_id,
                learner_courses.course_id,
                learner_courses.first_accessed_at as enrolled_at,
                cast(null as timestamp) as unenrolled_at,
                'active' as enrollment_status
            from {{ ref("learner_courses") }} as learner_courses
            left join
                enrollments
                on learner_courses.learner_id = enrollments.learner_id
                and learner_courses.course_id = enrollments.course_id
            where enrollments.learner_id is null
        {%- endif %}
    )

select *
from final
