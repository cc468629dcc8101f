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
}


def described(spec: dg.AssetSpec, **metadata: object) -> dg.AssetSpec:
    """Add owner and page to an asset; its page is a file of this project, readable offline."""
    page = dg.MetadataValue.path(str(PROJECT_ROOT / _PAGES[spec.key.path[0]]))
    return spec.merge_attributes(owners=OWNERS, metadata={"page": page, **metadata})


def instant(value: datetime) -> dg.TimestampMetadataValue:
    """A UTC instant without a zone, as Dagster shows it."""
    return dg.MetadataValue.timestamp(value.replace(tzinfo=UTC))
