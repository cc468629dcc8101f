"""Runs dbt: builds and tests the models of staging, progress and marts in this process."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration import dbt_connections, dbt_shortcuts, parsed
from orchestration.builds import Beside, Outcome, Standing
from orchestration.dbt_results import failures, outcome_of
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.spark import thrift

DBT_PROJECT = PROJECT_ROOT / "dbt_project"

Progress = Callable[[str, int, int], None]


class ModelsFailed(Exception):
    """A model or test failed; the message names each. The candidate is not fit for readers.

    `outcomes` are those of the whole build, empty where dbt couldn't begin.
    """

    def __init__(self, message: str, outcomes: list[Outcome] | None = None) -> None:
        super().__init__(message)
        self.outcomes = outcomes or []


def models_fingerprint() -> str:
    """A hash over everything that makes the models: it changes when a model or a test does."""
    digest = hashlib.sha256()
    for path in sorted(DBT_PROJECT.rglob("*")):
        if path.suffix in {".sql", ".yml"} and not {"target", "unit_tests"} & set(path.parts):
            digest.update(str(path.relative_to(DBT_PROJECT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def settings_fingerprint(settings: Settings) -> str:
    """The settings that touch figures, as JSON text."""
    return json.dumps(settings.figures, sort_keys=True)


@contextmanager
def dbt_environment(
    settings: Settings,
    as_of: datetime,
    candidate: Path,
    *,
    standing: Standing | None = None,
    beside: Beside | None = None,
) -> Iterator[None]:
    """For the length of the block, tell dbt the files to build in and the instant to speak of.

    What stands is told to a build that adds to it; a full build doesn't ask.
    """
    known_until = beside.known_until if beside else None
    standing = standing or Standing(0, as_of, None)
    # The longest days have 25 hours, and no new event is any day's first instant.
    new_days = (standing.earliest_new_event or as_of) - timedelta(days=2)
    environment = {
        "DBT_WAREHOUSE_FILE": str(beside.warehouse if beside else settings.warehouse_file),
        "DBT_SNAPSHOT_FILE": str(candidate),
        "DBT_LANDED_FILE": str(settings.warehouse_file),
        "DBT_MEMORY_LIMIT": settings.memory_limit,
        "DBT_AS_OF": _timestamp(as_of),
        "DBT_KNOWN_UNTIL": _timestamp(known_until) if known_until else "",
        "DBT_STANDING_BATCH_ID": str(standing.batch_id),
        "DBT_STANDING_AS_OF": _timestamp(standing.as_of),
        "DBT_BEFORE_NEW_DAYS": _timestamp(new_days),
        **thrift.environment(settings),
    }
    os.environ.update(environment)
    try:
        yield
    finally:
        for name in environment:
            os.environ.pop(name, None)


def dbt_arguments(settings: Settings, *, engine: str, full_refresh: bool) -> list[str]:
    """The arguments of the one dbt command of a refresh, whoever runs it."""
    arguments = ["build", "--exclude-resource-type", "unit_test", "--target", engine]
    arguments += ["--vars", settings_fingerprint(settings)]
    return arguments + (["--full-refresh"] if full_refresh else [])


def build(
    settings: Settings,
    *,
    as_of: datetime,
    candidate: Path,
    engine: str = "duckdb",
    full_refresh: bool = False,
    standing: Standing | None = None,
    beside: Beside | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Build and test every model into the warehouse and the candidate snapshot.

    Args:
        as_of: the instant that the refresh speaks about, UTC without a zone.
        candidate: the database file for the schemas that readers see.
        standing: what stands in the warehouse and the candidate; None with `full_refresh`.
        beside: build in a file beside the warehouse instead, in full.
        progress: called with each finished model or test, how many are done, and how many in all.

    Returns:
        What became of each model and test, in the order in which they ran.

    Raises:
        ModelsFailed: naming each failed model or test; the candidate is left as it then was.
    """
    if engine == "spark":
        from orchestration.spark import building

        return building.build(
            settings,
            as_of=as_of,
            candidate=candidate,
            full_refresh=full_refresh,
            standing=standing,
            progress=progress,
        )
    target, in_full = ("beside", True) if beside else (engine, full_refresh)
    arguments = dbt_arguments(settings, engine=target, full_refresh=in_full)
    with dbt_environment(settings, as_of, candidate, standing=standing, beside=beside):
        return invoke(settings, engine, arguments, progress=progress)


