"""What to plan with, computed from the largest world that was measured."""

from bench.goals import Results, middle, sizes

EVENTS_A_LEARNER = 107


def planning(results: Results) -> str:
    """The section of the document; empty where a full refresh wasn't measured."""
    if not results.get("full") or not results.get("bytes"):
        return ""
    size = sizes(results["full"])[-1]
    millions = int(size) / 1e6
    full = results["full"][size]["refresh"]
    processor, peak = middle(full, "processor"), middle(full, "peak") / 1000
    each = processor / millions
    raw = results["bytes"].get(size, {"all": 0})["all"]
    growth = results.get("growth", {}).get(size)
    snapshot = growth[0]["snapshot"] / millions if growth else 0
    warehouse = growth[0]["warehouse"] / millions if growth else 0
    day = 1e9 / 730 / 1e6
    lines = [
        f"- **Time**: a full refresh takes {each:.1f} s of processor time a million events, about"
        f" {each / 2:.1f} s on two cores; {each * EVENTS_A_LEARNER / 1e3:.2f} ms a learner of"
        f" {EVENTS_A_LEARNER} events.",
        f"- **Disk**: {raw:.0f} bytes an event in raw, {warehouse:.0f} in the warehouse with its"
        f" steps, {snapshot:.0f} in each snapshot kept; a learner of {EVENTS_A_LEARNER} events"
        f" {(warehouse + snapshot) * EVENTS_A_LEARNER / 1e3:.1f} kB. The archive of landed files"
        " and free space for one more snapshot come on top.",
        f"- **Memory**: {peak:.1f} GB at {millions:.0f} million events with the default limit of"
        " the engine; beyond it the engine writes to disk, it does not fail.",
        f"- **A billion events**, by the same rates: a full refresh takes about"
        f" {each * 1000 / 3600:.1f} h of processor time ({each * 1000 / 16 / 60:.0f} minutes on 16"
        f" cores), the warehouse {warehouse:.0f} GB, a snapshot {snapshot:.0f} GB; a day brings"
        f" about {day:.1f} million events.",
        "- **A cluster pays** when a full refresh no longer fits into the time that it may take,"
        " on the largest machine at hand: above some billions of events. Below, what a refresh"
        " costs follows the new events, and one machine is the simpler choice.",
    ]
    return "## Planning\nReckoned from the figures above, not measured:\n" + "\n".join(lines)
