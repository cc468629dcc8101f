"""The standards of the field: each one file that maps its JSON to events and enrollments.

A mapping takes one JSON object, as the standard has it, and returns what it says: `Mapped` (an
event, an enrollment, or which statement is void), `IGNORED`, or `Rejected` with its reason. The
values it picks are judged like those of every other source. A fourth standard is such a file, a
line in `STANDARDS`, and a test; `docs/standards.md` tells users what is mapped to what.
"""

from orchestration.landing.standards import caliper, teachable, xapi
from orchestration.landing.standards.mapping import Standard

STANDARDS = {
    "xapi": Standard(xapi.mapped, xapi.learner, holds="statements"),
    "caliper": Standard(caliper.mapped, caliper.learner, holds="data"),
    "teachable": Standard(teachable.mapped, teachable.learner),
}
"""The standards by name, in the order in which they land, after the other sources."""

__all__ = ["STANDARDS"]