def invoke(
    settings: Settings, engine: str, arguments: list[str], *, progress: Progress | None = None
) -> list[Outcome]:
    """Run one dbt command on an engine, inside `dbt_environment`; returns as `build` does.

    Raises:
        ModelsFailed: dbt couldn't begin, or a part of the command failed.
    """
    told: list[str] = []

    def hear(event: Any) -> None:
        # An operation's result doesn't say why it failed.
        if event.info.name == "RunningOperationCaughtError":
            told.append(event.data.exc)

    reporters = [_reporter(progress)] if progress else []
    manifest = _manifest(settings, engine)
    runner = dbt_shortcuts.runner()(manifest=manifest, callbacks=[hear, *reporters])
    with dbt_shortcuts.taken(_templates(settings)):
        outcome = runner.invoke(arguments + _folders(settings, engine))
    dbt_connections.close(fold=outcome.success)
    results = getattr(outcome.result, "results", None) or ()
    # An operation's result is of no model or test.
    outcomes = [outcome_of(result) for result in results if hasattr(result, "node")]
    if not outcome.success:
        raise ModelsFailed(failures(outcome, told), outcomes)
    return outcomes


def warm_up(settings: Settings, engine: str) -> None:
    """Import dbt, and read the parsed project where it is kept."""
    dbt_shortcuts.runner()
    parsed.read(_parsed_file(settings, engine))


def _parsed_file(settings: Settings, engine: str) -> Path:
    prefix = settings.spark_prefix if engine == "spark" else ""
    fingerprint = settings_fingerprint(settings)
    return parsed.file_for(settings.home / "dbt", DBT_PROJECT, engine + prefix, fingerprint)


def _manifest(settings: Settings, engine: str) -> Any:
    """The parsed project; parsing costs seconds, so it is done once per change."""
    runner = dbt_shortcuts.runner()
    file = _parsed_file(settings, engine)
    manifest = parsed.read(file)
    if manifest is None:
        arguments = ["parse", "--target", engine, "--vars", settings_fingerprint(settings)]
        outcome = runner().invoke(arguments + _folders(settings, engine))
        if not outcome.success:
            raise ModelsFailed(failures(outcome))
        manifest = outcome.result
        parsed.keep(manifest, file)
        # Those of models as they were before.
        shutil.rmtree(_templates(settings), ignore_errors=True)
    return manifest


def _templates(settings: Settings) -> Path:
    return settings.home / "dbt" / "templates"


def keys(settings: Settings) -> dict[str, list[str]]:
    """The key of each table that readers see, `schema.table`: the columns tested to be unique.

    Raises:
        ModelsFailed: dbt can't read the models.
    """
    manifest = _manifest(settings, "duckdb")
    found = {}
    for node in manifest.nodes.values():
        test = getattr(node, "test_metadata", None)
        if test is not None and test.name == "is_unique":
            model = manifest.nodes[node.attached_node]
            found[f"{model.schema}.{model.name}"] = list(test.kwargs["columns"])
    return found


def _timestamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S.%f}"


def _folders(settings: Settings, engine: str) -> list[str]:
    project = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    state = settings.home / "dbt"
    # What one engine's parse keeps is of no use to the other's.
    kept = state / ("target" if engine == "duckdb" else f"target_{engine}")
    target = ["--target-path", str(kept), "--log-path", str(state / "logs")]
    return [*project, *target, "--no-write-json", "--quiet", "--log-level", "none"]


def _reporter(progress: Progress) -> Callable[[Any], None]:
    totals = {"LogModelResult": "total", "LogTestResult": "num_models"}

    def report(event: Any) -> None:
        if event.info.name in totals:
            total = getattr(event.data, totals[event.info.name])
            progress(event.data.node_info.node_name, event.data.index, total)

    return report
