with
    changed_pairs as (select * from {{ ref("changed_pairs") }}),
    learner_lessons as (select * from {{ ref("learner_lessons") }}),

    final as (
        select *
        from learner_lessons
        where (learner_id, course_id) in (select learner_id, course_id from changed_pairs)
    )

select *
from final
{% if not adds_to_standing() %} where false {% endif %}
