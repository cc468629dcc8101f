"""What may arrive: the sources, their columns, and what each column must hold."""

from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import Literal

from orchestration.landing.standards import STANDARDS
from orchestration.raw import CATALOGUE_KEYS

EVENT_TYPES = ("lesson_viewed", "lesson_completed")


class Kind(Enum):
    """What a column holds."""

    ID = auto()
    EVENT_TYPE = auto()
    TITLE = auto()
    TEXT = auto()
    POSITION = auto()
    INSTANT = auto()

    @property
    def sql_type(self) -> str:
        """Its type in the raw room."""
        return {Kind.POSITION: "BIGINT", Kind.INSTANT: "TIMESTAMP"}.get(self, "VARCHAR")


@dataclass(frozen=True)
class Column:
    """One column of a source.

    `day` says which instant a date alone stands for: the day's first, or the last before the
    next day; None where a date alone is rejected. `past` columns can't lie in the future.
    `may_be_empty` belongs to a required column whose value may be left empty.
    """

    name: str
    kind: Kind
    required: bool = True
    may_be_empty: bool = False
    day: Literal["first", "last"] | None = None
    past: bool = False

    @property
    def needs_value(self) -> bool:
        """Whether a row without a value here is rejected."""
        return self.required and not self.may_be_empty


@dataclass(frozen=True)
class Source:
    """One kind of file: its name is the inbox folder's.

    Its rows land in the raw table `table`, which has its name unless another is given.
    `speaks_for` names the column whose rows stand or fall together: one rejected line rejects
    every line of the file with the same value there.
    """

    name: str
    columns: tuple[Column, ...]
    speaks_for: str | None = None
    lands_in: str | None = None

    @property
    def table(self) -> str:
        """The table of the raw room in which its rows land."""
        return self.lands_in or self.name

    @property
    def holds_events(self) -> bool:
        """Whether its rows land among the events, which have a key of 64 bits beside their id."""
        return self.table == "events"

    @property
    def landed_names(self) -> tuple[str, ...]:
        """The names of the columns that go from its checked table into its raw table."""
        return (*self.names, "event_key") if self.holds_events else self.names

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in the order of the raw table."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def instants(self) -> tuple[Column, ...]:
        """The columns that hold instants."""
        return tuple(column for column in self.columns if column.kind is Kind.INSTANT)

    @property
    def is_catalogue(self) -> bool:
        """Whether rows are upserts by key, instead of events that happen once."""
        return self.table in CATALOGUE_KEYS

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that name a row of a catalogue source."""
        return CATALOGUE_KEYS[self.table]


COURSE_ID = Column("course_id", Kind.ID)
LESSON_ID = Column("lesson_id", Kind.ID)
LEARNER_ID = Column("learner_id", Kind.ID)
EVENT = (
    Column("event_id", Kind.ID, required=False),
    Column("event_type", Kind.EVENT_TYPE),
    LEARNER_ID,
    COURSE_ID,
    LESSON_ID,
    Column("occurred_at", Kind.INSTANT, past=True),
)

SOURCES = {
    source.name: source
    for source in (
        Source("courses", (COURSE_ID, Column("title", Kind.TITLE))),
        Source(
            "lessons",
            (
                COURSE_ID,
                LESSON_ID,
                Column("position", Kind.POSITION),
                Column("title", Kind.TITLE),
                Column("section", Kind.TEXT, required=False),
                Column("added_at", Kind.INSTANT, required=False, day="first"),
                Column("removed_at", Kind.INSTANT, required=False, day="first", past=True),
            ),
            speaks_for="course_id",
        ),
        Source(
            "enrollments",
            (
                LEARNER_ID,
                COURSE_ID,
                Column("enrolled_at", Kind.INSTANT, day="first"),
                Column("unenrolled_at", Kind.INSTANT, required=False, day="first"),
            ),
        ),
        Source(
            "deadlines",
            (
                COURSE_ID,
                Column("learner_id", Kind.ID, required=False),
                Column("due_at", Kind.INSTANT, may_be_empty=True, day="last"),
            ),
        ),
        Source("events", EVENT),
        *(Source(standard, EVENT, lands_in="events") for standard in STANDARDS),
    )
}
"""The sources by name, in the order in which they land."""
