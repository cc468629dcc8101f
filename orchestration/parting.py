"""A snapshot of Parquet as a refresh has it: parts are taken as they are, views lead to them."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration import parts
from orchestration.published import attached, quoted, tables
from orchestration.settings import Settings

REFRESHES = ("marts", "refreshes")
"""The one table that a snapshot of Parquet holds itself: it is stamped when all else is there."""

_KIND = """
select 'table', comment
from duckdb_tables()
where (database_name, schema_name, table_name) = (current_database(), $schema, $name)
union all
select 'view', comment
from duckdb_views()
where (database_name, schema_name, view_name) = (current_database(), $schema, $name)
"""

_COLUMNS = """
select column_name, data_type, comment, is_nullable
from duckdb_columns()
where (database_name, schema_name, table_name) = (current_database(), $schema, $name)
order by column_index
"""


class NullFound(Exception):
    """A part holds NULL where a column may not; the message names the column."""


@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    comment: str | None
    is_nullable: bool

    def read_from(self, found: dict[str, str]) -> str:
        """The column as a view selects it, where the parts' columns have these types."""
        if self.type == "TIMESTAMP" and found.get(self.name) == "TIMESTAMP WITH TIME ZONE":
            return f'"{self.name}" at time zone \'UTC\' as "{self.name}"'
        if found.get(self.name) == self.type:
            return f'"{self.name}"'
        return f'cast("{self.name}" as {self.type}) as "{self.name}"'


def take(
    connection: duckdb.DuckDBPyConnection,
    candidate: Path,
    table: str,
    root: Path,
    files: list[Path],
) -> None:
    """Make files that lie below `root` the parts of a candidate's table, without reading them.

    A table without rows gets one part, which says its columns.
    """
    schema, _, name = table.partition(".")
    target = parts.folder_of(candidate) / schema / f"{name}.parquet"
    target.mkdir(parents=True)
    for file in files:
        part = target / file.relative_to(root)
        part.parent.mkdir(parents=True, exist_ok=True)
        _link(file, part)
    if not files:
        _write(connection, f"(from {table} limit 0)", target / "empty.parquet")


def _link(file: Path, part: Path) -> None:
    """Give a file a second name that nobody writes to; where that can't be, copy it."""
    try:
        os.link(file, part)
        part.chmod(0o444)
    except OSError:
        part.unlink(missing_ok=True)
        shutil.copyfile(file, part)
        part.chmod(0o444)


def _write(connection: duckdb.DuckDBPyConnection, rows: str, part: Path) -> None:
    connection.execute(f"copy {rows} to '{quoted(part)}' (format parquet)")
    part.chmod(0o444)


def lead(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Let every table of the database in use but `REFRESHES` be a view of its parts in a folder.

    Names, types, order of columns and comments are those of the table, or of the view that stood
    for it. A table's NOT NULL is asked of the parts, whose own statistics answer.

    Raises:
        NullFound: a column that may not be NULL is; the database is as it was.
    """
    connection.begin()
    try:
        for schema, name in tables(connection):
            if (schema, name) != REFRESHES:
                _show(connection, schema, name, folder / schema / f"{name}.parquet")
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _show(connection: duckdb.DuckDBPyConnection, schema: str, name: str, folder: Path) -> None:
    which = {"schema": schema, "name": name}
    ((kind, comment),) = connection.execute(_KIND, which).fetchall()
    columns = [_Column(*row) for row in connection.execute(_COLUMNS, which).fetchall()]
    rows = f"read_parquet({parts.listed(parts.files_in(folder))}, hive_partitioning = true)"
    described = connection.execute(f"describe from {rows}").fetchall()
    found = {column: type_ for column, type_, *_ in described}
    shown = ", ".join(column.read_from(found) for column in columns)
    connection.execute(f"drop {kind} {schema}.{name}")
    connection.execute(f"create view {schema}.{name} as select {shown} from {rows}")
    connection.execute(f"comment on view {schema}.{name} is {parts.literal(comment)}")
    for column in columns:
        place = f'{schema}.{name}."{column.name}"'
        connection.execute(f"comment on column {place} is {parts.literal(column.comment)}")
        if not column.is_nullable:
            nulls = f'select 1 from {schema}.{name} where "{column.name}" is null limit 1'
            if connection.execute(nulls).fetchone():
                raise NullFound(
                    f"{place} may not be NULL, and is in {folder}: nothing is published."
                )


def settle(connection: duckdb.DuckDBPyConnection, candidate: Path, snapshot: Path) -> None:
    """Bring a candidate's parts to where its snapshot will look for them; it may have none.

    The connection's database in use is the candidate. Can be called again after a fault.
    """
    building, folder = parts.folder_of(candidate), parts.folder_of(snapshot)
    if building.exists():
        building.rename(folder)
    if not folder.exists():
        return
    lead(connection, folder)
    schema, name = REFRESHES
    stamped = folder / schema / f"{name}.parquet"
    stamped.mkdir(exist_ok=True)
    _write(connection, f"{schema}.{name}", stamped / "stamped.parquet")


def drop(snapshot: Path) -> None:
    """Remove a snapshot with its parts, the file first: nobody finds the one without the other."""
    snapshot.unlink(missing_ok=True)
    shutil.rmtree(parts.folder_of(snapshot), ignore_errors=True)


def drop_unread(snapshot: Path) -> bool:
    """Drop a snapshot unless a reader holds its parts; returns whether it is gone."""
    with parts.unread(snapshot) as is_unread:
        if is_unread:
            drop(snapshot)
    return is_unread


def follow(settings: Settings) -> int:
    """Let snapshots of a home folder that was moved look where it lies now; returns how many did.

    The caller holds the writer's lock.
    """
    moved = 0
    for snapshot in settings.published.glob("learner_progress__*.duckdb"):
        if not parts.folder_of(snapshot).exists():
            continue
        try:
            attached(snapshot).close()
        except parts.SnapshotMoved:
            with duckdb.connect(str(snapshot)) as connection:
                lead(connection, parts.folder_of(snapshot))
            moved += 1
        except (duckdb.Error, parts.PartsGone):
            continue
    return moved
