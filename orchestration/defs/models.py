"""Assets of staging, progress and marts: one per dbt model, its tests as checks."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import build_dbt_asset_specs

from orchestration import built, models, refresh
from orchestration.builds import Outcome
from orchestration.built import Table
from orchestration.defs.checks import CONTRACTS, TESTS, promises_kept, tested
from orchestration.defs.dbt import asset_key, nodes, project
from orchestration.defs.described import described
from orchestration.defs.resources import RefreshRun
from orchestration.defs.retries import retried
from orchestration.lineage import lineage
from orchestration.models import DBT_PROJECT, ModelsFailed

_MODELS = {asset_key(node): node for node in nodes.values() if node["resource_type"] == "model"}


def _spec(spec: dg.AssetSpec) -> dg.AssetSpec:
    """A model's asset says what a row of it is; the SQL stands further down.

    Its columns are those of the built table, which know what each is made from.
    """
    node = _MODELS[spec.key]
    told = {name: one for name, one in spec.metadata.items() if name != "dagster/column_schema"}
    return described(
        spec.replace_attributes(description=node["description"].strip(), metadata=told),
        model=dg.MetadataValue.path(str(DBT_PROJECT / node["original_file_path"])),
        sql=dg.MetadataValue.md(f"```sql\n{node['raw_code'].strip()}\n```"),
    )


SPECS = [
    _spec(spec) for spec in build_dbt_asset_specs(manifest=project.manifest_path, project=project)
]


@dg.multi_asset(name="dbt_build", specs=SPECS, check_specs=[*TESTS.values(), *CONTRACTS])
def dbt_models(context: dg.AssetExecutionContext, refresh_run: RefreshRun) -> Iterator[Any]:
    """Build and test every model into a candidate; a failure drops the candidate."""
    settings, started = refresh_run.settings, refresh_run.started
    for warning in refresh_run.record():
        context.log.warning(warning)

    def tell(name: str, done: int, total: int) -> None:
        context.log.info(f"{done} of {total}: {name}")

    with retried(context, settings), refresh.candidate(settings, started) as made:
        failure, candidate = None, made()
        try:
            outcomes = models.build(
                settings,
                as_of=started.as_of,
                candidate=candidate,
                engine=started.engine,
                full_refresh=started.full,
                standing=refresh.take_standing(settings, started),
                progress=tell,
            )
        except ModelsFailed as error:
            outcomes, failure = error.outcomes, error
        tables = built.tables(settings, candidate)
        # Columns are traced through the SQL of the embedded engine only.
        is_traced = failure is None and started.engine == "duckdb"
        sources = lineage(settings, outcomes, tables) if is_traced else {}
        yield from _results(outcomes, tables, sources)
        if failure:
            raise dg.Failure(
                f"{failure}. Nothing is published; readers keep the last good snapshot.",
                allow_retries=False,
            ) from failure
    refresh_run.mark_built()


def _results(
    outcomes: list[Outcome],
    tables: Mapping[tuple[str, str], Table],
    sources: Mapping[str, Mapping[str, list[tuple[str, str, str]]]],
) -> Iterator[Any]:
    for outcome in outcomes:
        node = nodes.get(outcome.unique_id)
        if outcome.unique_id in TESTS:
            yield tested(outcome)
        elif node and node["resource_type"] == "model" and outcome.is_good:
            metadata: dict[str, Any] = {"seconds": outcome.seconds}
            table = tables.get((node["schema"], node["name"]))
            if table:
                metadata |= _shape(node, table, sources.get(outcome.unique_id, {}))
            yield dg.MaterializeResult(asset_key=asset_key(node), metadata=metadata)
    yield from promises_kept(tables, {one.unique_id for one in outcomes if one.is_good})


def _shape(
    node: dict[str, Any], table: Table, sources: Mapping[str, list[tuple[str, str, str]]]
) -> dict[str, Any]:
    columns = [
        dg.TableColumn(
            column.name,
            column.type,
            description=_meaning(node, column.name, sources.get(column.name, [])),
            constraints=dg.TableColumnConstraints(nullable=column.is_nullable),
        )
        for column in table.columns
    ]
    # Dagster keeps the sources of columns, and shows them in its paid edition only.
    deps = {
        name: [dg.TableColumnDep(dg.AssetKey([s, t]), column) for s, t, column in found]
        for name, found in sources.items()
    }
    shape: dict[str, Any] = {
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "dagster/column_lineage": dg.TableColumnLineage(deps),
    }
    return shape if table.rows is None else shape | {"dagster/row_count": table.rows}


def _meaning(node: dict[str, Any], column: str, sources: list[tuple[str, str, str]]) -> str:
    """What a column says, and from which columns it is made."""
    meaning = node["columns"].get(column, {}).get("description", "")
    made_from = ", ".join(f"`{schema}.{table}.{name}`" for schema, table, name in sources)
    return "\n\n".join(filter(None, [meaning, made_from and f"Made from {made_from}."]))
