"""The job of maintenance: a home folder and a run history that don't grow for ever."""

from functools import partial

import dagster as dg

from orchestration.defs.history import forget_runs
from orchestration.operations.maintenance import maintain
from orchestration.settings import load_settings


@dg.op
def maintain_home(context: dg.OpExecutionContext) -> None:
    """Clear leftovers, compact the warehouse, and remove what is older than it is to be kept."""
    settings = load_settings()
    done = maintain(settings, forget_runs=partial(forget_runs, context.instance, settings))
    for warning in done.warnings:
        context.log.warning(warning)
    for line in done.lines():
        context.log.info(line)
    context.add_output_metadata(
        {step.what: f"{step.removed:,}, {step.freed_bytes:,} bytes freed" for step in done.steps}
    )


@dg.job(executor_def=dg.in_process_executor, name="maintain")
def maintain_job() -> None:
    """Compact the warehouse, and remove old runs, logs and, if set, archived files."""
    maintain_home()
