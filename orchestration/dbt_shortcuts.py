"""What dbt leaves out where the project has been parsed before: checks made then, and diagnoses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def runner() -> Any:
    """The class by which Python calls dbt, imported in four fifths of the time.

    dbt's classes are told how to become dictionaries, and back, when one first does, instead of
    all of them at once.
    """
    from mashumaro.config import BaseConfig

    BaseConfig.lazy_compilation = True
    from dbt.cli.main import dbtRunner

    return dbtRunner


@contextmanager
def taken(templates: Path) -> Iterator[None]:
    """For the length of the block, let dbt run the parsed project without what parsing did.

    The project's and the profile's files are not held to the schemas of their classes again, which
    dbt makes anew in each process; what it would tell of each step is not composed where nobody
    hears it; the graph's summary for those who mend dbt is empty. Templates are compiled once for
    all commands, and what they give is not written to files, which nobody reads.

    Args:
        templates: the folder that keeps compiled templates; it is made if it isn't there.
    """
    from dbt.compilation import Linker
    from dbt.contracts.graph.nodes import ParsedNode
    from dbt_common.behavior_flags import BehaviorFlagRendered
    from dbt_common.dataclass_schema import dbtClassMixin
    from dbt_common.events import event_manager_client as events
    from jinja2 import Environment

    shortcuts = [
        (dbtClassMixin, "validate", classmethod(lambda _class, _data: None)),
        # Whom a flag without a source belongs to, dbt finds out from the source text of the stack.
        (BehaviorFlagRendered, "_default_source", staticmethod(lambda: "dbt.adapters.duckdb.impl")),
        (Linker, "get_graph_summary", lambda _linker, _manifest: {}),
        (ParsedNode, "write_node", lambda _node, _root, _path, _sql: None),
        (Environment, "compile", _kept_in(templates, Environment.compile)),
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


def _kept_in(folder: Path, compile_anew: Callable[..., Any]) -> Callable[..., Any]:
    """Jinja's way to compile a template, that keeps in a folder what it gives of texts."""
    from jinja2 import FileSystemBytecodeCache

    folder.mkdir(parents=True, exist_ok=True)
    cache = FileSystemBytecodeCache(str(folder))

    def compiled(environment: Any, source: Any, *named: Any, **options: Any) -> Any:
        if named or options or not isinstance(source, str):
            return compile_anew(environment, source, *named, **options)
        # Each kind of environment reads the same text in its own way.
        name = f"{type(environment).__qualname__} {source}"
        bucket = cache.get_bucket(environment, name, None, source)
        if bucket.code is None:
            bucket.code = compile_anew(environment, source)
            # It can be compiled again.
            with suppress(OSError):
                cache.set_bucket(bucket)
        return bucket.code

    return compiled


def _taciturn() -> Any:
    """What passes on all that dbt says, but what only a log of every step would hold."""
    from dbt_common.events.base_types import EventLevel
    from dbt_common.events.event_manager import EventManager

    class Taciturn(EventManager):
        def fire_event(self, e: Any, level: Any = None, *args: Any, **named: Any) -> None:
            if (level or e.level_tag()) != EventLevel.DEBUG:
                super().fire_event(e, level, *args, **named)

    return Taciturn()
