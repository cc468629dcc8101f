"""The four reads of the application: progress bar, checkmarks, resume, certificate.

Each is one query on the published snapshot; $learner_id and $course_id are the ids as the source
sent them. Instants are UTC.
"""

LEARNER_COURSES = """
select
    course_progress.course_id,
    course_title,
    enrollment_status,
    course_progress.total_lessons,
    completed_lessons,
    progress_percentage,
    last_accessed_at,
    is_completed,
    completed_at,
    is_certificate_eligible,
    has_new_lessons,
    resume_lesson_id,
    due_at,
    is_overdue
from progress.course_progress
left join marts.course_completion using (course_id)
where learner_id = $learner_id
order by last_accessed_at desc nulls last, course_id
"""
"""The progress bar, where to resume and certificate eligibility: a row per course of a learner."""

LEARNER_LESSONS = """
select
    lesson_drop_off.lesson_id,
    lesson_title,
    position,
    coalesce(is_viewed, false) as is_viewed,
    last_viewed_at,
    coalesce(is_completed, false) as is_completed,
    completed_at
from marts.lesson_drop_off
left join progress.lesson_progress
    on lesson_progress.learner_id = $learner_id
    and lesson_progress.course_id = lesson_drop_off.course_id
    and lesson_progress.lesson_id = lesson_drop_off.lesson_id
where lesson_drop_off.course_id = $course_id
order by position, lesson_drop_off.lesson_id
"""
"""The checkmarks: a row per lesson now in the course, in lesson order."""

COURSE = """
select
    course_id,
    course_title,
    total_lessons,
    enrolled_learners,
    started_learners,
    completed_learners,
    completion_rate,
    average_progress_percentage
from marts.course_completion
where course_id = $course_id
"""
"""One course's completion: a row, or none where the catalogue doesn't know the course."""

NEWEST = "select refresh_id, as_of from marts.refreshes order by refresh_id desc limit 1"
