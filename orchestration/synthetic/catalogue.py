"""The catalogue sources of the synthetic world, as queries whose rows are the files' lines."""

_SUBJECTS = (
    "Accounting", "Anatomy", "Astronomy", "Bookkeeping", "Botany", "Carpentry", "Chemistry",
    "Contract Law", "Data Protection", "Databases", "Drawing", "Ecology", "Economics",
    "Electronics", "Fire Safety", "First Aid", "Food Hygiene", "Geology", "Geometry", "Grammar",
    "Interviewing", "Logistics", "Marketing", "Mechanics", "Mediation", "Negotiation", "Nursing",
    "Nutrition", "Photography", "Physics", "Probability", "Programming", "Project Planning",
    "Public Speaking", "Statistics", "Surveying", "Translation", "Typography", "Welding",
)  # fmt: skip
_LEVELS = ("Introduction to {}", "{} in Practice", "Foundations of {}", "{} for Professionals",
           "Advanced {}", "{} Refresher")  # fmt: skip
_TOPICS = (
    "What you already know", "The main ideas", "Words and symbols", "A worked example",
    "Tools of the trade", "Measuring and recording", "Common mistakes", "Reading the signs",
    "A case from practice", "Exercises", "Checking your work", "Limits and exceptions",
    "Talking it over", "The law behind it", "Working safely", "Planning ahead",
    "Comparing methods", "A closer look", "Summary and quiz",
)  # fmt: skip


def _sql_list(words: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"


_COURSES = f"""
select
    course_name(course) as course_id,
    replace(
        {_sql_list(_LEVELS)}[1 + course // {len(_SUBJECTS)} % {len(_LEVELS)}],
        '{{}}',
        {_sql_list(_SUBJECTS)}[1 + course % {len(_SUBJECTS)}]
    ) as title
from courses
order by course
"""

_LESSONS = f"""
select
    course_name(course) as course_id,
    lesson_name(course, lesson) as lesson_id,
    lesson as position,
    {_sql_list(_TOPICS)}[1 + (course * 7 + lesson - 1) % {len(_TOPICS)}]
        || if(lesson > {len(_TOPICS)}, ', part ' || (1 + (lesson - 1) // {len(_TOPICS)}), '')
        as title,
    'Unit ' || section as section,
    as_text(added_at) as added_at,
    as_text(removed_at) as removed_at
from lessons
order by course, lesson
"""

_ENROLLMENTS = """
select
    learner_name(learner) as learner_id,
    course_name(course) as course_id,
    as_text(enrolled_ms) as enrolled_at,
    as_text(unenrolled_ms) as unenrolled_at
from journeys
order by enrollment
"""

_DEADLINES = """
with course_wide as (
    select
        course,
        -1 as enrollment,
        strftime(date '2024-01-01' + (420 + draw(random_bits, 48, 300))::integer, '%Y-%m-%d')
            as due_at,
        null as learner_id
    from courses
    where has_deadline
),
personal as (
    select
        journeys.course,
        journeys.enrollment,
        as_text(instant_ms(
            least(journeys.first_day + 30 * (1 + draw(journeys.random_bits, 12, 5)), 729), 1439
        ) + 59000) as due_at,
        learner_name(journeys.learner) as learner_id
    from journeys
    join courses on journeys.course = courses.course
    where chance(bits('due', journeys.enrollment), 0, if(courses.has_deadline, 100, 500))
)
select course_name(course) as course_id, due_at, learner_id
from (from course_wide union all by name from personal)
order by enrollment, course
"""

CATALOGUE = {
    "courses": _COURSES,
    "lessons": _LESSONS,
    "enrollments": _ENROLLMENTS,
    "deadlines": _DEADLINES,
}
