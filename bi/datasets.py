"""The datasets of the dashboards: columns from the dbt manifest, measures from datasets.yml."""

from dataclasses import dataclass
from typing import Any

import duckdb

DATETIMES = {"timestamp", "date"}
_TITLES = {
    "joined": "course_completion.course_title",
    "or_id": "coalesce(course_completion.course_title, {table}.course_id)",
}
_TITLE_SAYS = "The course's title, from the row that landed last."


class UnknownName(Exception):
    """The description speaks of a table or column that the models don't have."""


@dataclass(frozen=True)
class Dataset:
    """One table that tiles read: its columns by name, as the manifest describes them."""

    name: str
    schema: str
    columns: dict[str, dict[str, Any]]
    description: str
    asked: dict[str, Any]

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """The measures by name: sql, and either `of` (a column) or `says`."""
        return dict(self.asked["metrics"])

    @property
    def sql(self) -> str | None:
        """The query that adds titles to the table; None where the table is read as it is."""
        if "sql" in self.asked:
            return str(self.asked["sql"]).strip()
        extra = {name: column["sql"] for name, column in self.asked.get("joined", {}).items()}
        title = self.asked.get("title")
        if title:
            extra["course_title"] = _TITLES[title].format(table=self.name)
        if not extra:
            return None
        added = "".join(f",\n    {sql} as {name}" for name, sql in extra.items())
        join = (
            f"\nleft join marts.course_completion"
            f"\n    on {self.name}.course_id = course_completion.course_id"
            if title
            else ""
        )
        return f"select\n    {self.name}.*{added}\nfrom {self.schema}.{self.name}{join}"

    def label(self, name: str) -> str:
        """What people read above a column or a measure."""
        asked = self.metrics.get(name, {}).get("label")
        return str(asked or name.removesuffix("_at").replace("_", " ").capitalize())

    def says(self, name: str) -> str:
        """The meaning of a column or a measure, in the models' own words."""
        metric = self.metrics.get(name)
        if metric and "says" in metric:
            return str(metric["says"])
        column = metric["of"] if metric else name
        return str(self.columns[column]["description"])


def read_datasets(asked: dict[str, Any], manifest: dict[str, Any]) -> dict[str, Dataset]:
    """Join what datasets.yml asks with what the manifest knows, and prove that it all binds.

    Raises:
        UnknownName: a table, or a column that a measure names, is not in the models.
    """
    models = {
        node["name"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in ("progress", "marts")
    }
    unknown = sorted(set(asked) - set(models))
    if unknown:
        raise UnknownName(f"datasets.yml names {', '.join(unknown)}: there is no such model.")
    datasets = {name: _dataset(models[name], wanted) for name, wanted in asked.items()}
    _bind(datasets.values(), models)
    return datasets


def _dataset(model: dict[str, Any], asked: dict[str, Any]) -> Dataset:
    columns = {
        name: {"type": column["data_type"].upper(), "description": column["description"]}
        for name, column in model["columns"].items()
    }
    for name, column in asked.get("joined", {}).items():
        columns[name] = {"type": column["type"], "description": column["says"]}
    for name, column in asked.get("computed", {}).items():
        columns[name] = {
            "type": column["type"],
            "description": column["says"],
            "expression": column["sql"],
        }
    if asked.get("title"):
        columns["course_title"] = {"type": "VARCHAR", "description": _TITLE_SAYS}
    return Dataset(model["name"], model["schema"], columns, model["description"], asked)


def _bind(datasets: Any, models: dict[str, Any]) -> None:
    """Ask every measure of empty tables with the models' columns: the engine knows each name."""
    with duckdb.connect() as connection:
        connection.execute("create schema progress; create schema marts")
        for model in models.values():
            columns = ", ".join(f"{n} {c['data_type']}" for n, c in model["columns"].items())
            if columns:
                connection.execute(f"create table {model['schema']}.{model['name']} ({columns})")
        for dataset in datasets:
            source = dataset.sql or f"select * from {dataset.schema}.{dataset.name}"
            computed = "".join(
                f", {column['expression']} as {name}"
                for name, column in dataset.columns.items()
                if "expression" in column
            )
            measures = ", ".join(metric["sql"] for metric in dataset.metrics.values())
            try:
                connection.execute(f"select {measures} from (select *{computed} from ({source}))")
                for name in dataset.metrics:
                    dataset.says(name)
            except (duckdb.Error, KeyError) as error:
                raise UnknownName(f"Dataset {dataset.name} in datasets.yml: {error}") from error


def dataset_asset(dataset: Dataset, uuid: str, database_uuid: str) -> dict[str, Any]:
    """The dataset as Superset imports it."""
    return {
        "table_name": dataset.name,
        "schema": dataset.schema,
        "catalog": None,
        "sql": dataset.sql,
        "main_dttm_col": dataset.asked.get("time"),
        "description": dataset.description,
        "cache_timeout": None,
        "filter_select_enabled": True,
        "uuid": uuid,
        "database_uuid": database_uuid,
        "columns": [
            {
                "column_name": name,
                "verbose_name": dataset.label(name),
                "type": column["type"],
                "is_dttm": column["type"].lower() in DATETIMES,
                "is_active": True,
                "groupby": True,
                "filterable": True,
                "expression": column.get("expression"),
                "description": column["description"],
            }
            for name, column in dataset.columns.items()
        ],
        "metrics": [
            {
                "metric_name": name,
                "verbose_name": dataset.label(name),
                "expression": metric["sql"],
                "description": dataset.says(name),
                "d3format": number_format(metric.get("of", name)),
            }
            for name, metric in dataset.metrics.items()
        ],
        "version": "1.0.0",
    }


def number_format(column: str) -> str | None:
    """How a figure is written, by its unit: per cent, a decimal, or thousands."""
    if column.endswith(("_rate", "_share")):
        return ".1%"
    if column.endswith(("_days", "_percentage", "_overdue")):
        return ",.1f"
    return None if column.endswith(("_at", "as_of")) else ",d"
