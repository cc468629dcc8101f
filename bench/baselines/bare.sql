-- The tables that readers see, from the landed raw tables, as plain SQL: no tests, no keys, no
-- comments, no order. Parameter: the instant to speak about. Raw holds each event once already, and
-- the catalogue as one file each, so nothing is deduped and only instants tell its states apart.
set variable as_of = cast($as_of as timestamp);

create temp table learner_lessons as
select
    learner_id, course_id, lesson_id,
    min(occurred_at) as first_event_at,
    max(occurred_at) as last_event_at,
    min(occurred_at) filter (event_type = 'lesson_viewed') as first_viewed_at,
    max(occurred_at) filter (event_type = 'lesson_viewed') as last_viewed_at,
    count(*) filter (event_type = 'lesson_viewed') as view_count,
    count(*) filter (event_type = 'lesson_completed') as completion_reports,
    min(occurred_at) filter (event_type = 'lesson_completed') as earliest_reported_at,
    min({'batch_id': batch_id, 'occurred_at': occurred_at, 'event_id': event_id,
         'recorded_at': recorded_at}) filter (event_type = 'lesson_completed') as completion
from raw.events
group by learner_id, course_id, lesson_id;

create temp table current_lessons as
select
    course_id, lesson_id, title as lesson_title, position,
    row_number() over (partition by course_id order by position, lesson_id) as lesson_rank,
    count(*) over (partition by course_id) as total_lessons
from raw.lessons
where coalesce(added_at <= getvariable('as_of'), true)
    and coalesce(removed_at > getvariable('as_of'), true);

create table lesson_progress as
select
    learner_id, course_id, lesson_id, view_count > 0 as is_viewed, first_viewed_at,
    last_viewed_at, view_count, completion is not null as is_completed,
    completion.occurred_at as completed_at, lesson_rank is not null as is_in_course
from learner_lessons left join current_lessons using (course_id, lesson_id);

create table lesson_completions as
select
    learner_id, course_id, lesson_id, completion.occurred_at as completed_at,
    completion.event_id, completion.batch_id, completion.recorded_at,
    completion_reports - 1 as later_reports, earliest_reported_at
from learner_lessons
where completion is not null;

-- The states of a course: from each instant at which a lesson comes or goes, to the next one.
create temp table states as
with instants as (
    select course_id, coalesce(added_at, timestamp '1900-01-01') as starts_at from raw.lessons
    union select course_id, removed_at from raw.lessons where removed_at is not null
)
select *, lead(starts_at) over (partition by course_id order by starts_at) as ends_at
from instants;

create temp table state_lessons as
select states.*, lesson_id, count(*) over (partition by states.course_id, starts_at) as lessons
from states join raw.lessons using (course_id)
where starts_at >= coalesce(added_at, timestamp '1900-01-01')
    and (starts_at < removed_at or removed_at is null);

create temp table course_completions as
with finished as (
    select
        learner_id, course_id, starts_at, max(completed_at) as completed_at,
        max(batch_id) as batch_id
    from lesson_completions join state_lessons using (course_id, lesson_id)
    group by learner_id, course_id, starts_at
    having count(*) = max(lessons) and coalesce(max(completed_at) < max(ends_at), true)
)
select
    learner_id, course_id,
    arg_min(completed_at, row(batch_id, greatest(completed_at, starts_at))) as completed_at
from finished
group by learner_id, course_id;

create temp table lesson_ranks as
select
    learner_id, course_id, lesson_rank, last_event_at, first_event_at, view_count > 0 as is_viewed,
    completion is not null as is_completed
from learner_lessons left join current_lessons using (course_id, lesson_id);

create temp table learner_courses as
select
    learner_id, course_id, min(first_event_at) as first_accessed_at,
    max(last_event_at) as last_accessed_at,
    count(*) filter (is_viewed and lesson_rank is not null) as viewed_lessons,
    count(*) filter (is_completed and lesson_rank is not null) as completed_lessons,
    max(lesson_rank) as furthest_lesson_rank,
    max({'at': last_event_at, 'rank': lesson_rank}) filter (lesson_rank is not null) as latest
from lesson_ranks
group by learner_id, course_id;

