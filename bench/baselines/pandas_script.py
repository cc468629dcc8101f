"""The readers' main tables from raw Parquet by pandas, with dedupe; less than the warehouse makes.

Run as `python pandas_script.py PARQUET OUT AS_OF`. Left out, in pandas' favour: where to resume,
how far learners got, cohorts and the Kaplan–Meier tables.
"""

import sys
from pathlib import Path

import pandas as pd

KEY = ["learner_id", "course_id", "lesson_id"]
PAIR = ["learner_id", "course_id"]
EARLY = pd.Timestamp("1900-01-01")


def course_completions(done: pd.DataFrame, lessons: pd.DataFrame) -> pd.DataFrame:
    """When each learner had completed every lesson that a course had at some instant."""
    lessons = lessons[["course_id", "lesson_id", "added_at", "removed_at"]].copy()
    lessons["added_at"] = lessons["added_at"].fillna(EARLY)
    instants = pd.concat(
        [
            lessons[["course_id", "added_at"]].set_axis(["course_id", "starts_at"], axis=1),
            lessons[["course_id", "removed_at"]]
            .dropna()
            .set_axis(["course_id", "starts_at"], axis=1),
        ]
    )
    states = instants.drop_duplicates().sort_values("starts_at")
    states["ends_at"] = states.groupby("course_id")["starts_at"].shift(-1)
    sets = states.merge(lessons, on="course_id")
    is_there = (sets["starts_at"] >= sets["added_at"]) & ~(sets["starts_at"] >= sets["removed_at"])
    sets = sets[is_there][["course_id", "lesson_id", "starts_at", "ends_at"]]
    sets["lessons"] = sets.groupby(["course_id", "starts_at"])["lesson_id"].transform("size")
    finished = (
        done[[*KEY, "completed_at", "batch_id"]]
        .merge(sets, on=["course_id", "lesson_id"])
        .groupby([*PAIR, "starts_at"])
        .agg(
            done=("lesson_id", "size"),
            lessons=("lessons", "max"),
            ends_at=("ends_at", "max"),
            completed_at=("completed_at", "max"),
            batch_id=("batch_id", "max"),
        )
        .reset_index()
    )
    finished = finished[
        (finished["done"] == finished["lessons"])
        & ~(finished["completed_at"] >= finished["ends_at"])
    ]
    shown = finished[["completed_at", "starts_at"]].max(axis=1)
    first = finished.assign(shown=shown).sort_values(["batch_id", "shown"]).drop_duplicates(PAIR)
    return first[[*PAIR, "completed_at"]]


