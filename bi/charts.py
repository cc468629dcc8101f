"""Tiles: from a line of a dashboard's description to a chart as Superset imports it."""

from typing import Any

from bi.datasets import Dataset, UnknownName, number_format

COLORS = "learnerProgress"
TIMES = "%Y-%m-%d %H:%M"
KINDS = {
    "number": "big_number_total",
    "table": "table",
    "bars": "echarts_timeseries_bar",
    "lines": "echarts_timeseries_line",
}


def chart_asset(
    tile: dict[str, Any], dataset: Dataset, uuid: str, dataset_uuid: str
) -> dict[str, Any]:
    """One chart; its description is the measure, what an empty value means, and the table.

    Raises:
        UnknownName: the tile names a column or a measure that its dataset doesn't have.
    """
    kind = next(kind for kind in KINDS if kind in tile)
    for name in names_of(tile):
        if name not in dataset.columns and name not in dataset.metrics:
            raise UnknownName(f"Tile {tile['title']!r}: {dataset.name} has no {name!r}.")
    params = {
        "datasource": "0__table",
        "viz_type": KINDS[kind],
        "adhoc_filters": [*_where(tile), *_date(tile)],
        "color_scheme": COLORS,
        "extra_form_data": {},
        **{"number": _number, "table": _table, "bars": _bars, "lines": _lines}[kind](tile, dataset),
    }
    return {
        "slice_name": tile["title"],
        "description": says(tile, dataset),
        "viz_type": KINDS[kind],
        "params": params,
        "query_context": None,
        "cache_timeout": None,
        "uuid": uuid,
        "dataset_uuid": dataset_uuid,
        "version": "1.0.0",
    }


def names_of(tile: dict[str, Any]) -> list[str]:
    """Every column and measure that a tile names."""
    kind = next(kind for kind in KINDS if kind in tile)
    named = tile[kind]
    names = [named] if isinstance(named, str) else list(named)
    names += [tile[key] for key in ("x", "by", "sort", "date") if key in tile]
    return names


def says(tile: dict[str, Any], dataset: Dataset) -> str:
    """What is measured, what an empty value means, and the table that is read."""
    return f"{tile['says']} Empty: {tile['empty']} Reads {dataset.schema}.{dataset.name}."


def _where(tile: dict[str, Any]) -> list[dict[str, Any]]:
    if "where" not in tile:
        return []
    return [{"clause": "WHERE", "expressionType": "SQL", "sqlExpression": tile["where"]}]


def _date(tile: dict[str, Any]) -> list[dict[str, Any]]:
    if "date" not in tile:
        return []
    return [
        {
            "clause": "WHERE",
            "expressionType": "SIMPLE",
            "operator": "TEMPORAL_RANGE",
            "subject": tile["date"],
            "comparator": "No filter",
        }
    ]


def _number(tile: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    metric = tile["number"]
    written = number_format(dataset.metrics[metric].get("of", metric))
    return {
        "metric": metric,
        "header_font_size": 0.5,
        "y_axis_format": written or "SMART_NUMBER",
        "time_format": TIMES,
        "force_timestamp_formatting": written is None,
    }


def _table(tile: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    columns = tile["table"]
    rows = tile.get("rows", 20)
    return {
        "query_mode": "raw",
        "all_columns": columns,
        "order_by_cols": [f'["{name}", {str(up).lower()}]' for name, up in _order(tile)],
        "column_config": {name: _column(name, dataset) for name in columns},
        "table_timestamp_format": TIMES,
        "row_limit": tile.get("limit", 1000),
        "page_length": rows,
        "include_search": tile.get("search", False),
        "show_cell_bars": tile.get("cell_bars", False),
        "color_pn": False,
        "allow_render_html": False,
        "temporal_columns_lookup": {},
    }


def _order(tile: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(name.lstrip("-"), not name.startswith("-")) for name in tile.get("order", [])]


def _column(name: str, dataset: Dataset) -> dict[str, Any]:
    kind = dataset.columns[name]["type"]
    config: dict[str, Any] = {}
    if kind in ("DOUBLE", "BIGINT"):
        config["d3NumberFormat"] = number_format(name)
    if kind == "DATE":
        config["d3TimeFormat"] = "%Y-%m-%d"
    return config


def _series(tile: dict[str, Any], dataset: Dataset, metrics: list[str]) -> dict[str, Any]:
    written = number_format(dataset.metrics[metrics[0]].get("of", metrics[0]))
    if written in (None, ",d"):
        # An axis also has marks between small counts.
        written = ",.1~f"
    is_time = dataset.columns[tile["x"]]["type"].lower() in ("timestamp", "date")
    return {
        "x_axis": tile["x"],
        "metrics": metrics,
        "groupby": [tile["by"]] if "by" in tile else [],
        "time_grain_sqla": tile.get("grain") if is_time else None,
        "row_limit": 10_000,
        "limit": 0,
        "truncate_metric": True,
        "show_empty_columns": True,
        "sort_series_type": "name",
        "sort_series_ascending": True,
        "y_axis_format": written,
        "tooltipTimeFormat": "%Y-%m-%d",
        "x_axis_time_format": "%d %b %Y" if tile.get("grain") != "P1M" else "%b %Y",
        "x_axis_title": tile.get("x_title", ""),
        "x_axis_title_margin": 30 if "x_title" in tile else 0,
        "y_axis_title": tile.get("y_title", ""),
        "y_axis_title_margin": 40 if "y_title" in tile else 0,
        "y_axis_title_position": "Left",
        "show_legend": "by" in tile or len(metrics) > 1,
        "legendOrientation": "top",
        "legendType": "scroll",
        "rich_tooltip": True,
        "showTooltipTotal": False,
        "truncateXAxis": False,
        "truncateYAxis": False,
        "y_axis_bounds": tile.get("bounds", [None, None]),
        "rolling_type": None,
        "comparison_type": "values",
    }


def _bars(tile: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    across = tile.get("across", True)
    sort = tile.get("sort", tile["x"])
    return {
        **_series(tile, dataset, tile["bars"]),
        "orientation": "horizontal" if across else "vertical",
        "x_axis_sort": sort,
        "x_axis_sort_asc": tile.get("up", True),
        "xAxisForceCategorical": tile.get("categories", True),
        "stack": "Stack" if tile.get("stack") else None,
        "show_value": not tile.get("stack", False),
        "only_total": False,
    }


def _lines(tile: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    return {
        **_series(tile, dataset, tile["lines"]),
        "seriesType": "end" if tile.get("steps") else "line",
        "markerEnabled": tile.get("marks", False),
        "markerSize": 5,
        "xAxisForceCategorical": False,
        "connectNulls": True,
    }
