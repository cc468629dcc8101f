"""The synthetic world: courses, lessons, learners, and how far each enrollment gets.

Nothing is drawn by chance. Every figure is integer arithmetic on `bits`, which is the md5 of the
seed, a purpose and a key, so it depends on no order of rows, number of threads or version of the
engine. Days are numbered from 2024-01-01, minutes from midnight UTC, instants are milliseconds
since 1970. Numbers of learners and courses start at 0, those of lessons at 1.
"""

FIRST_DAY_MS = 1_704_067_200_000
DAY_MS = 86_400_000
LAST_SESSION_DAY = 714
LAST_EVENT_DAY = 718
"""2025-12-19: no event occurs later, and 2025-12-20T00:00:00Z is the world's natural as_of."""

MACROS = f"""
create temp macro bits(purpose, key) as
    (md5_number(getvariable('seed') || purpose || key) >> 65)::bigint;
create temp macro draw(random_bits, place, size) as
    ((((random_bits >> place) & 4095) * size) >> 12);
create temp macro chance(random_bits, place, permille) as
    draw(random_bits, place, 1000) < permille;
create temp macro pow2(number) as number * number;
create temp macro session_day(session, per_week, week_days) as
    7 * (session // per_week) + ((session % per_week) * week_days) // per_week;
create temp macro instant_ms(day, minute) as
    {FIRST_DAY_MS} + (day * 1440 + minute)::bigint * 60000;
create temp macro as_text(instant) as
    strftime(make_timestamp(instant * 1000), '%Y-%m-%dT%H:%M:%SZ');
create temp macro course_name(course) as format('course-{{:04d}}', course + 1);
create temp macro lesson_name(course, lesson) as
    format('course-{{:04d}}-lesson-{{:02d}}', course + 1, lesson);
create temp macro learner_name(learner) as format('learner-{{:07d}}', learner + 1);
"""

MAKE_COURSES = """
create table courses as
with drawn as (
    select range as course, bits('course', range) as random_bits
    from range(getvariable('courses'))
)
select
    course,
    random_bits,
    10 + (course * 23 + draw(random_bits, 0, 12)) % 51 as lessons,
    course % 5 = 1 as has_deadline,
    course % 10 = 3 as gains_lesson,
    course % 10 = 7 as loses_lesson,
    2 + draw(random_bits, 12, lessons - 2) as changed_lesson,
    instant_ms(300 + draw(random_bits, 24, 300), 480) as changed_at
from drawn
order by course
"""

MAKE_LESSONS = """
create table lessons as
with drawn as (
    select
        courses.*,
        unnest(range(1, lessons + 1)) as lesson,
        bits('lesson', course || '/' || lesson) as lesson_bits
    from courses
)
select
    course,
    lesson,
    1 + (lesson - 1) // (4 + draw(random_bits, 36, 5)) as section,
    if(lesson = changed_lesson and gains_lesson, changed_at, null) as added_at,
    if(lesson = changed_lesson and loses_lesson, changed_at, null) as removed_at,
    chance(lesson_bits, 0, 80) as is_hard,
    if(is_hard, 90 + draw(lesson_bits, 12, 180), 10 + draw(lesson_bits, 12, 30)) as hazard,
    if(is_hard, 480, 760) + draw(lesson_bits, 24, 220) as completed_permille
from drawn
order by course, lesson
"""

MAKE_ENROLLMENTS = """
create table enrollments as
with wishes as (
    select
        range as learner,
        draw(bits('learner', range), 0, 100) as appetite,
        1 + (appetite >= 25)::int + (appetite >= 55)::int + (appetite >= 78)::int
        + (appetite >= 92)::int as wanted,
        unnest(range(wanted + 4)) as wish
    from range(getvariable('learners'))
),
popular_first as (
    select
        learner,
        wanted,
        wish,
        bits('wish', learner || '/' || wish) / 9223372036854775808.0 as share,
        least(
            floor(pow(getvariable('courses') + 1, share))::bigint, getvariable('courses')
        ) - 1 as course
    from wishes
),
chosen as (
    select learner, course, min(wish) as first_wish
    from popular_first
    group by learner, course, wanted
    qualify row_number() over (partition by learner order by first_wish) <= wanted
)
select row_number() over (order by learner, first_wish) - 1 as enrollment, learner, course
from chosen
order by enrollment
"""

