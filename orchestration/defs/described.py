"""What every asset of the graph says of itself: who keeps it, and where to read about it."""

from datetime import UTC, datetime

import dagster as dg

from orchestration.settings import PROJECT_ROOT

OWNERS = ["team:data"]

_PAGES = {
    "landing": "docs/standards.md",
    "raw": "docs/reasons.md",
    "staging": "README.md",
    "progress": "docs/definitions.md",
    "marts": "docs/definitions.md",
    "published": "docs/operating.md",
    "readers": "README.md",
    "as_of": "docs/time-travel.md",
}


def described(spec: dg.AssetSpec, **metadata: object) -> dg.AssetSpec:
    """Add owner and page to an asset; its page is a file of this project, readable offline."""
    return spec.merge_attributes(
        owners=OWNERS, metadata={"page": page_of(spec.key.path[0]), **metadata}
    )


def page_of(room: str) -> dg.PathMetadataValue:
    """The page about a room's assets, as Dagster shows it."""
    return dg.MetadataValue.path(str(PROJECT_ROOT / _PAGES[room]))


def instant(value: datetime) -> dg.TimestampMetadataValue:
    """A UTC instant without a zone, as Dagster shows it."""
    return dg.MetadataValue.timestamp(value.replace(tzinfo=UTC))
