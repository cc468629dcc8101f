"""What dbt leaves out where the project has been parsed before: checks made then, and diagnoses."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def taken() -> Iterator[None]:
    """For the length of the block, let dbt run the parsed project without what parsing did.

    The project's and the profile's files are not held to the schemas of their classes again, which
    dbt makes anew in each process; what it would tell of each step is not composed where nobody
    hears it; the graph's summary for those who mend dbt is empty.
    """
    from dbt.compilation import Linker
    from dbt_common.behavior_flags import BehaviorFlagRendered
    from dbt_common.dataclass_schema import dbtClassMixin
    from dbt_common.events import event_manager_client as events

    shortcuts = [
        (dbtClassMixin, "validate", classmethod(lambda _class, _data: None)),
        # Whom a flag without a source belongs to, dbt finds out from the source text of the stack.
        (BehaviorFlagRendered, "_default_source", staticmethod(lambda: "dbt.adapters.duckdb.impl")),
        (Linker, "get_graph_summary", lambda _linker, _manifest: {}),
    ]
    usual = [(owner, name, vars(owner)[name]) for owner, name, _ in shortcuts]
    manager = events.get_event_manager()
    _take(shortcuts)
    events.ctx_set_event_manager(_taciturn())
    try:
        yield
    finally:
        events.ctx_set_event_manager(manager)
        _take(usual)


def _take(ways: list[tuple[Any, str, Any]]) -> None:
    for owner, name, way in ways:
        setattr(owner, name, way)


def _taciturn() -> Any:
    """What passes on all that dbt says, but what only a log of every step would hold."""
    from dbt_common.events.base_types import EventLevel
    from dbt_common.events.event_manager import EventManager

    class Taciturn(EventManager):
        def fire_event(self, e: Any, level: Any = None, *args: Any, **named: Any) -> None:
            if (level or e.level_tag()) != EventLevel.DEBUG:
                super().fire_event(e, level, *args, **named)

    return Taciturn()
