"""The commands of those who run the warehouse: health, maintenance, backups, Dagster."""

import sys
from functools import partial
from pathlib import Path

import click

from orchestration.cli.options import EXISTING, chosen_settings, json_option, wait_option, warn


@click.command()
@click.option(
    "--max-age-hours", type=click.FloatRange(min=0), default=3.0, show_default=True,
    help="How old the snapshot may be.",
)  # fmt: skip
@json_option
def health(max_age_hours: float, as_json: bool) -> None:
    """Say whether readers have a snapshot that is young enough; exit 1 where not."""
    from orchestration import output
    from orchestration.operations.health import health

    state = health(chosen_settings(), max_age_hours=max_age_hours)
    if as_json:
        click.echo(output.as_json(state))
    else:
        click.echo(("" if state["ok"] else "Error: ") + state["message"], err=not state["ok"])
    if not state["ok"]:
        sys.exit(1)


@click.command()
@wait_option
@json_option
def maintain(wait: bool, as_json: bool) -> None:
    """Compact the warehouse, and remove leftovers and what is older than it is to be kept."""
    from orchestration import output
    from orchestration.defs.history import forget_runs_of
    from orchestration.operations.maintenance import maintain

    settings = chosen_settings()
    with output.progress_bar("Maintaining") as report:
        done = maintain(
            settings, forget_runs=partial(forget_runs_of, settings), wait=wait, progress=report
        )
    click.echo(output.as_json(done.summary()) if as_json else "\n".join(done.lines()))
    warn(done.warnings)


@click.command()
@click.argument("folder", type=EXISTING)
@wait_option
@json_option
def backup(folder: Path, wait: bool, as_json: bool) -> None:
    """Copy the home folder, at rest, into a dated folder of FOLDER."""
    from orchestration import output
    from orchestration.operations.backup import backup

    with output.progress_bar("Backing up") as report:
        taken = backup(chosen_settings(), folder, wait=wait, progress=report)
    summary = taken.summary()
    if as_json:
        click.echo(output.as_json(summary))
    else:
        click.echo(
            f"Backed up to {taken.folder}: {summary['files']:,} files of"
            f" {summary['bytes']:,} bytes, {taken.copied_bytes:,} of them copied anew."
        )
    warn(taken.warnings)


@click.command()
@click.argument("folder", type=EXISTING)
@wait_option
@json_option
def restore(folder: Path, wait: bool, as_json: bool) -> None:
    """Bring a backup back into an empty home folder; of several in FOLDER the newest."""
    from orchestration import output
    from orchestration.operations.restore import restore

    settings = chosen_settings()
    with output.progress_bar("Restoring") as report:
        manifest = restore(settings, folder, wait=wait, progress=report)
    if as_json:
        known = {"home": str(settings.home), "taken_at": manifest.taken_at}
        click.echo(output.as_json({**known, "refresh_id": manifest.refresh_id}))
    else:
        click.echo(
            f"Restored {len(manifest.files):,} files of {manifest.taken_at} to {settings.home}."
        )
    warn([f"Learners erased after {manifest.taken_at} are back: erase them again."])


@click.command()
@click.argument("part", type=click.Choice(["webserver", "daemon"]), required=False)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True)
def serve(part: str | None, host: str, port: int) -> None:
    """Serve Dagster for good: its web server, its daemon, or both."""
    from orchestration.operations.serve import serve

    sys.exit(serve(chosen_settings(), part, host=host, port=port))


COMMANDS = (health, maintain, backup, restore, serve)
