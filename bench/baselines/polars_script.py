"""The readers' main tables from raw Parquet by Polars, with dedupe; less than the warehouse makes.

Run as `python polars_script.py PARQUET OUT AS_OF`. Left out, in Polars' favour: where to resume,
how far learners got, cohorts and the Kaplan–Meier tables.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

KEY = ["learner_id", "course_id", "lesson_id"]
PAIR = ["learner_id", "course_id"]
EARLY = datetime(1900, 1, 1)


def first_and(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The completion that landed first, and how many were reported later."""
    order = ["batch_id", "occurred_at", "event_id"]
    return (
        frame.sort(order)
        .group_by(KEY)
        .agg(
            pl.col("occurred_at").first().alias("completed_at"),
            pl.col("event_id").first(),
            pl.col("batch_id").first(),
            pl.col("recorded_at").first(),
            (pl.len() - 1).alias("later_reports"),
            pl.col("occurred_at").min().alias("earliest_reported_at"),
            pl.col("occurred_at").max().alias("last_reported_at"),
        )
    )


def course_completions(done: pl.DataFrame, lessons: pl.DataFrame) -> pl.DataFrame:
    """When each learner had completed every lesson that a course had at some instant."""
    lessons = lessons.with_columns(pl.col("added_at").fill_null(EARLY))
    instants = pl.concat(
        [
            lessons.select("course_id", starts_at="added_at"),
            lessons.select("course_id", starts_at="removed_at").drop_nulls(),
        ]
    ).unique()
    states = instants.sort("starts_at").with_columns(
        ends_at=pl.col("starts_at").shift(-1).over("course_id")
    )
    sets = (
        states.join(
            lessons.select("course_id", "lesson_id", "added_at", "removed_at"), on="course_id"
        )
        .filter(
            (pl.col("starts_at") >= pl.col("added_at"))
            & (pl.col("removed_at").is_null() | (pl.col("starts_at") < pl.col("removed_at")))
        )
        .with_columns(lessons=pl.len().over("course_id", "starts_at"))
    )
    return (
        done.lazy()
        .select(*KEY, "completed_at", "batch_id")
        .join(sets.lazy(), on=["course_id", "lesson_id"])
        .group_by([*PAIR, "starts_at"])
        .agg(
            pl.len().alias("done"),
            pl.col("lessons").max(),
            pl.col("ends_at").max(),
            pl.col("completed_at").max(),
            pl.col("batch_id").max(),
        )
        .filter(
            (pl.col("done") == pl.col("lessons"))
            & (pl.col("ends_at").is_null() | (pl.col("completed_at") < pl.col("ends_at")))
        )
        .with_columns(shown=pl.max_horizontal("completed_at", "starts_at"))
        .sort("batch_id", "shown")
        .group_by(PAIR)
        .agg(pl.col("completed_at").first())
        .collect()
    )