MAKE_HABITS = """
create table habits as
with drawn as (
    select
        enrollment,
        learner,
        course,
        bits('enrollment', learner || '/' || course) as random_bits,
        bits('habit', learner) as learner_bits,
        bits('stamina', learner || '/' || course) / 9223372036854775808.0 as share
    from enrollments
)
select
    enrollment,
    learner,
    course,
    random_bits,
    enrollment > 0 and chance(random_bits, 0, 5) as is_upcoming,
    case
        when is_upcoming then 721 + draw(random_bits, 12, 9)
        when enrollment = 0 then 1
        else 1 + draw(random_bits, 12, 705)
    end as any_day,
    if(chance(learner_bits, 6, 550) and not is_upcoming, 5, 7) as week_days,
    if(week_days = 5, any_day - any_day % 7 + draw(learner_bits, 30, 2), any_day) as first_day,
    case
        when chance(learner_bits, 0, 150) then 420 + draw(learner_bits, 12, 60)
        when chance(learner_bits, 0, 500) then 540 + draw(learner_bits, 12, 360)
        else 1035 + draw(learner_bits, 12, 165)
    end as usual_minute,
    1 + draw(learner_bits, 24, 6) as sessions_per_week,
    1 + draw(random_bits, 24, 4) as lessons_per_session,
    18 + draw(random_bits, 36, 15) as lesson_minutes,
    if(chance(learner_bits, 36, 150), 2 + draw(learner_bits, 48, 8), 1000000) as pause_session,
    14 + draw(random_bits, 48, 56) as pause_days,
    floor(-1000 * ln(share + 1e-12))::bigint as stamina
from drawn
"""

MAKE_PATHS = """
create table paths as
with hazards as (
    select course, lesson, 60 + sum(hazard) over (
        partition by course order by lesson rows unbounded preceding
    ) - hazard as hazard_before
    from lessons
),
listed as (
    select course, list(hazard_before order by lesson) as hazards_before
    from hazards
    group by course
)
select courses.* exclude (random_bits), listed.hazards_before
from courses
join listed on courses.course = listed.course
order by courses.course
"""

MAKE_JOURNEYS = f"""
create table journeys as
with offered as (
    select
        habits.*,
        paths.hazards_before,
        instant_ms(habits.first_day, habits.usual_minute - 5 - draw(random_bits, 6, 55))
            as enrolled_ms,
        case
            when paths.gains_lesson
                and enrolled_ms < paths.changed_at - 60::bigint * {DAY_MS}
                then paths.changed_lesson
            when paths.loses_lesson and enrolled_ms > paths.changed_at
                then paths.changed_lesson
        end as missing_lesson,
        paths.lessons - (missing_lesson is not null)::bigint as offered_lessons,
        {LAST_SESSION_DAY} - habits.first_day
            - if(habits.pause_session < 1000000, habits.pause_days, 0) as days_left
    from habits
    join paths on habits.course = paths.course
),
reached as (
    select
        *,
        least(
            greatest(
                len(list_filter(hazards_before, lambda hazard: hazard <= stamina)),
                (enrollment = 0)::bigint
            ),
            offered_lessons
        ) as wished_depth,
        if(days_left < 0, 0, lessons_per_session * (days_left * sessions_per_week // 7 + 1))
            as possible_depth,
        if(is_upcoming, 0, least(wished_depth, possible_depth)) as depth,
        depth = offered_lessons
            and stamina >= hazards_before[offered_lessons] + 20 as is_finisher
    from offered
)
select
    * exclude (hazards_before, wished_depth, possible_depth, days_left, offered_lessons, stamina),
    greatest(depth - 1, 0) // lessons_per_session as last_session,
    first_day + session_day(last_session, sessions_per_week, week_days)
        + if(last_session >= pause_session, pause_days, 0) as last_day,
    case when is_finisher then 20 when depth = 0 then 150 else 80 end as leaving_permille,
    last_day + 2 + draw(random_bits, 30, 26) as leaving_day,
    if(
        not is_upcoming and leaving_day < {LAST_EVENT_DAY}
            and chance(random_bits, 18, leaving_permille),
        instant_ms(leaving_day, usual_minute),
        null
    ) as unenrolled_ms
from reached
"""

MAKE_WORLD = (
    MAKE_COURSES,
    MAKE_LESSONS,
    MAKE_ENROLLMENTS,
    MAKE_HABITS,
    MAKE_PATHS,
    MAKE_JOURNEYS,
)