-- Where to go on: the first open lesson from the latest one, else the first open one.
create temp table resume_lessons as
with completed as (
    select
        learner_id, course_id, lesson_rank, latest.rank as latest_rank,
        row_number() over (partition by learner_id, course_id order by lesson_rank) as nth,
        count(*) filter (lesson_rank < latest.rank)
            over (partition by learner_id, course_id) as before_latest
    from lesson_ranks join learner_courses using (learner_id, course_id)
    where is_completed and lesson_rank is not null
)
select
    learner_id, course_id,
    1 + count(*) filter (lesson_rank = nth) as first_open_rank,
    any_value(latest_rank) + count(*) filter (
        lesson_rank >= latest_rank and lesson_rank - latest_rank = nth - before_latest - 1
    ) as next_open_rank
from completed
group by learner_id, course_id;

create table course_progress as
with sizes as (select course_id, count(*) as total_lessons from current_lessons group by course_id),
pairs as (
    select
        learner_id, course_id, enrolled_at, unenrolled_at, first_accessed_at, last_accessed_at,
        case
            when enrolled_at is null then 'none'
            when unenrolled_at <= getvariable('as_of') then 'unenrolled'
            when enrolled_at > getvariable('as_of') then 'upcoming'
            else 'active'
        end as enrollment_status,
        coalesce(viewed_lessons, 0) as viewed_lessons,
        coalesce(completed_lessons, 0) as completed_lessons,
        coalesce(total_lessons, 0) as total_lessons, completed_at,
        if(coalesce(next_open_rank, latest.rank) <= total_lessons,
            coalesce(next_open_rank, latest.rank), coalesce(first_open_rank, 1)) as resume_rank,
        coalesce(own.due_at, if(enrolled_at < shared.due_at, shared.due_at, null)) as due_at
    from raw.enrollments
    full join learner_courses using (learner_id, course_id)
    left join sizes using (course_id)
    left join course_completions using (learner_id, course_id)
    left join resume_lessons using (learner_id, course_id)
    left join raw.deadlines as own using (learner_id, course_id)
    left join (from raw.deadlines where learner_id is null) as shared using (course_id)
)
select
    learner_id, course_id, enrollment_status, enrolled_at, unenrolled_at, total_lessons,
    viewed_lessons, completed_lessons,
    round(100 * completed_lessons / nullif(total_lessons, 0), 2) as progress_percentage,
    first_accessed_at, last_accessed_at, completed_at is not null as is_completed, completed_at,
    round((epoch_us(completed_at) - epoch_us(first_accessed_at)) / 86400000000, 4)
        as time_to_complete_days,
    completed_at is not null and completed_lessons < total_lessons as has_new_lessons,
    completed_at is not null as is_certificate_eligible,
    current_lessons.lesson_id as resume_lesson_id, due_at,
    coalesce(enrollment_status = 'active' and due_at < getvariable('as_of')
        and not coalesce(completed_at <= getvariable('as_of'), false), false) as is_overdue,
    coalesce(completed_at > due_at, false) as is_completed_late
from pairs
left join (select course_id, lesson_id, lesson_rank as resume_rank from current_lessons)
    as current_lessons using (course_id, resume_rank);

create temp table ever_enrolled as
select
    course_progress.*, date_trunc('month', enrolled_at)::date as cohort_month,
    enrollment_status = 'active' or coalesce(completed_at <= unenrolled_at, false) as is_enrolled,
    first_accessed_at is not null as is_started,
    coalesce(completed_at <= getvariable('as_of'), false) as is_observed,
    greatest(0, epoch_us(least(coalesce(completed_at, getvariable('as_of')), getvariable('as_of')))
        - epoch_us(first_accessed_at)) as followed,
    furthest_lesson_rank
from course_progress
left join (select learner_id, course_id, furthest_lesson_rank from learner_courses)
    using (learner_id, course_id)
where enrollment_status in ('active', 'unenrolled');

create table course_completion as
select
    course_id, title as course_title, count(*) filter (is_enrolled) as enrolled_learners,
    count(*) filter (is_enrolled and is_started) as started_learners,
    count(*) filter (is_enrolled and is_completed) as completed_learners,
    round(completed_learners / nullif(enrolled_learners, 0), 6) as completion_rate,
    count(learner_id) as ever_enrolled_learners,
    round(completed_learners / nullif(started_learners, 0), 6) as started_completion_rate,
    round(avg(100 * completed_lessons / total_lessons) filter (is_enrolled), 2)
        as average_progress_percentage
from raw.courses left join ever_enrolled using (course_id)
group by course_id, title;

