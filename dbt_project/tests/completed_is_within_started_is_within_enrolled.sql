-- Counts nest, so every rate lies between 0 and 1.
select course_id
from {{ ref("course_completion") }}
where
    completed_learners > enrolled_learners
    or started_learners > enrolled_learners
    or completed_learners > started_learners
    or enrolled_learners > ever_enrolled_learners
