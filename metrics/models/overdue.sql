select learner_id || chr(31) || course_id as overdue_key, learner_id, course_id, due_at
from {{ source("marts", "overdue_learners") }}