create table lesson_drop_off as
with seen as (
    select
        course_id, lesson_id, count(*) filter (is_viewed) as viewed_learners,
        count(*) filter (p.is_completed) as completed_learners,
        count(*) filter (is_viewed and not p.is_completed) as viewed_not_completed_learners,
        count(*) filter (is_viewed and not p.is_completed
            and last_viewed_at <= getvariable('as_of') - interval 14 day) as stalled_learners
    from lesson_progress as p semi join ever_enrolled using (learner_id, course_id)
    where is_in_course
    group by course_id, lesson_id
),
furthest as (
    select
        course_id, furthest_lesson_rank as lesson_rank, count(*) as learners,
        count(*) filter (not is_completed
            and last_accessed_at <= getvariable('as_of') - interval 14 day) as stopped_learners
    from ever_enrolled where is_started group by course_id, furthest_lesson_rank
)
select
    *, round(viewed_not_completed_learners / nullif(viewed_learners, 0), 6) as drop_off_rate,
    sum(learners) over (partition by course_id order by lesson_rank desc) as reached_learners,
    row_number() over (partition by course_id order by drop_off_rate desc, lesson_rank)
        as drop_off_rank
from current_lessons
join (select course_id from raw.courses) using (course_id)
left join seen using (course_id, lesson_id)
left join furthest using (course_id, lesson_rank);

create temp table survival as
with durations as (
    select
        course_id, cohort_month, followed, grouping(cohort_month) = 1 as is_whole_course,
        count(*) as learners, count(*) filter (is_observed) as observed
    from ever_enrolled where is_started
    group by grouping sets ((course_id, followed), (course_id, cohort_month, followed))
),
at_risk as (
    select *, sum(learners) over (
        partition by course_id, is_whole_course, cohort_month order by followed desc
    ) as at_risk
    from durations
)
select
    course_id, is_whole_course, cohort_month, followed,
    product((at_risk - observed) / at_risk) over (
        partition by course_id, is_whole_course, cohort_month order by followed
    ) as not_complete
from at_risk where observed > 0;

create table time_to_complete as
with curves as (
    select
        course_id, min(followed) filter (not_complete <= 0.75 + 1e-9) / 86400000000 as p25_days,
        min(followed) filter (not_complete <= 0.5 + 1e-9) / 86400000000 as median_days,
        min(followed) filter (not_complete <= 0.25 + 1e-9) / 86400000000 as p75_days,
        min(followed) filter (not_complete <= 0.1 + 1e-9) / 86400000000 as p90_days
    from survival where is_whole_course group by course_id
),
followed as (
    select
        course_id, count(*) as followed_learners,
        count(*) filter (is_observed) as observed_completions,
        quantile_cont(followed, [0.25, 0.5, 0.75, 0.9]) filter (is_observed) as completers,
        avg(followed) filter (is_observed) as completers_mean
    from ever_enrolled where is_started group by course_id
)
from raw.courses left join followed using (course_id) left join curves using (course_id);

create table completion_curve as
with days as (
    select
        course_id, followed // 86400000000 as day, count(*) as learners,
        count(*) filter (is_observed) as observed_completions
    from ever_enrolled where is_started group by course_id, day
),
at_risk as (
    select *, sum(learners) over (partition by course_id order by day desc) as at_risk_learners
    from days
)
select
    *, 1 - product((at_risk_learners - observed_completions) / at_risk_learners)
        over (partition by course_id order by day) as completed_share
from at_risk where observed_completions > 0;

create table overdue_learners as
select
    learner_id, course_id, title as course_title, due_at,
    (epoch_us(getvariable('as_of')) - epoch_us(due_at)) / 86400000000 as overdue_days,
    completed_lessons, total_lessons, progress_percentage, last_accessed_at
from course_progress join raw.courses using (course_id)
where is_overdue;

create table enrollment_cohorts as
select
    course_id, cohort_month, count(*) filter (is_enrolled) as enrolled_learners,
    count(*) filter (is_enrolled and is_completed) as completed_learners,
    any_value(median_days) as median_days
from ever_enrolled
left join (
    select course_id, cohort_month, min(followed) filter (not_complete <= 0.5 + 1e-9) as median_days
    from survival where not is_whole_course group by course_id, cohort_month
) using (course_id, cohort_month)
group by course_id, cohort_month;

create table daily_activity as
with days as (
    select
        course_id, occurred_at::date as activity_date,
        count(distinct learner_id) as active_learners,
        count(*) filter (event_type = 'lesson_viewed') as views
    from raw.events group by course_id, activity_date
)
from days
left join (
    select course_id, completed_at::date as activity_date, count(*) as completions
    from lesson_completions group by course_id, activity_date
) using (course_id, activity_date)
left join (
    select course_id, completed_at::date as activity_date, count(*) as course_completions
    from course_progress where is_completed group by course_id, activity_date
) using (course_id, activity_date);
