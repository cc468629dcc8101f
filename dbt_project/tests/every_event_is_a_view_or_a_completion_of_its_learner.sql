{{ config(meta={"dagster": {"ref": {"name": "lesson_progress"}}}) }}

-- Every landed event stands in progress once: as a view, as the completion, or as a later
-- report.
with
    events as (select count(*) as events from {{ ref("stg_events") }}),
    views as (select coalesce(sum(view_count), 0) as events from {{ ref("lesson_progress") }}),
    completions as (
        select coalesce(sum(1 + later_reports), 0) as events
        from {{ ref("lesson_completions") }}
    )

select events.events, views.events as views, completions.events as completions
from events
cross join views
cross join completions
where events.events <> views.events + completions.events
