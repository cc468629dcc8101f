"""The benchmark's worlds: generated, landed up to a point, and new events that come next.

A world is fixed by its size. Of the lines in landing order the last file is held back; cut into
pieces, it is what lands afterwards.
"""

import shutil
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb

from bench.costs import Cost, cost_of
from orchestration.settings import PROJECT_ROOT, Settings, load_settings
from orchestration.synthetic import generate

PROGRAM = PROJECT_ROOT / ".venv" / "bin" / "learner-progress"
COURSES = 200
SEED = 6


@dataclass(frozen=True)
class World:
    """A world of about `events` lines that have landed, and `new` lines a refresh that come next.

    `tens` of the refreshes add `new` lines each, and as many a tenth of them.
    """

    folder: Path
    events: int
    new: int

    @property
    def files(self) -> Path:
        """The source files of what has landed."""
        return self.folder / f"world_{self.events}"

    @property
    def held_back(self) -> Path:
        """The file of the lines that land afterwards."""
        return self.folder / f"later_{self.events}.jsonl"

    @property
    def settings(self) -> Settings:
        """The settings of the home folder in which it landed."""
        return load_settings(home=self.folder / f"home_{self.events}", _env_file=None)

    @property
    def parquet(self) -> Path:
        """The same raw lines, repeats included, for tools that don't read the warehouse."""
        return self.folder / f"parquet_{self.events}"


def prepare(world: World) -> None:
    """Generate the source files, unless they are there, and hold the last file of events back."""
    if world.held_back.exists():
        return
    held = world.new * 5
    total = world.events + held
    if not world.files.exists():
        files = max(2, round(total / held))
        learners = max(5, total * 47 // 5000)
        generate(
            learners=learners,
            courses=COURSES,
            events=total,
            seed=SEED,
            out=world.files,
            files=files,
        )
    *_, last = sorted((world.files / "events").iterdir())
    last.rename(world.held_back)


def land(world: World) -> Cost | None:
    """Land the history by the command, unless it has landed; returns what that cost."""
    done = world.settings.home / "landed"
    if done.exists():
        return None
    shutil.rmtree(world.settings.home, ignore_errors=True)
    cost = cost_of([PROGRAM, "land", world.files], home=world.settings.home)
    # It is kept in the world's files too.
    shutil.rmtree(world.settings.archive)
    done.touch()
    return cost


def delivered(world: World) -> int:
    """How many of the lines held back have landed."""
    with duckdb.connect(str(world.settings.warehouse_file), read_only=True) as connection:
        query = "select sum(lines) from raw.landed_files where starts_with(file, 'later_')"
        (lines,) = connection.execute(query).fetchall()[0]
    return int(lines or 0)


def deliver(world: World, lines: int, skip: int) -> None:
    """Put the next lines, in landing order after `skip` of them, into the inbox."""
    inbox = world.settings.landing / "events"
    inbox.mkdir(parents=True, exist_ok=True)
    with world.held_back.open(encoding="utf-8") as file:
        text = "".join(islice(file, skip, skip + lines))
    (inbox / f"later_{skip:09d}.jsonl").write_text(text, encoding="utf-8")


def export(world: World) -> None:
    """Write the raw lines in landing order as Parquet, one file a source, unless they are there."""
    if (world.parquet / "events.parquet").exists():
        return
    world.parquet.mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set memory_limit = '4GB'")
        connection.execute(f"attach '{world.settings.warehouse_file}' as landed (read_only)")
        for table in ("courses", "lessons", "enrollments", "deadlines"):
            file = world.parquet / f"{table}.parquet"
            connection.execute(f"copy landed.raw.{table} to '{file}'")
        names = ("event_id", "event_type", "learner_id", "course_id", "lesson_id")
        columns = dict.fromkeys(names, "varchar") | {"occurred_at": "timestamptz"}
        files = f"{world.files}/events/*.jsonl"
        connection.execute(f"""
            copy (
                select
                    * exclude (filename, occurred_at),
                    occurred_at at time zone 'UTC' as occurred_at,
                    landed_files.batch_id, landed_files.recorded_at
                from read_json('{files}', columns = {columns}, filename = true) as lines
                join landed.raw.landed_files
                    on landed_files.file = parse_filename(lines.filename)
                order by landed_files.batch_id
            ) to '{world.parquet / "events.parquet"}'
        """)
