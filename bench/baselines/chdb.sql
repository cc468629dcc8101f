set session_timezone = 'UTC', join_use_nulls = 1, engine_file_truncate_on_insert = 1;

create database if not exists bench engine = Atomic;

create table bench.events engine = Memory as
select
    event_id, any(event_type) as event_type, any(learner_id) as learner_id,
    any(course_id) as course_id, any(lesson_id) as lesson_id, any(occurred_at) as occurred_at,
    min(batch_id) as batch_id, min(recorded_at) as recorded_at
from file('$SOURCE/events.parquet')
group by event_id;

create table bench.lessons engine = Memory as
select
    course_id, lesson_id, coalesce(added_at, toDateTime64('1900-01-01 00:00:00', 6)) as added_at,
    removed_at
from file('$SOURCE/lessons.parquet');

create table bench.current engine = Memory as
select course_id, lesson_id, 1 as here
from bench.lessons
where added_at <= '$AS_OF' and (removed_at is null or removed_at > '$AS_OF');

create table bench.state engine = Memory as
select
    learner_id, course_id, lesson_id,
    min(occurred_at) as first_event_at, max(occurred_at) as last_event_at,
    countIf(event_type = 'lesson_viewed') as view_count,
    minIf(occurred_at, event_type = 'lesson_viewed') as first_viewed_at,
    maxIf(occurred_at, event_type = 'lesson_viewed') as last_viewed_at,
    countIf(event_type = 'lesson_completed') as reports,
    minIf(occurred_at, event_type = 'lesson_completed') as earliest_reported_at,
    argMinIf(
        tuple(occurred_at, event_id, batch_id, recorded_at),
        tuple(batch_id, occurred_at, event_id), event_type = 'lesson_completed'
    ) as completion
from bench.events
group by learner_id, course_id, lesson_id;

insert into function file('$OUT/lesson_progress.parquet')
select
    learner_id, course_id, lesson_id, view_count > 0 as is_viewed, first_viewed_at,
    nullIf(last_viewed_at, toDateTime64(0, 6)) as last_viewed_at, view_count,
    reports > 0 as is_completed, if(reports > 0, completion.1, null) as completed_at,
    (course_id, lesson_id) in (select course_id, lesson_id from bench.current) as is_in_course
from bench.state;

create table bench.completions engine = Memory as
select
    learner_id, course_id, lesson_id, completion.1 as completed_at, completion.2 as event_id,
    completion.3 as batch_id, completion.4 as recorded_at, reports - 1 as later_reports,
    earliest_reported_at
from bench.state
where reports > 0;

insert into function file('$OUT/lesson_completions.parquet') select * from bench.completions;

create table bench.states engine = Memory as
select
    course_id, starts_at,
    leadInFrame(toNullable(starts_at)) over (
        partition by course_id order by starts_at
        rows between unbounded preceding and unbounded following
    ) as ends_at
from (
    select course_id, added_at as starts_at from bench.lessons
    union distinct
    select course_id, assumeNotNull(removed_at) from bench.lessons where removed_at is not null
);

create table bench.state_lessons engine = Memory as
select
    s.course_id as course_id, s.starts_at as starts_at, s.ends_at as ends_at,
    l.lesson_id as lesson_id, count() over (partition by s.course_id, s.starts_at) as lessons
from bench.states as s
join bench.lessons as l on s.course_id = l.course_id
where s.starts_at >= l.added_at and (l.removed_at is null or s.starts_at < l.removed_at);

create table bench.course_completions engine = Memory as
select
    learner_id, course_id,
    argMin(finished_at, tuple(last_batch, greatest(finished_at, starts_at))) as completed_at
from (
    select
        c.learner_id as learner_id, c.course_id as course_id, s.starts_at as starts_at,
        max(c.completed_at) as finished_at, max(c.batch_id) as last_batch,
        count() as done, max(s.lessons) as lessons, max(s.ends_at) as ends_at
    from bench.completions as c
    join bench.state_lessons as s on c.course_id = s.course_id and c.lesson_id = s.lesson_id
    group by learner_id, course_id, starts_at
    having done = lessons and (ends_at is null or finished_at < ends_at)
)
group by learner_id, course_id;

create table bench.pairs engine = Memory as
select
    learner_id, course_id, min(first_event_at) as first_accessed_at,
    max(last_event_at) as last_accessed_at,
    countIf(view_count > 0 and is_in_course) as viewed_lessons,
    countIf(reports > 0 and is_in_course) as completed_lessons
from (
    select
        *, (course_id, lesson_id) in (select course_id, lesson_id from bench.current)
        as is_in_course
    from bench.state
)
group by learner_id, course_id;

create table bench.progress engine = Memory as
select
    learner_id, course_id, e.enrolled_at as enrolled_at, e.unenrolled_at as unenrolled_at,
    p.first_accessed_at as first_accessed_at, p.last_accessed_at as last_accessed_at,
    coalesce(p.viewed_lessons, 0) as viewed_lessons,
    coalesce(p.completed_lessons, 0) as completed_lessons,
    c.completed_at as completed_at, c.completed_at is not null as is_completed,
    round(100 * completed_lessons / z.total_lessons, 2) as progress_percentage,
    coalesce(o.due_at, if(e.enrolled_at < s.due_at, s.due_at, null)) as due_at,
    coalesce(e.enrolled_at <= '$AS_OF', 0) as is_ever,
    is_ever and not coalesce(e.unenrolled_at <= '$AS_OF', 0) as is_active,
    coalesce(
        is_active and due_at < '$AS_OF' and not coalesce(c.completed_at <= '$AS_OF', 0), 0
    ) as is_overdue,
    is_active or coalesce(c.completed_at <= e.unenrolled_at, 0) as is_enrolled
from file('$SOURCE/enrollments.parquet') as e
full join bench.pairs as p using (learner_id, course_id)
left join bench.course_completions as c using (learner_id, course_id)
left join (
    select course_id, count() as total_lessons from bench.current group by course_id
) as z using (course_id)
left join (
    select learner_id, course_id, due_at from file('$SOURCE/deadlines.parquet')
    where learner_id is not null
) as o using (learner_id, course_id)
left join (
    select course_id, due_at from file('$SOURCE/deadlines.parquet') where learner_id is null
) as s using (course_id);

insert into function file('$OUT/course_progress.parquet') select * from bench.progress;

insert into function file('$OUT/overdue_learners.parquet')
select * from bench.progress where is_overdue;

insert into function file('$OUT/course_completion.parquet')
select
    course_id, countIf(is_enrolled) as enrolled_learners,
    countIf(is_enrolled and is_completed) as completed_learners,
    avgIf(progress_percentage, is_enrolled) as average_progress_percentage
from bench.progress
group by course_id;

insert into function file('$OUT/lesson_drop_off.parquet')
select
    course_id, lesson_id, countIf(view_count > 0) as viewed_learners,
    countIf(reports > 0) as completed_learners,
    countIf(
        view_count > 0 and reports = 0
        and last_viewed_at <= toDateTime64('$AS_OF', 6) - interval 14 day
    ) as stalled_learners
from bench.state
where (course_id, lesson_id) in (select course_id, lesson_id from bench.current)
    and (learner_id, course_id) in (select learner_id, course_id from bench.progress where is_ever)
group by course_id, lesson_id;

insert into function file('$OUT/daily_activity.parquet')
select
    course_id, toDate(occurred_at) as activity_date, uniqExact(learner_id) as active_learners,
    countIf(event_type = 'lesson_viewed') as views
from bench.events
group by course_id, activity_date;
