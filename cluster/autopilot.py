"""The Auto Pilot's story for a person: a timeline of adjustments for each session, and what they taught."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cluster.commanded import became, given
from cluster.facts import counted
from cluster.page_words import plain
from cluster.report_autopilot import against_twin, outcome_of
from simulation.autopilot.conditions import TRENDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from storage.pilot_records import AdjustmentRecord, PilotedSession

KINDS = ("POSITIVE", "NEUTRAL", "NEGATIVE", "UNKNOWN")
NOTHING = "Auto Pilot is off for every session of it."


def shown(sessions: Sequence[PilotedSession]) -> RenderableType:
    """Return what Auto Pilot did to sessions, as it is printed for a person."""
    if not sessions:
        return Text(NOTHING)
    made = [record for session in sessions for record in session.adjustments]
    return Group(*(part for session in sessions for part in _session(session)), *_learned(made))


def regime_in_words(regime: int) -> str:
    """Return a regime by its number (``Conditions.regime``) as words."""
    volatility, rest = divmod(regime, 2 * len(TRENDS))
    trend, gas = divmod(rest, 2)
    return f"{('calm', 'wild')[volatility]}, {TRENDS[trend]}, gas {('cheap', 'dear')[gas]}"


def _session(session: PilotedSession) -> Iterable[RenderableType]:
    yield Text(f"{session.account}: {session.strategy}", style="bold")
    yield Text(f"{counted(len(session.adjustments), 'adjustment')}. {session.why_off}".strip())
    yield Text(f"Session {session.session_id}", style="dim")
    if session.adjustments:
        yield _timeline(session.adjustments)
    for command in session.commands:
        yield Text(f"{given(command)} {became(command)}")
    yield Text()


def _timeline(adjustments: Iterable[AdjustmentRecord]) -> Table:
    table = table_of(("no.", "right"), ("when", "left"), ("block", "right"), ("parameter", "left"), ("change", "right"),
                   ("against twin", "right"), ("outcome", "left"), ("why", "left"), ("id", "left"))  # fmt: skip
    for record in adjustments:
        table.add_row(
            str(record.ordinal),
            f"{record.at:%Y-%m-%d %H:%M}",
            f"{record.block:,}",
            record.parameter.replace("_", " "),
            f"{plain(record.old_value)} \u2192 {plain(record.new_value)}",
            against_twin(record),
            outcome_of(record),
            f"{record.reason} {record.outcome_notes}".strip(),
            str(record.log_id),
        )
    return table


def _learned(made: Sequence[AdjustmentRecord]) -> Iterable[RenderableType]:
    """Yield the outcomes counted by type and regime; nothing where none was judged."""
    counts: dict[tuple[str, int], Counter[str]] = {}
    for record in made:
        if record.outcome in KINDS and record.regime is not None:
            counts.setdefault((record.type, record.regime), Counter())[record.outcome] += 1
    if not counts:
        return
    yield Text("What outcomes taught", style="bold")
    table = table_of(("type", "left"), ("market", "left"), *((kind.lower(), "right") for kind in KINDS))
    for (kind, regime), found in sorted(counts.items()):
        table.add_row(kind, regime_in_words(regime), *(f"{found[outcome]:,}" for outcome in KINDS))
    yield table


def table_of(*columns: tuple[str, str]) -> Table:
    """Return a table without lines with columns of (name, side)."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, side in columns:
        table.add_column(name, justify="right" if side == "right" else "left", overflow="fold")
    return table
