"""Dashboards: from rows of tiles to a page as Superset imports it, with filters that reach."""

from typing import Any

from bi.charts import says
from bi.datasets import Dataset

ROW_GAP = "BACKGROUND_TRANSPARENT"

# name: heading, dataset, column, kind of filter, what a tile must have to be reached.
FILTERS: dict[str, dict[str, Any]] = {
    "course": {"name": "Course", "dataset": "course_completion", "column": "course_title"},
    "one_course": {
        "name": "Course",
        "dataset": "lesson_drop_off",
        "column": "course_title",
        "one": True,
        "first_by": "drop_off_rate",
    },
    "one_learner": {
        "name": "Learner",
        "dataset": "course_progress",
        "column": "learner_id",
        "one": True,
    },
    "cohort": {"name": "Cohort", "dataset": "enrollment_cohorts", "column": "cohort"},
    "activity_date": {"name": "Date of activity", "date": True},
    "cohort_month": {"name": "Date of enrollment", "date": True},
    "due_date": {"name": "Deadline", "date": True},
    "completed_date": {"name": "Date of completion", "date": True},
}

STYLE = """
.dashboard-component-chart-holder, .dashboard-markdown { border-radius: 10px; }
.grid-column .dashboard-markdown, .grid-column .dashboard-markdown .dashboard-component {
  background: transparent; padding: 0 4px; font-size: 12px; line-height: 1.35; color: #5b6770; }
.grid-column > .dragdroppable + .dragdroppable, .grid-column > div + div { margin-top: -10px; }
@media (max-width: 700px) {
  .header-with-actions .title-panel { flex: 1 1 auto; min-width: 0; }
  .header-with-actions [data-test="metadata-bar"], .header-with-actions .fave-unfave-icon,
  .header-with-actions [aria-describedby="published-dashboard-tooltip"],
  [data-test="edit-dashboard-button"], .header-controls .filter-counts { display: none; }
  .dashboard, .dashboard-content { max-width: 100vw; overflow-x: clip; }
  .grid-container { width: calc(200vw - 48px); min-width: calc(200vw - 48px); }
  .grid-row { flex-wrap: wrap; width: calc(100vw - 8px) !important; row-gap: 16px; }
  .grid-row .resizable-container { max-width: calc(100vw - 32px) !important; }
  .grid-row .resizable-container:has(> .dashboard-markdown),
  .grid-row .dashboard-markdown, .grid-row .dashboard-markdown * {
    height: auto !important; max-height: none !important; overflow: visible !important; }
  .grid-row .dashboard-chart, .grid-row .slice_container { overflow-x: auto !important; }
}
"""
CAPTION_HEIGHTS = {12: 5, 6: 6, 3: 8}


def dashboard_asset(
    page: dict[str, Any], datasets: dict[str, Dataset], uuids: dict[str, str]
) -> dict[str, Any]:
    """One dashboard: a sentence on top, rows of twelve columns, a filter bar across.

    `uuids` has an id for the page's slug, for each tile's `slug/title`, for each dataset's name.
    """
    tiles = [tile for row in page["rows"] for tile in row["tiles"]]
    ids = {tile["title"]: number for number, tile in enumerate(tiles, start=1)}
    return {
        "dashboard_title": page["title"],
        "description": page["about"],
        "slug": page["slug"],
        "uuid": uuids[page["slug"]],
        "css": STYLE,
        "published": True,
        "position": _position(page, ids, datasets, uuids),
        "metadata": {
            "color_scheme": "learnerProgress",
            "cross_filters_enabled": False,
            "refresh_frequency": 0,
            "filter_bar_orientation": "HORIZONTAL",
            "native_filter_configuration": [
                _filter(name, page, tiles, ids, datasets, uuids) for name in page["filters"]
            ],
        },
        "version": "1.0.0",
    }


