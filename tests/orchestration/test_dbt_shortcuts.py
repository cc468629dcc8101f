"""dbt leaves out what parsing has done before, says what matters, and is then as it was."""

import pytest

from orchestration import dbt_shortcuts


def ways():
    from dbt.compilation import Linker
    from dbt_common.behavior_flags import BehaviorFlagRendered
    from dbt_common.dataclass_schema import dbtClassMixin
    from dbt_common.events.event_manager_client import get_event_manager

    return (
        vars(dbtClassMixin)["validate"],
        vars(BehaviorFlagRendered)["_default_source"],
        vars(Linker)["get_graph_summary"],
        get_event_manager(),
    )


def test_shortcuts_end_with_their_block_also_where_it_fails():
    before = ways()
    with dbt_shortcuts.taken():
        assert not set(ways()) & set(before)
    assert ways() == before
    with pytest.raises(ZeroDivisionError), dbt_shortcuts.taken():
        raise ZeroDivisionError
    assert ways() == before


def test_what_went_wrong_is_heard_and_single_steps_are_not():
    from dbt.adapters.events.types import SQLQuery
    from dbt.events.types import RunningOperationCaughtError
    from dbt_common.events.event_manager_client import add_callback_to_manager
    from dbt_common.events.functions import fire_event

    heard = []
    with dbt_shortcuts.taken():
        add_callback_to_manager(lambda message: heard.append(message.info.name))
        fire_event(SQLQuery(conn_name="one", sql="select 1"))
        fire_event(RunningOperationCaughtError(exc="broken"))
    assert heard == ["RunningOperationCaughtError"]
