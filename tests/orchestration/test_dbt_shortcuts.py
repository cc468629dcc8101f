"""dbt leaves out what parsing has done before, says what matters, and is then as it was."""

import pytest

from orchestration import dbt_shortcuts


def ways():
    from dbt.compilation import Linker
    from dbt.contracts.graph.nodes import ParsedNode
    from dbt_common.behavior_flags import BehaviorFlagRendered
    from dbt_common.dataclass_schema import dbtClassMixin
    from dbt_common.events.event_manager_client import get_event_manager
    from jinja2 import Environment

    return (
        vars(dbtClassMixin)["validate"],
        vars(BehaviorFlagRendered)["_default_source"],
        vars(Linker)["get_graph_summary"],
        vars(ParsedNode)["write_node"],
        vars(Environment)["compile"],
        get_event_manager(),
    )


def test_shortcuts_end_with_their_block_also_where_it_fails(tmp_path):
    before = ways()
    with dbt_shortcuts.taken(tmp_path):
        assert not set(ways()) & set(before)
    assert ways() == before
    with pytest.raises(ZeroDivisionError), dbt_shortcuts.taken(tmp_path):
        raise ZeroDivisionError
    assert ways() == before


def test_what_went_wrong_is_heard_and_single_steps_are_not(tmp_path):
    from dbt.adapters.events.types import SQLQuery
    from dbt.events.types import RunningOperationCaughtError
    from dbt_common.events.event_manager_client import add_callback_to_manager
    from dbt_common.events.functions import fire_event

    heard = []
    with dbt_shortcuts.taken(tmp_path):
        add_callback_to_manager(lambda message: heard.append(message.info.name))
        fire_event(SQLQuery(conn_name="one", sql="select 1"))
        fire_event(RunningOperationCaughtError(exc="broken"))
    assert heard == ["RunningOperationCaughtError"]


def test_a_template_is_compiled_once_and_each_kind_of_environment_has_its_own(tmp_path):
    from jinja2 import Environment
    from jinja2.nativetypes import NativeEnvironment

    class Unable(Environment):
        def _generate(self, *_arguments, **_named):
            raise AssertionError("it is compiled again")

    Unable.__qualname__ = "Environment"
    text = "{{ 1 + one }}"
    with dbt_shortcuts.taken(tmp_path / "templates"):
        assert Environment().from_string(text).render(one=1) == "2"
        assert NativeEnvironment().from_string(text).render(one=1) == 2
    with dbt_shortcuts.taken(tmp_path / "templates"):
        assert Unable().from_string(text).render(one=2) == "3"
        with pytest.raises(AssertionError, match="again"):
            Unable().from_string(f"{text}!")
