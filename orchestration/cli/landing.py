"""The commands of the landing room: what lands, what was rejected, and who is forgotten."""

import sys
from pathlib import Path
from typing import Any

import click

from orchestration.cli.options import (
    EXISTING,
    chosen_settings,
    format_option,
    json_option,
    wait_option,
    warn,
)

FIRST_LINES = 1000


class _Source(click.ParamType):  # type: ignore[type-arg]
    name = "source"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        from orchestration.landing import SOURCES

        if value not in SOURCES:
            self.fail(f"{value!r} is not one of {', '.join(SOURCES)}.", param, ctx)
        return str(value)


@click.command()
@click.argument("paths", nargs=-1, type=EXISTING)
@click.option(
    "--source", type=_Source(), help="What the files hold; else their folder's name says."
)
@click.option("--again", is_flag=True, help="Land known catalogue content as a new batch.")
@wait_option
@json_option
def land(
    paths: tuple[Path, ...], source: str | None, again: bool, wait: bool, as_json: bool
) -> None:
    """Land files or folders, else the inbox, without building the models."""
    from orchestration import landed as landing
    from orchestration import output
    from orchestration.warehouse import writer_lock

    settings = chosen_settings()
    with writer_lock(settings, wait=wait), output.progress_bar("Landing") as report:
        landed = landing.land(settings, paths=paths, source=source, again=again, progress=report)
    click.echo(output.as_json(landed.summary()) if as_json else output.landing_table(landed))
    warn(landed.warnings)


@click.command()
@click.option("--reason", help="Only lines rejected for this reason.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    help=f"At most so many lines; all, but as a table the first {FIRST_LINES:,}.",
)
@format_option
@json_option
def rejected(reason: str | None, limit: int | None, format_: str, as_json: bool) -> None:
    """Show the rejected lines with file, line and reason."""
    from orchestration import landing, output, raw

    format_ = "json" if as_json else format_
    if limit is None and format_ == "table":
        limit = FIRST_LINES
    with raw.opened(chosen_settings()) as connection:
        rows = landing.rejected_lines(connection, reason=reason, limit=limit)
        counts = landing.rejected_counts(connection)
    click.echo(output.rejected_text(rows, counts, format_, reason), nl=False)


@click.command()
@click.option("--reason", help="Only lines rejected for this reason.")
@wait_option
@json_option
def replay(reason: str | None, wait: bool, as_json: bool) -> None:
    """Put rejected lines through landing again, after a fix of the cause."""
    from orchestration import landed as landing
    from orchestration import output
    from orchestration.warehouse import writer_lock

    settings = chosen_settings()
    with writer_lock(settings, wait=wait), output.progress_bar("Replaying") as report:
        landed = landing.replay(settings, reason=reason, progress=report)
    if as_json:
        click.echo(output.as_json(landed.summary()))
    elif landed.files:
        click.echo(output.landing_table(landed))
    else:
        click.echo("There is no such rejected line: nothing was replayed.")
    warn(landed.warnings)


@click.command()
@click.argument("learner_id")
@click.option("--yes", is_flag=True, help="Don't ask first.")
@wait_option
@json_option
def erase(learner_id: str, yes: bool, wait: bool, as_json: bool) -> None:
    """Forget a learner: in every table, the archive and the snapshot, and whatever comes later."""
    from orchestration import output
    from orchestration.erasing.erase import erase

    settings = chosen_settings()
    if not yes and not _agreed(learner_id, settings.home):
        click.echo("Error: Nothing was erased: answer y, or pass --yes.", err=True)
        sys.exit(1)
    with output.progress_bar("Erasing") as report:
        erasure = erase(settings, learner_id, wait=wait, progress=report)
    click.echo(output.as_json(erasure.removed) if as_json else erasure.headline())
    warn(erasure.warnings)


def _agreed(learner_id: str, home: Path) -> bool:
    question = f"Erase the learner {learner_id} from {home}, for ever?"
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        return False


COMMANDS = (land, rejected, replay, erase)
