"""What Auto Pilot knows, for a person: outcomes of each type and market regime, and where each version comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from cluster.autopilot import regime_in_words, table_of
from simulation.autopilot.triggers import TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from simulation.autopilot.knowledge import Knowledge
    from storage.pilot_records import KnowledgeRecord

NOTHING = "Auto Pilot knows nothing of earlier runs yet; `paperdex autopilot learn RUN` adds what a run has taught."


def shown(knowledge: Knowledge, versions: Sequence[KnowledgeRecord]) -> RenderableType:
    """Return a version as it is printed for a person, and below it all versions."""
    if not versions:
        return Text(NOTHING)
    return Group(
        Text(f"Version {knowledge.version}", style="bold"),
        Text(f"Hash {knowledge.hash}", style="dim"),
        _counts(knowledge),
        Text(),
        Text("Versions", style="bold"),
        _versions(versions),
    )


def _counts(knowledge: Knowledge) -> Table:
    table = table_of(("type", "left"), ("market", "left"), ("positive", "right"), ("neutral", "right"),
                     ("negative", "right"), ("confidence", "right"), ("", "left"))  # fmt: skip
    counts, confidence, against = knowledge.table(), knowledge.confidence, knowledge.speaks_against
    for number, kind in enumerate(TYPES):
        for regime, found in enumerate(counts[number]):
            if found.any():
                told = "no longer proposed" if against[number, regime] else ""
                percent = f"{100 * confidence[number, regime]:.0f} %"
                table.add_row(str(kind), regime_in_words(regime), *(f"{count:,}" for count in found), percent, told)
    return table


def _versions(versions: Sequence[KnowledgeRecord]) -> Table:
    table = table_of(("version", "right"), ("made of", "right"), ("outcomes", "right"), ("run", "left"))
    for record in versions:
        table.add_row(str(record.version), str(record.from_version), f"{record.outcomes:,}", str(record.from_run))
    return table
