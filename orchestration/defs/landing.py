"""The landing room: the inbox, a folder each source; files arrive there from outside."""

import dagster as dg

from orchestration.defs.described import described
from orchestration.landing import SOURCES
from orchestration.landing.standards import STANDARDS
from orchestration.settings import load_settings


def inbox_of(table: str) -> list[dg.AssetKey]:
    """The inbox folders whose files land in a raw table; a standard's may hold enrollments too."""
    return [
        dg.AssetKey(["landing", name])
        for name, source in SOURCES.items()
        if source.table == table or (table == "enrollments" and name in STANDARDS)
    ]


def _folder(source: str) -> dg.AssetSpec:
    form = "The standard's own JSON" if source in STANDARDS else "Files"
    spec = dg.AssetSpec(
        ["landing", source],
        group_name="landing",
        kinds={"json" if source in STANDARDS else "file"},
        description=f"{form} dropped into `landing/{source}/`; a refresh takes them from there.",
    )
    return described(spec, folder=dg.MetadataValue.path(str(load_settings().landing / source)))


INBOX = [_folder(source) for source in SOURCES]
"""The folders as assets that Dagster watches but doesn't make."""
