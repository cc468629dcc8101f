"""The landing room: files in, every line accounted for, what was wrong kept with its reason."""

from orchestration.landing.archive import ArchiveMismatch, Limits
from orchestration.landing.deliveries import PathNotFound, UnknownSource, waiting
from orchestration.landing.rejection import REASONS, rejected_counts, rejected_lines
from orchestration.landing.replay import replay
from orchestration.landing.room import LandedFile, LandingFailed, land
from orchestration.landing.sources import SOURCES

__all__ = [
    "REASONS",
    "SOURCES",
    "ArchiveMismatch",
    "LandedFile",
    "LandingFailed",
    "Limits",
    "PathNotFound",
    "UnknownSource",
    "land",
    "rejected_counts",
    "rejected_lines",
    "replay",
    "waiting",
]
