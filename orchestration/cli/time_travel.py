"""The commands of time travel: snapshots as of the past, re-landing, and reconciliation."""

import sys
from datetime import datetime
from pathlib import Path

import click

from orchestration.cli.options import (
    EXISTING,
    INSTANT_OR_DAY,
    chosen_settings,
    json_option,
    wait_option,
    warn,
)


@click.command()
@click.option(
    "--as-of",
    "instants",
    type=INSTANT_OR_DAY,
    multiple=True,
    required=True,
    help="An instant, as 2025-07-01T00:00:00Z, or the end of a day, as 2025-06-30; also several.",
)
@wait_option
@json_option
def snapshot(instants: tuple[datetime, ...], wait: bool, as_json: bool) -> None:
    """Make a snapshot of what had happened by an instant, of all that is known now."""
    from orchestration import output
    from orchestration.time_travel import past

    with output.progress_bar("Building") as report:
        made = past.make_snapshots(chosen_settings(), instants, wait=wait, progress=report)
    if as_json:
        click.echo(output.as_json([one.summary() for one in made]))
        return
    for one in made:
        click.echo(one.headline())


@click.command()
@click.option("--into", type=EXISTING, required=True, help="The fresh home: a folder to be made.")
@click.option(
    "--without", type=int, multiple=True, help="Leave out this batch, by its number; also several."
)
@wait_option
@json_option
def reland(into: Path, without: tuple[int, ...], wait: bool, as_json: bool) -> None:
    """Land every archived file again into a fresh home, also without some batches."""
    from orchestration import output
    from orchestration.time_travel.reland import reland

    with output.progress_bar("Landing again") as report:
        home = reland(chosen_settings(), into, without=without, wait=wait, progress=report)
    click.echo(output.as_json(home.summary()) if as_json else home.headline())
    warn(home.warnings)


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="Show at most so many differing rows of a table.",
)
@wait_option
@json_option
def reconcile(limit: int, wait: bool, as_json: bool) -> None:
    """Build everything anew from raw, and compare it with the published snapshot, row by row."""
    from orchestration import output
    from orchestration.time_travel import reconciliation

    with output.progress_bar("Reconciling") as report:
        result = reconciliation.reconcile(
            chosen_settings(), limit=limit, wait=wait, progress=report
        )
    click.echo(output.as_json(result.summary()) if as_json else result.headline())
    if not result.is_equal:
        click.echo(f"Error: {result.remedy()}", err=True)
        sys.exit(1)


COMMANDS = (snapshot, reland, reconcile)
