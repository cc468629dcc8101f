"""The synthetic world's facts: what its learners, courses and events look like in figures."""

import duckdb
import pytest

from orchestration.synthetic import generate


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """1,000 learners, 40 courses, 107,500 event lines (43 an enrollment) in four files, as tables.

    `delivered` is each event line in landing order, `events` each event once.
    """
    world = tmp_path_factory.mktemp("world")
    generate(learners=1000, courses=40, events=107_500, seed=7, out=world, files=4)
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    for source in ("courses", "lessons", "enrollments", "deadlines"):
        connection.execute(f"create table {source} as from read_csv('{world}/{source}/*.csv')")
    connection.execute(f"""
        create table delivered as
        select *, row_number() over () as place
        from read_json('{world}/events/*.jsonl', columns={{
            event_id: 'VARCHAR', event_type: 'VARCHAR', learner_id: 'VARCHAR',
            course_id: 'VARCHAR', lesson_id: 'VARCHAR', occurred_at: 'TIMESTAMPTZ'
        }})
    """)
    connection.execute("create table events as select distinct on (event_id) * from delivered")
    return connection


def one(tables: duckdb.DuckDBPyConnection, query: str) -> tuple[float, ...]:
    row = tables.execute(query).fetchone()
    assert row is not None
    return row


def test_repeats_are_the_same_line_again_and_later(tables: duckdb.DuckDBPyConnection) -> None:
    bodies, repeats = one(
        tables,
        """
        select
            count(distinct (event_id, event_type, learner_id, course_id, lesson_id, occurred_at)),
            count(*) - count(distinct event_id)
        from delivered
        """,
    )
    assert bodies == 107_500 - 3225
    assert repeats == 3225


def test_event_ids_are_uuids_of_version_4(tables: duckdb.DuckDBPyConnection) -> None:
    pattern = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert one(
        tables, f"select bool_and(regexp_full_match(event_id, '{pattern}')) from events"
    ) == (True,)


def test_some_eight_percent_land_hours_to_days_late(tables: duckdb.DuckDBPyConnection) -> None:
    (late,) = one(
        tables,
        """
        with delays as (
            select event_id, place, max(occurred_at) over (order by place) - occurred_at as delay
            from delivered
        )
        select avg((delay > interval 90 minutes)::integer)
        from (select arg_min(delay, place) as delay from delays group by event_id)
        """,
    )
    assert 0.06 < late < 0.10


def test_learners_have_two_and_a_half_courses_and_popular_ones_draw_many(
    tables: duckdb.DuckDBPyConnection,
) -> None:
    (per_learner,) = one(tables, "select count(*) / 1000 from enrollments")
    (largest, median) = one(
        tables,
        """
        select max(learners), median(learners)
        from (select count(*) as learners from enrollments group by course_id)
        """,
    )
    assert 2.3 < per_learner < 2.7
    assert largest > 5 * median


def test_learners_view_complete_drop_out_and_finish(tables: duckdb.DuckDBPyConnection) -> None:
    views, completed = one(
        tables,
        """
        select avg(views), avg((completions > 0)::integer)
        from (
            select
                count(*) filter (event_type = 'lesson_viewed') as views,
                count(*) filter (event_type = 'lesson_completed') as completions
            from events
            group by learner_id, lesson_id
        )
        """,
    )
    finished, started = one(
        tables,
        """
        select avg((lessons = there)::integer), count(*) / (select count(*) from enrollments)
        from (
            select learner_id, course_id, count(distinct lesson_id) as lessons
            from events
            where event_type = 'lesson_completed'
            group by all
        )
        join (
            select course_id, count(*) as there from lessons where removed_at is null group by all
        ) using (course_id)
        """,
    )
    assert 1 < views < 3
    assert 0.7 < completed < 0.97
    assert 0.1 < finished < 0.6
    assert 0.8 < started < 0.98


def test_drop_off_differs_between_lessons(tables: duckdb.DuckDBPyConnection) -> None:
    least, greatest = one(
        tables,
        """
        select quantile_cont(open_share, 0.1), quantile_cont(open_share, 0.95)
        from (
            select lesson_id, avg((not is_completed)::integer) as open_share
            from (
                select learner_id, lesson_id, bool_or(event_type = 'lesson_completed')
                    as is_completed
                from events
                group by all
            )
            group by all
            having count(*) >= 50
        )
        """,
    )
    assert greatest > 3 * least


def test_everything_happens_in_2024_and_2025_after_enrolling(
    tables: duckdb.DuckDBPyConnection,
) -> None:
    first, last, upcoming = one(
        tables,
        """
        select
            min(least(occurred_at, enrolled_at)) >= '2024-01-01',
            max(occurred_at) < '2025-12-20',
            (select count(*) from enrollments where enrolled_at >= '2025-12-20')
        from events join enrollments using (learner_id, course_id)
        """,
    )
    (strangers,) = one(
        tables,
        """
        select count(*) from events anti join enrollments
            on events.learner_id = enrollments.learner_id
            and events.course_id = enrollments.course_id
            and events.occurred_at >= enrollments.enrolled_at
        """,
    )
    assert (first, last, strangers) == (True, True, 0)
    assert upcoming > 0


def test_deadlines_cover_three_of_five_enrollments_and_courses_change(
    tables: duckdb.DuckDBPyConnection,
) -> None:
    (covered,) = one(
        tables,
        """
        select avg(exists(
            from deadlines
            where deadlines.course_id = enrollments.course_id
                and coalesce(deadlines.learner_id, enrollments.learner_id)
                    = enrollments.learner_id
        )::integer)
        from enrollments
        """,
    )
    added, removed, left = one(
        tables,
        """
        select count(added_at), count(removed_at),
            (select count(unenrolled_at) from enrollments where unenrolled_at > enrolled_at)
        from lessons
        """,
    )
    assert 0.5 < covered < 0.7
    assert (added, removed) == (4, 4)
    assert left > 0
