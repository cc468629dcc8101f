"""How runs are started, and how Dagster sees that one died with the machine it ran on."""

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus


class WatchedRunLauncher(DefaultRunLauncher):
    """Starts runs as Dagster does by default, and finds those whose server has gone.

    A server tells of its own runs when their process dies. Where it was killed with them, by a
    power failure for one, nobody would: the run would seem to go on, and hold up all others.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Run monitoring may ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the server that started the run is still there to watch it."""
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        try:
            client.ping("")
        except Exception:
            message = "the process that ran it has gone; nothing is to be cleaned"
            return CheckRunHealthResult(WorkerStatus.FAILED, message)
        return CheckRunHealthResult(WorkerStatus.RUNNING)
