"""What the commands of the console script share: options, the settings, and warnings."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click

FORMATS = click.Choice(["table", "csv", "json"])
QUESTIONS = click.Choice(["completion", "drop-off", "time-to-complete", "overdue", "all"])
EXISTING = click.Path(path_type=Path)
WRITTEN = click.Path(path_type=Path, dir_okay=False)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
format_option = click.option(
    "--format", "format_", type=FORMATS, default="table", show_default=True, help="How to print."
)
wait_option = click.option(
    "--wait/--no-wait",
    default=True,
    show_default=True,
    help="Wait while another process writes, or leave at once.",
)

alert_option = click.option(
    "--alert", is_flag=True, help="Tell the webhook or e-mail of the settings; for cron."
)


class _Instant(click.ParamType):  # type: ignore[type-arg]
    name = "instant"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        from orchestration.refresh import InvalidInstant, parse_instant

        try:
            return value if isinstance(value, datetime) else parse_instant(value)
        except InvalidInstant as error:
            self.fail(str(error), param, ctx)


class _InstantOrDay(click.ParamType):  # type: ignore[type-arg]
    name = "instant or day"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        from orchestration.refresh import InvalidInstant
        from orchestration.time_travel.as_of import instant_of

        try:
            return instant_of(value, chosen_settings())
        except InvalidInstant as error:
            self.fail(str(error), param, ctx)


INSTANT_OR_DAY = _InstantOrDay()

snapshot_option = click.option(
    "--as-of",
    type=INSTANT_OR_DAY,
    help="Read the snapshot as of this instant or day, made by `snapshot`, instead of the newest.",
)
as_of_option = click.option(
    "--as-of",
    type=_Instant(),
    help="The instant to speak about, as 2025-07-01T00:00:00Z; now if not given.",
)


def chosen_settings() -> Any:
    """The settings, as the environment has them."""
    from orchestration.settings import load_settings

    return load_settings()


def warn(warnings: list[str]) -> None:
    """Tell of warnings, apart from what the command prints."""
    from orchestration.output import printable

    for warning in warnings:
        click.echo(f"Warning: {printable(warning)}", err=True)


@contextmanager
def watched(settings: Any, *, alert: bool) -> Iterator[None]:
    """With `alert`, tell if the refresh in the block fails, or works again."""
    if not alert:
        yield
        return
    from orchestration import alerts

    problems = _without_target(settings)
    try:
        with alerts.watched(settings, problems):
            yield
    finally:
        warn(problems)


def tell_freshness(settings: Any) -> None:
    """Tell of what isn't fresh any more or is again; problems are warnings."""
    from orchestration import alerts

    warn(_without_target(settings) + alerts.judged_now(settings))


def _without_target(settings: Any) -> list[str]:
    from orchestration import alerts

    if alerts.targets(settings):
        return []
    return [
        "Nobody is told: set LEARNER_PROGRESS_ALERT_WEBHOOK, or LEARNER_PROGRESS_ALERT_SMTP_HOST"
        " and LEARNER_PROGRESS_ALERT_TO."
    ]
