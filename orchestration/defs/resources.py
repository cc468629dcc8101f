"""What the steps of a run share: one refresh, with the writer's lock held from start to end."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg
from pydantic import PrivateAttr

from orchestration import refresh, snapshots
from orchestration.faults import patiently
from orchestration.garbage import seldom_collected
from orchestration.refresh import Refresh
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import writer_lock


class RefreshRun(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The refresh of this run; its identity and as_of are fixed when the run starts.

    The job runs its steps in one process, so the lock is held from landing to publish.
    """

    as_of: str = ""
    """The instant to speak about, as 2025-07-01T00:00:00Z; the start of the run if empty."""
    full_refresh: bool = False
    """Build every model anew from raw."""

    _settings: Settings = PrivateAttr()
    _started: Refresh = PrivateAttr()
    _is_recorded: bool = PrivateAttr(default=False)
    _is_built: bool = PrivateAttr(default=False)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["RefreshRun"]:
        """Take the writer's lock, begin the refresh, and let go when the run ends.

        While the home folder isn't there or can't be written, it waits and tries again.
        """
        self._settings = load_settings()
        # A request to terminate that comes while Python looks for garbage is lost: what the
        # handler raises then, Python prints and ignores.
        seldom = seldom_collected()
        tell = context.log.warning if context.log else print
        with patiently(self._settings, lambda: self._begin(context), tell=tell), seldom:
            yield self

    def _begin(self, context: dg.InitResourceContext) -> ExitStack:
        as_of = refresh.parse_instant(self.as_of) if self.as_of else None
        log = context.log or dg.get_dagster_logger()
        run_id = context.run.run_id if context.run else ""
        with ExitStack() as held:
            held.enter_context(
                writer_lock(self._settings, who=f"Dagster's run {run_id[:8]}", tell=log.warning)
            )
            self._started = refresh.begin(
                self._settings, as_of=as_of, full_refresh=self.full_refresh
            )
            if context.instance and context.instance.has_run(run_id):
                context.instance.add_run_tags(run_id, {"refresh_id": self._started.refresh_id})
            # What a run without publishing built is for nobody.
            held.callback(snapshots.drop_candidate, self._settings)
            return held.pop_all()

    @property
    def settings(self) -> Settings:
        """The settings as they were when the run started."""
        return self._settings

    @property
    def started(self) -> Refresh:
        """The refresh under way."""
        return self._started

    def record(self) -> list[str]:
        """Enter the refresh in the ledger, once; returns what an operator should know of it."""
        if self._is_recorded:
            return []
        self._is_recorded = True
        return [*self._started.warnings, *refresh.record(self._settings, self._started)]

    @property
    def is_built(self) -> bool:
        """Whether this run has built and tested every model."""
        return self._is_built

    def mark_built(self) -> None:
        """Note that every model was built and tested in this run."""
        self._is_built = True
