"""The console script `learner-progress`: arguments in, text or JSON out, no logic."""

import atexit
import gc
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from orchestration.cli import landing, operations, time_travel
from orchestration.cli.options import (
    EXISTING,
    QUESTIONS,
    WRITTEN,
    alert_option,
    as_of_option,
    chosen_settings,
    format_option,
    json_option,
    snapshot_option,
    tell_freshness,
    wait_option,
    warn,
    watched,
)
from orchestration.garbage import SELDOM


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="learner-progress")
def cli() -> None:
    """The learner-progress warehouse: view and completion events in, answers about progress out."""


@cli.command()
@click.option("--full-refresh", is_flag=True, help="Build every model anew from raw.")
@as_of_option
@click.option("--engine", type=click.Choice(["duckdb", "spark"]), help="What builds the models.")
@click.option("--strict", is_flag=True, help="Fail where a file has too many rejected lines.")
@wait_option
@alert_option
@json_option
def refresh(
    full_refresh: bool,
    as_of: datetime | None,
    engine: str | None,
    strict: bool,
    wait: bool,
    alert: bool,
    as_json: bool,
) -> None:
    """Land what waits in the inbox, build and test every model, and publish if all tests pass."""
    from orchestration import output
    from orchestration import refresh as refreshing

    settings = chosen_settings()
    with watched(settings, alert=alert), output.progress_bar("Refreshing") as report:
        result = refreshing.refresh(
            settings,
            as_of=as_of,
            full_refresh=full_refresh,
            engine=engine,
            strict=strict,
            wait=wait,
            progress=report,
        )
    _print_refresh(result, as_json)


@cli.command()
@click.argument("question", type=QUESTIONS, default="all")
@click.option("--course", "course_id", help="Only this course, by its id.")
@click.option("--limit", type=click.IntRange(min=0), help="At most so many rows a question.")
@click.option("--html", "page", type=WRITTEN, help="Write all four as one page with charts.")
@snapshot_option
@format_option
@json_option
def report(
    question: str,
    course_id: str | None,
    limit: int | None,
    page: Path | None,
    as_of: datetime | None,
    format_: str,
    as_json: bool,
) -> None:
    """Answer the administrators' four questions from the published snapshot."""
    from orchestration import report, status

    settings = chosen_settings()
    if page:
        from orchestration import printed

        if question != "all" or course_id is not None or limit is not None:
            raise click.UsageError("--html holds all four answers: give no QUESTION or limit.")
        click.echo(f"Written: {printed.write_page(settings, page, as_of)}")
        return
    format_ = "json" if as_json else format_
    if limit is None and format_ == "table":
        limit = 15
    answers = report.answers(settings, question, course_id=course_id, limit=limit, as_of=as_of)
    click.echo(report.as_text(answers, format_), nl=False)
    if as_of is None:
        warn(status.load_gaps(settings).remedies(infer_enrollments=settings.infer_enrollments))


@cli.command()
@alert_option
@json_option
def status(alert: bool, as_json: bool) -> None:
    """Show the last refresh, how fresh it is, what waits, and what makes reports empty."""
    from orchestration import output
    from orchestration import status as state_of

    settings = chosen_settings()
    state = state_of.status(settings)
    if alert:
        tell_freshness(settings)
    if as_json:
        click.echo(output.as_json(state))
        return
    for line in state_of.as_lines(state):
        click.echo(line)


@cli.command()
@click.argument("query")
@snapshot_option
@format_option
@json_option
def sql(query: str, as_of: datetime | None, format_: str, as_json: bool) -> None:
    """Run a read-only query on the published snapshot."""
    from orchestration import output, published

    columns, rows = published.run_query(query, chosen_settings(), as_of=as_of)
    click.echo(output.as_text(rows, columns, "json" if as_json else format_), nl=False)


@cli.command()
@click.option("--learners", type=click.IntRange(min=1), required=True)
@click.option("--courses", type=click.IntRange(min=1), required=True)
@click.option("--events", type=click.IntRange(min=0), required=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--out", type=EXISTING, required=True, help="The folder to write to.")
@json_option
def generate(learners: int, courses: int, events: int, seed: int, out: Path, as_json: bool) -> None:
    """Write deterministic, realistic synthetic source files, ready to be landed."""
    from orchestration import output, synthetic

    with output.progress_bar("Generating") as report:
        rows = synthetic.generate(
            learners=learners, courses=courses, events=events, seed=seed, out=out, progress=report
        )
    if as_json:
        click.echo(output.as_json({"out": str(out), "rows": rows}))
        return
    for source, count in rows.items():
        click.echo(f"{count:>12,} {source}")
    click.echo(f"Land them with: learner-progress land {out}")


@cli.command()
@json_option
def demo(as_json: bool) -> None:
    """Land the shipped story of a small academy, refresh, and print the four answers."""
    from orchestration import academy, output

    with output.progress_bar("Refreshing") as bar:
        result = academy.refresh_academy(chosen_settings(), progress=bar)
    _print_refresh(result, as_json)
    if not as_json:
        click.echo()
        click.get_current_context().invoke(
            report,
            question="all",
            course_id=None,
            limit=8,
            page=None,
            format_="table",
            as_json=False,
        )


for command in (*landing.COMMANDS, *time_travel.COMMANDS, *operations.COMMANDS):
    cli.add_command(command)


def _print_refresh(result: Any, as_json: bool) -> None:
    from orchestration import output

    if as_json:
        click.echo(output.as_json(result.summary()))
    else:
        if result.landed.files:
            click.echo(output.landing_table(result.landed) + "\n")
        click.echo(result.headline())
    warn(result.warnings)


# What the engine raises when it can't write; a query that is wrong is another matter.
_FULL_DISK = {"IOException", "TransactionException", "OutOfMemoryException", "FatalException"}


def leave_at_once() -> None:
    """End the process, if it is the console script's own, without taking it apart first."""
    program = getattr(sys.modules["__main__"], "__file__", None) or ""
    if Path(program).name == "learner-progress":
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _fail(message: str, code: int = 1) -> None:
    click.echo(f"Error: {message}", err=True)
    sys.exit(code)


def main() -> None:
    """Run the command; a foreseeable fault is one sentence and exit code 1, never a traceback."""
    gc.set_threshold(*SELDOM)
    # numpy's linear algebra, which isn't used, would keep a processor busy while it waits for work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        cli(standalone_mode=False)
        leave_at_once()
    except click.exceptions.Abort:
        _fail("Interrupted: nothing half-done was published.", 130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        _fail(f"{error.strerror or error}{place}; mend that and run the command again.")
    except Exception as error:
        if type(error).__name__ in _FULL_DISK and "duckdb" in type(error).__module__:
            from orchestration.faults import remedy

            reason, room = str(error).splitlines()[0], "see that there is room on the disk"
            _fail(f"{reason}; {remedy(reason, room)}, and run the command again.")
        if not type(error).__module__.startswith("orchestration."):
            raise
        _fail(str(error))