def _position(
    page: dict[str, Any],
    ids: dict[str, int],
    datasets: dict[str, Dataset],
    uuids: dict[str, str],
) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    _text_row(rows, page["about"])
    for number, row in enumerate(page["rows"], start=1):
        name = f"ROW-{number}"
        parents = ["ROOT_ID", "GRID_ID", name]
        rows[name] = _box(name, "ROW", parents[:-1], {"background": ROW_GAP})
        for tile in row["tiles"]:
            above = f"COLUMN-{ids[tile['title']]}"
            rows[name]["children"].append(above)
            meta = {"background": ROW_GAP, "width": tile["width"]}
            rows[above] = _box(above, "COLUMN", parents, meta)
            chart = f"CHART-{ids[tile['title']]}"
            meta = {
                "width": tile["width"],
                "height": row["height"],
                "chartId": ids[tile["title"]],
                "sliceName": tile["title"],
                "uuid": uuids[f"{page['slug']}/{tile['title']}"],
            }
            rows[chart] = _box(chart, "CHART", [*parents, above], meta)
            rows[above]["children"].append(chart)
            caption = f"MARKDOWN-{ids[tile['title']]}"
            meta = {
                "width": tile["width"],
                "height": CAPTION_HEIGHTS[tile["width"]],
                "code": says(tile, datasets[tile["dataset"]]),
            }
            rows[caption] = _box(caption, "MARKDOWN", [*parents, above], meta)
            rows[above]["children"].append(caption)
    grid = _box("GRID_ID", "GRID", ["ROOT_ID"], {})
    grid["children"] = [name for name, box in rows.items() if box["type"] == "ROW"]
    root = _box("ROOT_ID", "ROOT", [], {})
    root["children"] = ["GRID_ID"]
    return {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": root,
        "GRID_ID": grid,
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": page["title"]}},
        **rows,
    }


def _text_row(rows: dict[str, Any], text: str) -> None:
    rows["ROW-0"] = _box("ROW-0", "ROW", ["ROOT_ID", "GRID_ID"], {"background": ROW_GAP})
    rows["ROW-0"]["children"] = ["MARKDOWN-0"]
    meta = {"width": 12, "height": 7, "code": text}
    rows["MARKDOWN-0"] = _box("MARKDOWN-0", "MARKDOWN", ["ROOT_ID", "GRID_ID", "ROW-0"], meta)


def _box(name: str, kind: str, parents: list[str], meta: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "type": kind, "parents": parents, "children": [], "meta": meta}


def _filter(
    name: str,
    page: dict[str, Any],
    tiles: list[dict[str, Any]],
    ids: dict[str, int],
    datasets: dict[str, Dataset],
    uuids: dict[str, str],
) -> dict[str, Any]:
    asked = FILTERS[name]
    is_date = asked.get("date", False)
    is_one = asked.get("one", False)
    target = (
        {}
        if is_date
        else {"column": {"name": asked["column"]}, "datasetUuid": uuids[asked["dataset"]]}
    )
    controls = {
        "enableEmptyFilter": is_one,
        "defaultToFirstItem": is_one,
        "multiSelect": not is_one,
        "searchAllOptions": True,
        "inverseSelection": False,
        "sortAscending": "first_by" not in asked,
    }
    if "first_by" in asked:
        controls["sortMetric"] = asked["first_by"]
    reached = [tile for tile in tiles if _reaches(asked, tile, datasets[tile["dataset"]])]
    return {
        "id": f"NATIVE_FILTER-{page['slug']}-{name}",
        "name": asked["name"],
        "type": "NATIVE_FILTER",
        "filterType": "filter_time" if is_date else "filter_select",
        "targets": [target],
        "controlValues": {} if is_date else controls,
        "defaultDataMask": {"extraFormData": {}, "filterState": {}},
        "requiredFirst": is_one,
        "cascadeParentIds": [],
        "scope": {
            "rootPath": ["ROOT_ID"],
            "excluded": [ids[tile["title"]] for tile in tiles if tile not in reached],
        },
        "description": "Reaches: " + ", ".join(tile["title"] for tile in reached) + ".",
    }


def _reaches(asked: dict[str, Any], tile: dict[str, Any], dataset: Dataset) -> bool:
    if asked.get("date"):
        return "date" in tile
    return asked["column"] in dataset.columns and not tile.get("every_course", False)
