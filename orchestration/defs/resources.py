"""What the steps of a run share: one refresh, with the writer's lock held from start to end."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg
from pydantic import PrivateAttr

from orchestration import refresh
from orchestration.faults import patiently
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
    _is_built: bool = PrivateAttr(default=False)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["RefreshRun"]:
        """Take the writer's lock, begin the refresh, and let go when the run ends.

        While the home folder isn't there or can't be written, it waits and tries again.
        """
        self._settings = load_settings()
        tell = context.log.warning if context.log else print
        with patiently(self._settings, self._begin, tell=tell):
            yield self

    def _begin(self) -> ExitStack:
        as_of = refresh.parse_instant(self.as_of) if self.as_of else None
        with ExitStack() as held:
            held.enter_context(writer_lock(self._settings))
            self._started = refresh.begin(
                self._settings, as_of=as_of, full_refresh=self.full_refresh
            )
            return held.pop_all()

    @property
    def settings(self) -> Settings:
        """The settings as they were when the run started."""
        return self._settings

    @property
    def started(self) -> Refresh:
        """The refresh under way."""
        return self._started

    @property
    def is_built(self) -> bool:
        """Whether this run has built and tested every model."""
        return self._is_built

    def mark_built(self) -> None:
        """Note that every model was built and tested in this run."""
        self._is_built = True
