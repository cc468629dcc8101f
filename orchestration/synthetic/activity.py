"""What the learners of the synthetic world do: events, in the order in which they land.

An enrollment that reaches `depth` lessons has at least two slots for each: its view, then its
completion. A slot whose view is skipped or whose completion stays away becomes one more view, and
so do the slots that are left over, so every slot is one event and the number of events is exact.
"""

from orchestration.synthetic.world import DAY_MS, LAST_EVENT_DAY

MAKE_ACTIVE_JOURNEYS = """
create table active_journeys as
with spent as (
    select *, sum(depth) over (
        order by random_bits, enrollment rows unbounded preceding
    ) as lessons_spent
    from journeys
    where depth > 0
),
active as (
    select
        *,
        sum(depth) over (order by enrollment rows unbounded preceding)::bigint as lessons_so_far,
        sum(depth) over ()::bigint as all_lessons
    from spent
    where lessons_spent = depth or lessons_spent * 11 // 5 <= getvariable('distinct_events')
)
select
    * exclude (lessons_spent, lessons_so_far, all_lessons),
    (lessons_so_far - depth) * getvariable('distinct_events') // all_lessons as first_number,
    lessons_so_far * getvariable('distinct_events') // all_lessons as end_number
from active
where end_number > first_number
order by enrollment
"""
"""Shares the distinct events among the enrollments by depth, to the last one. Where they are too
few for 2.2 a lesson, some enrollments never start instead of all of them breaking off."""

# DuckDB 2.0.0 fails on this query ("dict-surviving cache: global dictionary column changed
# identity") where rows of a join are unnested and joined again: so it has one join.
MAKE_EVENTS = f"""
create table landing_order as
with slots as (
    select
        *,
        unnest(range(first_number, end_number)) as number,
        number - first_number as slot,
        bits('event', number) as event_bits
    from active_journeys
),
choices as (
    select
        *,
        slot >= 2 * depth as is_left_over,
        not is_left_over and slot % 2 = 0 as is_for_view,
        if(is_left_over, 1 + draw(event_bits, 0, depth), slot // 2 + 1) as step,
        is_for_view and step > 1
            and chance(event_bits, 12, if(is_finisher, 8, 30)) as is_skipped,
        if(is_skipped, 1 + draw(event_bits, 0, step - 1), step) as visited,
        visited + (missing_lesson is not null and visited >= missing_lesson)::bigint as lesson
    from slots
),
decided as (
    select
        choices.*,
        case
            when is_for_view then false
            when is_left_over then is_finisher and chance(event_bits, 12, 30)
            when is_finisher then true
            when visited = depth then chance(event_bits, 12, 300)
            else chance(event_bits, 12, lessons.completed_permille)
        end as is_completion,
        not is_left_over and not is_skipped and (is_for_view or is_completion) as is_first_time,
        bits('visit', enrollment || '/' || visited) as visit_bits,
        (visited - 1) // lessons_per_session as session,
        (visited - 1) % lessons_per_session as lesson_of_session
    from choices
    join lessons on choices.course = lessons.course and choices.lesson = lessons.lesson
),
placed as (
    select
        *,
        first_day + session_day(session, sessions_per_week, week_days)
            + if(session >= pause_session, pause_days, 0) as day,
        usual_minute + (enrollment * 31 + session * 629) % 45
            + lesson_of_session * lesson_minutes as minute,
        instant_ms(day, minute) + if(
            is_completion,
            lesson_minutes * (21000 + draw(visit_bits, 0, 36000))
                + if(chance(visit_bits, 24, 70), 1 + draw(visit_bits, 36, 3), 0) * {DAY_MS}::bigint,
            draw(visit_bits, 12, 245) * 1000
        ) as first_time,
        draw(event_bits, 24, 40) as patience,
        least(patience * patience * patience // 1600, {LAST_EVENT_DAY - 3} - day) as days_later,
        case
            when is_first_time then 0
            when days_later = 0 then (5 + draw(event_bits, 36, 15)) * 60000
            else days_later * {DAY_MS}::bigint + draw(event_bits, 36, 90) * 60000
        end as pause_ms,
        first_time + pause_ms + ((event_bits >> 40) & 32767) as occurred
    from decided
),
landed as (
    select
        number,
        learner,
        course,
        lesson,
        is_completion,
        occurred,
        occurred + case
            when chance(event_bits, 48, 80) then 7200000 + 31 * pow2(draw(visit_bits, 48, 4096))
            else draw(event_bits, 30, 60) * 1000
        end as landed_once,
        (number + 1) * getvariable('repeats') // getvariable('distinct_events')
            > number * getvariable('repeats') // getvariable('distinct_events') as is_repeated,
        unnest(if(is_repeated, [0, 1], [0])) as copy,
        landed_once + copy * (60000 + 15 * pow2(draw(event_bits, 18, 4096))) as landed
    from placed
)
select
    number,
    learner::integer as learner,
    course::integer as course,
    lesson::smallint as lesson,
    is_completion,
    occurred,
    landed
from landed
order by landed, number, copy
"""

LAND_EVENTS = """
select
    id[1:8] || '-' || id[9:12] || '-4' || id[14:16] || '-'
        || substr('89ab', 1 + number % 4, 1) || id[18:20] || '-' || id[21:32] as event_id,
    if(is_completion, 'lesson_completed', 'lesson_viewed') as event_type,
    learner_name(learner) as learner_id,
    course_name(course) as course_id,
    lesson_name(course, lesson) as lesson_id,
    strftime(make_timestamp(occurred * 1000), '%Y-%m-%dT%H:%M:%S.%gZ') as occurred_at
from (
    select *, md5(getvariable('seed') || 'event_id' || number) as id
    from landing_order
    where rowid >= {first} and rowid < {end}
)
"""
