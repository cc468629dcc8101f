"""How long each engine takes to build all models from so many events, without the landing.

Usage: python -m bench.engines --events 10000000 --engine spark --home FOLDER

The raw room of an empty home is filled by SQL once, in ten batches; then the home is refreshed in
full by the engine. The cluster is the settings' (`make cluster`).
"""

import argparse
import time
from itertools import pairwise
from pathlib import Path

from orchestration import raw
from orchestration.refresh import refresh
from orchestration.settings import load_settings
from orchestration.warehouse import utc_now

LESSONS, COURSES, BATCHES = 40, 200, 10

FILL = """
insert into raw.courses
select 'course-' || c, 'Course ' || c, 1, c, $now, null from range($courses) courses (c);

insert into raw.lessons
select
    'course-' || c, 'lesson-' || l, l, 'Lesson ' || l, null, null, null, 2, c * 1000 + l, $now,
    null
from range($courses) courses (c), range($lessons) lessons (l);

insert into raw.enrollments
select distinct on (1, 2)
    'learner-' || (e // 2), 'course-' || (hash(e) % $courses),
    timestamp '2024-01-01' + to_minutes((hash(e + 1) % 400000)::int), null, 3, e, $now, null
from range($enrollments) enrollments (e);

insert into raw.events
select
    'event-' || i, if(hash(i) % 5 < 3, 'lesson_viewed', 'lesson_completed'),
    'learner-' || (e // 2), 'course-' || (hash(e) % $courses),
    'lesson-' || (hash(i + 7) % $lessons),
    timestamp '2024-01-01' + to_seconds((i * 60000000 // $events)::bigint),
    4 + i * $batches // $events, i, $now, hash('event-' || i)
from (select i, (hash(i * 31) % $enrollments)::bigint as e from range($events) events (i));

insert into raw.landed_files
select
    batch_id, any_value(source), 'file-' || batch_id, batch_id, 0, count(*), count(*), 0, 0, 0,
    $now
from (
    select 'courses' as source, batch_id from raw.courses
    union all select 'lessons', batch_id from raw.lessons
    union all select 'enrollments', batch_id from raw.enrollments
    union all select 'events', batch_id from raw.events
)
group by batch_id;
"""


def main() -> None:
    """Fill the home where it is empty, refresh it, and print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--engine", choices=["duckdb", "spark"], default="duckdb")
    parser.add_argument("--home", type=Path, required=True)
    given = parser.parse_args()
    settings = load_settings(home=given.home)
    if not settings.warehouse_file.exists():
        sizes = {"courses": COURSES, "lessons": LESSONS, "batches": BATCHES, "events": given.events}
        values = sizes | {"enrollments": max(given.events // 50, 1), "now": utc_now()}
        with raw.opened(settings) as connection:
            for statement in FILL.split(";")[:-1]:
                used = {name: value for name, value in values.items() if f"${name}" in statement}
                connection.execute(statement, used)
    done: list[tuple[float, str]] = []
    began = time.monotonic()
    result = refresh(
        settings,
        full_refresh=True,
        engine=given.engine,
        progress=lambda name, *_: done.append((time.monotonic() - began, name)),
    )
    seconds = time.monotonic() - began
    print(
        f"{given.engine}: {given.events:,} events in {seconds:.0f} s, published {result.snapshot}"
    )
    print(f"first model after {done[0][0]:.0f} s, last test after {done[-1][0]:.0f} s")
    spans = [(after - before, name) for (before, _), (after, name) in pairwise(done)]
    for span, name in sorted(spans, reverse=True)[:5]:
        print(f"{span:8.1f} s  {name}")


if __name__ == "__main__":
    main()
