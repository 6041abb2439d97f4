"""What a report tells of Auto Pilot: each adjustment and what came of it, and sessions beside their twins."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from cluster import page_words as words
from cluster.page import chart, coloured, legend, table
from cluster.page_charts import Panel, layout, mark_of, moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from decimal import Decimal

    from storage.pilot_records import AdjustmentRecord, PilotedSession

ADJUSTMENTS_MAX = 300
"""Adjustments in the table; the latest, when there were more."""

DRAWN_MAX = 10
"""Sessions in the chart; those with the most adjustments, when there are more."""

CHART = "autopilot"

_PANEL = Panel(
    "Equity with the adjustments, change from the first mark; dotted: the twin without the latest one",
    (0.0, 1.0),
    {"ticksuffix": " %", "tickformat": "~g", "zeroline": True, "zerolinewidth": 1, "nticks": 6},
)


def most_adjusted(sessions: Sequence[PilotedSession]) -> list[PilotedSession]:
    """Return the sessions that the chart shows, in the order of the scenario."""
    adjusted = [session for session in sessions if session.adjustments and session.curve]
    most = sorted(adjusted, key=lambda session: -len(session.adjustments))[:DRAWN_MAX]
    return [session for session in adjusted if session in most]


def autopilot_chart(sessions: Sequence[PilotedSession]) -> dict[str, Any]:
    """Return the chart of these sessions: three traces each, its equity, its twins' and its adjustments."""
    traces = [trace for place, session in enumerate(sessions) for trace in _traces(place, session)]
    return {"data": traces, "layout": layout((_PANEL,), unified=False)}


def autopilot_section(adjustments: Sequence[AdjustmentRecord], sessions: Sequence[PilotedSession]) -> str:
    """Return the table of adjustments, the place of the chart, and a warning where Auto Pilot switched itself off."""
    off = "".join(
        f'<p class="warning"><bdi>{escape(session.account)}</bdi>: {escape(session.why_off)}</p>'
        for session in sessions
        if session.why_off
    )
    if not adjustments:
        return (
            f'<section><h2>Auto Pilot</h2><p class="note">Auto Pilot changed nothing in this run.</p>{off}</section>\n'
        )
    listed = adjustments[-ADJUSTMENTS_MAX:]
    headings = (("Time", ""), ("Account", ""), ("No.", "number"), ("Parameter", ""), ("Change", "number"),
                ("Reason", "reason"), ("Against twin", "number"), ("Outcome", ""))  # fmt: skip
    rows = "".join(_row(record) for record in listed)
    note = f'<p class="note">{_note(adjustments, listed, sessions)}</p>'
    return (
        f"<section><h2>Auto Pilot</h2>{note}{off}{_place(sessions)}{table(headings, rows, 'scroll tall')}</section>\n"
    )


def outcome_of(record: AdjustmentRecord) -> str:
    """Return what came of an adjustment, in a word or two."""
    if record.reverses is not None:
        return f"undoes no. {record.reverses}"
    return "not judged" if record.outcome == "PENDING" else record.outcome


def against_twin(record: AdjustmentRecord) -> str:
    """Return the mean difference of returns a period, session minus twin; nothing where none was taken."""
    return "" if record.mean_difference_bp is None else f"{record.mean_difference_bp:+.2f} bp"


def _note(
    adjustments: Sequence[AdjustmentRecord], listed: Sequence[AdjustmentRecord], sessions: Sequence[PilotedSession]
) -> str:
    accounts = len({record.account for record in adjustments})
    note = f"{words.count(len(adjustments), 'adjustment')} of {words.count(accounts, 'account')}."
    if len(listed) < len(adjustments):
        note += f" Listed are the latest {len(listed):,}."
    adjusted = sum(bool(session.adjustments) for session in sessions)
    if adjusted > DRAWN_MAX:
        note += f" Drawn are the {DRAWN_MAX} sessions with the most."
    return note + (
        " Each is judged against a twin: the same session on the same blocks without it. The difference is that of "
        "their mean returns a review period."
    )


def _place(sessions: Sequence[PilotedSession]) -> str:
    shown = most_adjusted(sessions)
    if not shown:
        return ""
    names = ((place, f"{session.account}: {session.strategy}") for place, session in enumerate(shown))
    told = "Equity of each adjusted session and of its twins over time, with marks where parameters changed"
    return legend(CHART, names, "Sessions shown") + chart(CHART, told, "small")


def _row(record: AdjustmentRecord) -> str:
    difference = against_twin(record).replace("-", "\u2212")
    if record.mean_difference_bp is not None:
        difference = coloured(difference, record.mean_difference_bp)
    cells = (
        ("when", words.clock(record.at)),
        ("account", f"<bdi>{escape(record.account)}</bdi>"),
        ("number", str(record.ordinal)),
        ("parameter", escape(record.parameter.replace("_", " "))),
        ("number", f"{words.plain(record.old_value)} \u2192 {words.plain(record.new_value)}"),
        ("reason", escape(record.reason)),
        ("number", difference),
        ("", f'<span title="{escape(record.outcome_notes)}">{escape(outcome_of(record))}</span>'),
    )
    return "<tr>" + "".join(f'<td class="{css}">{text}</td>' for css, text in cells) + "</tr>"


def _traces(place: int, session: PilotedSession) -> Iterator[dict[str, Any]]:
    start_usd = session.curve[0][1]
    equity = [(at, _percent(usd, start_usd)) for at, usd, _ in session.curve]
    name = escape(f"{session.account}: {session.strategy}")
    yield {
        **_line(place, name, equity, "solid"),
        "hovertemplate": "%{fullData.name}  <b>%{y:+.2f} %</b><extra></extra>",
    }
    twins = [(at, None if usd is None else _percent(usd, start_usd)) for at, usd in _of_twins(session)]
    yield {**_line(place, name, twins, "dot"), "hovertemplate": "twin of %{fullData.name}  %{y:+.2f} %<extra></extra>"}
    known = dict(equity)
    marked = [record for record in session.adjustments if record.at in known]
    yield {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "legendgroup": str(place),
        "x": [moment(record.at) for record in marked],
        "y": [known[record.at] for record in marked],
        "text": [escape(_told(record)) for record in marked],
        "marker": {"color": mark_of(place).colour, "symbol": "diamond", "size": 7},
        "hovertemplate": "%{fullData.name}  no. %{text}<extra></extra>",
    }


def _of_twins(session: PilotedSession) -> Iterator[tuple[datetime, Decimal | None]]:
    """Yield the equity of one twin after another; each sets out from its session, and a gap stands between two."""
    begun = {record.at for record in session.adjustments if record.reverses is None}
    for at, equity_usd, twin_usd in session.curve:
        if twin_usd is not None:
            yield at, twin_usd
        if at in begun:
            yield at, None
            yield at, equity_usd
        elif twin_usd is None:
            yield at, None


def _line(place: int, name: str, points: Sequence[tuple[datetime, float | None]], dash: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "legendgroup": str(place),
        "x": [moment(at) for at, _ in points],
        "y": [value for _, value in points],
        "line": {"color": mark_of(place).colour, "dash": dash, "width": 1.6 if dash == "solid" else 1.2},
    }


def _told(record: AdjustmentRecord) -> str:
    change = f"{words.plain(record.old_value)} \u2192 {words.plain(record.new_value)}"
    return f"{record.ordinal}: {record.parameter.replace('_', ' ')} {change}, {outcome_of(record)}"


def _percent(usd: Decimal, start_usd: Decimal) -> float:
    return round(float(100 * (usd - start_usd) / start_usd), 4) if start_usd else 0.0