def main(source: str, out: str, as_of_text: str) -> None:
    """Write each table as Parquet into the folder `out`."""
    raw, folder, as_of = Path(source), Path(out), pd.Timestamp(as_of_text)
    folder.mkdir(parents=True, exist_ok=True)
    lessons, enrollments, deadlines, events = (
        pd.read_parquet(raw / f"{name}.parquet")
        for name in ("lessons", "enrollments", "deadlines", "events")
    )
    events = events.drop_duplicates("event_id")
    is_here = ~(lessons["added_at"] > as_of) & ~(lessons["removed_at"] <= as_of)
    current = lessons.loc[is_here, ["course_id", "lesson_id"]].assign(is_in_course=True)
    is_view = events["event_type"] == "lesson_viewed"
    views = (
        events[is_view]
        .groupby(KEY)["occurred_at"]
        .agg(first_viewed_at="min", last_viewed_at="max", view_count="size")
        .reset_index()
    )
    reports = events[~is_view].sort_values(["batch_id", "occurred_at", "event_id"])
    times = reports.groupby(KEY)["occurred_at"].agg(
        earliest_reported_at="min", last_reported_at="max", reports="size"
    )
    done = (
        reports.drop_duplicates(KEY)
        .drop(columns="event_type")
        .rename(columns={"occurred_at": "completed_at"})
        .merge(times.reset_index(), on=KEY)
    )
    done["later_reports"] = done["reports"] - 1
    state = views.merge(done, on=KEY, how="outer").merge(
        current, on=["course_id", "lesson_id"], how="left"
    )
    state["view_count"] = state["view_count"].fillna(0).astype("int64")
    state["is_in_course"] = state["is_in_course"].eq(True)
    state["is_viewed"] = state["view_count"] > 0
    state["is_completed"] = state["completed_at"].notna()
    seen = ["is_viewed", "first_viewed_at", "last_viewed_at", "view_count"]
    state[[*KEY, *seen, "is_completed", "completed_at", "is_in_course"]].to_parquet(
        folder / "lesson_progress.parquet"
    )
    done.to_parquet(folder / "lesson_completions.parquet")
    state["first_at"] = state[["first_viewed_at", "earliest_reported_at"]].min(axis=1)
    state["last_at"] = state[["last_viewed_at", "last_reported_at"]].max(axis=1)
    state["viewed_here"] = state["is_viewed"] & state["is_in_course"]
    state["completed_here"] = state["is_completed"] & state["is_in_course"]
    pairs = (
        state.groupby(PAIR)
        .agg(
            first_accessed_at=("first_at", "min"),
            last_accessed_at=("last_at", "max"),
            viewed_lessons=("viewed_here", "sum"),
            completed_lessons=("completed_here", "sum"),
        )
        .reset_index()
    )
    is_shared = deadlines["learner_id"].isna()
    own = deadlines[~is_shared][[*PAIR, "due_at"]]
    shared = deadlines[is_shared][["course_id", "due_at"]].rename(columns={"due_at": "shared"})
    sizes = current.groupby("course_id").size().rename("total_lessons").reset_index()
    progress = (
        enrollments[[*PAIR, "enrolled_at", "unenrolled_at"]]
        .merge(pairs, on=PAIR, how="outer")
        .merge(course_completions(done, lessons), on=PAIR, how="left")
        .merge(sizes, on="course_id", how="left")
        .merge(own, on=PAIR, how="left")
        .merge(shared, on="course_id", how="left")
    )
    counts = ["viewed_lessons", "completed_lessons"]
    progress[counts] = progress[counts].fillna(0).astype("int64")
    binds = progress["enrolled_at"] < progress["shared"]
    progress["due_at"] = progress["due_at"].fillna(progress["shared"].where(binds))
    progress["is_completed"] = progress["completed_at"].notna()
    progress["is_ever"] = progress["enrolled_at"] <= as_of
    is_active = progress["is_ever"] & ~(progress["unenrolled_at"] <= as_of)
    progress["is_overdue"] = (
        is_active & (progress["due_at"] < as_of) & ~(progress["completed_at"] <= as_of)
    )
    progress["is_enrolled"] = is_active | (progress["completed_at"] <= progress["unenrolled_at"])
    share = progress["completed_lessons"] / progress["total_lessons"]
    progress["progress_percentage"] = (100 * share).round(2)
    progress.to_parquet(folder / "course_progress.parquet")
    progress[progress["is_overdue"]].to_parquet(folder / "overdue_learners.parquet")
    enrolled = progress[progress["is_enrolled"]]
    enrolled.groupby("course_id").agg(
        enrolled_learners=("learner_id", "size"),
        completed_learners=("is_completed", "sum"),
        average_progress_percentage=("progress_percentage", "mean"),
    ).to_parquet(folder / "course_completion.parquet")
    here = state[state["is_in_course"]].merge(progress[progress["is_ever"]][PAIR], on=PAIR)
    late = here["last_viewed_at"] <= as_of - pd.Timedelta(days=14)
    here["is_stalled"] = here["is_viewed"] & ~here["is_completed"] & late
    here.groupby(["course_id", "lesson_id"]).agg(
        viewed_learners=("is_viewed", "sum"),
        completed_learners=("is_completed", "sum"),
        stalled_learners=("is_stalled", "sum"),
    ).to_parquet(folder / "lesson_drop_off.parquet")
    events.assign(activity_date=events["occurred_at"].dt.floor("D"), is_view=is_view).groupby(
        ["course_id", "activity_date"]
    ).agg(active_learners=("learner_id", "nunique"), views=("is_view", "sum")).to_parquet(
        folder / "daily_activity.parquet"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
