"""Steps of a run that try again, after a growing wait, when what failed may pass by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from orchestration.faults import fault_of, may_pass, wait_before
from orchestration.settings import Settings


@contextmanager
def retried(context: dg.AssetExecutionContext, settings: Settings) -> Iterator[None]:
    """Ask for another attempt of the step whose body is the block, unless its fault is lasting.

    The run goes on waiting with the writer's lock, so that nobody else writes in between, and with
    its refresh: refresh_id and as_of stay those of the run's start.
    """
    try:
        yield
    except Exception as error:
        if not may_pass(error):
            raise
        wait = wait_before(context.retry_number + 1, settings)
        context.log.warning(f"{fault_of(error).what} It may pass, so {settings.retries} retries.")
        raise dg.RetryRequested(max_retries=settings.retries, seconds_to_wait=wait) from error