def main(source: str, out: str, as_of_text: str) -> None:
    """Write each table as Parquet into the folder `out`."""
    raw, folder, as_of = Path(source), Path(out), datetime.fromisoformat(as_of_text)
    folder.mkdir(parents=True, exist_ok=True)
    read = {name: pl.read_parquet(raw / f"{name}.parquet") for name in ("lessons", "courses")}
    enrollments = pl.read_parquet(raw / "enrollments.parquet")
    deadlines = pl.read_parquet(raw / "deadlines.parquet")
    events = (
        pl.scan_parquet(raw / "events.parquet")
        .unique(subset="event_id", keep="first", maintain_order=False)
        .collect()
    )
    lessons = read["lessons"]
    current = lessons.filter(
        (pl.col("added_at").is_null() | (pl.col("added_at") <= as_of))
        & (pl.col("removed_at").is_null() | (pl.col("removed_at") > as_of))
    ).select("course_id", "lesson_id", is_in_course=pl.lit(True))
    is_view = pl.col("event_type") == "lesson_viewed"
    views = (
        events.lazy()
        .filter(is_view)
        .group_by(KEY)
        .agg(
            pl.col("occurred_at").min().alias("first_viewed_at"),
            pl.col("occurred_at").max().alias("last_viewed_at"),
            pl.len().alias("view_count"),
        )
    )
    done = first_and(events.lazy().filter(~is_view)).collect()
    state = (
        views.join(done.lazy(), on=KEY, how="full", coalesce=True)
        .join(current.lazy(), on=["course_id", "lesson_id"], how="left")
        .with_columns(
            pl.col("view_count").fill_null(0),
            pl.col("is_in_course").fill_null(False),
        )
        .with_columns(
            is_viewed=pl.col("view_count") > 0, is_completed=pl.col("completed_at").is_not_null()
        )
        .collect()
    )
    seen = ["is_viewed", "first_viewed_at", "last_viewed_at", "view_count"]
    state.select(*KEY, *seen, "is_completed", "completed_at", "is_in_course").write_parquet(
        folder / "lesson_progress.parquet"
    )
    done.drop("last_reported_at").write_parquet(folder / "lesson_completions.parquet")
    pairs = (
        state.lazy()
        .group_by(PAIR)
        .agg(
            pl.min_horizontal(
                pl.col("first_viewed_at").min(), pl.col("earliest_reported_at").min()
            ).alias("first_accessed_at"),
            pl.max_horizontal(
                pl.col("last_viewed_at").max(), pl.col("last_reported_at").max()
            ).alias("last_accessed_at"),
            (pl.col("is_in_course") & pl.col("is_viewed")).sum().alias("viewed_lessons"),
            (pl.col("is_in_course") & pl.col("is_completed")).sum().alias("completed_lessons"),
        )
    )
    own = deadlines.filter(pl.col("learner_id").is_not_null()).select(*PAIR, own="due_at")
    shared = deadlines.filter(pl.col("learner_id").is_null()).select("course_id", shared="due_at")
    sizes = current.group_by("course_id").agg(pl.len().alias("total_lessons"))
    progress = (
        enrollments.lazy()
        .select(*PAIR, "enrolled_at", "unenrolled_at")
        .join(pairs, on=PAIR, how="full", coalesce=True)
        .join(course_completions(done, lessons).lazy(), on=PAIR, how="left")
        .join(sizes.lazy(), on="course_id", how="left")
        .join(own.lazy(), on=PAIR, how="left")
        .join(shared.lazy(), on="course_id", how="left")
        .with_columns(
            pl.col("viewed_lessons", "completed_lessons").fill_null(0),
            is_completed=pl.col("completed_at").is_not_null(),
            due_at=pl.coalesce(
                "own", pl.when(pl.col("enrolled_at") < pl.col("shared")).then(pl.col("shared"))
            ),
            is_active=pl.col("enrolled_at").is_not_null()
            & (pl.col("enrolled_at") <= as_of)
            & ~(pl.col("unenrolled_at") <= as_of).fill_null(False),
        )
        .with_columns(
            is_overdue=(
                pl.col("is_active")
                & (pl.col("due_at") < as_of)
                & ~(pl.col("completed_at") <= as_of).fill_null(False)
            ).fill_null(False),
            is_enrolled=pl.col("is_active")
            | (pl.col("completed_at") <= pl.col("unenrolled_at")).fill_null(False),
            is_ever=pl.col("enrolled_at") <= as_of,
            progress_percentage=100 * pl.col("completed_lessons") / pl.col("total_lessons"),
        )
        .collect()
    )
    progress.write_parquet(folder / "course_progress.parquet")
    progress.filter("is_overdue").write_parquet(folder / "overdue_learners.parquet")
    progress.group_by("course_id").agg(
        pl.col("is_enrolled").sum().alias("enrolled_learners"),
        (pl.col("is_enrolled") & pl.col("is_completed")).sum().alias("completed_learners"),
        pl.col("progress_percentage").filter(pl.col("is_enrolled")).mean(),
    ).write_parquet(folder / "course_completion.parquet")
    stalled = pl.col("last_viewed_at") <= as_of - timedelta(days=14)
    state.lazy().filter("is_in_course").join(
        progress.lazy().filter("is_ever").select(PAIR), on=PAIR, how="semi"
    ).group_by("course_id", "lesson_id").agg(
        pl.col("is_viewed").sum().alias("viewed_learners"),
        pl.col("is_completed").sum().alias("completed_learners"),
        (pl.col("is_viewed") & ~pl.col("is_completed") & stalled).sum().alias("stalled_learners"),
    ).collect().write_parquet(folder / "lesson_drop_off.parquet")
    events.lazy().with_columns(activity_date=pl.col("occurred_at").dt.date()).group_by(
        "course_id", "activity_date"
    ).agg(
        pl.col("learner_id").n_unique().alias("active_learners"), is_view.sum().alias("views")
    ).collect().write_parquet(folder / "daily_activity.parquet")


if __name__ == "__main__":
    main(*sys.argv[1:])
