"""The chart of a run report: equity of every account, and below it the drawdown."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from cluster.page_charts import Panel, layout, mark_of, moment
from cluster.page_words import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from storage.pilot_records import AdjustmentRecord

    Curve = Sequence[tuple[datetime, Decimal]]

POINTS_MAX = 1_500
"""Points of one curve in the chart; a longer one is thinned to the extremes of equal stretches."""

UNIFIED_HOVER_MAX = 8
"""Up to so many accounts are told together where the mouse is; more would hide the chart."""

_PERCENT = {"ticksuffix": " %", "tickformat": "~g", "zeroline": True, "zerolinewidth": 1}

PANELS = (
    Panel("Equity, change from start", (0.37, 1.0), {**_PERCENT, "nticks": 6}),
    Panel("Drawdown, below the peak so far", (0.0, 0.27), {**_PERCENT, "nticks": 4}),
)


@dataclass(frozen=True, slots=True)
class Line:
    """An account's curve in percent: equity against the start, and how far it is below its peak."""

    times: tuple[datetime, ...]
    change_percent: tuple[float, ...]
    drawdown_percent: tuple[float, ...]


def line_of(curve: Curve) -> Line:
    """Return the line of a curve of equity in USD, which must begin with the initial balance, above zero."""
    equity_usd = [usd for _, usd in curve]
    peaks_usd = list(accumulate(equity_usd, max))
    start_usd = equity_usd[0]
    points = zip(equity_usd, peaks_usd, strict=True)
    line = Line(
        times=tuple(at for at, _ in curve),
        change_percent=tuple(_percent(usd, start_usd) for usd in equity_usd),
        drawdown_percent=tuple(_percent(usd, peak) for usd, peak in points),
    )
    return _thinned(line)


def figure(lines: Mapping[str, Line], adjustments: Mapping[str, Sequence[AdjustmentRecord]]) -> dict[str, Any]:
    """Return the chart: two traces of each account, one more where Auto Pilot adjusted it.

    ``lines`` are in the order of the leaderboard. The traces of an account share a ``legendgroup``, its place. Names
    are escaped, since plotly reads some HTML in them.
    """
    unified = len(lines) <= UNIFIED_HOVER_MAX
    traces: list[dict[str, Any]] = []
    for place, (name, line) in enumerate(lines.items()):
        traces.append(_equity_curve(place, name, line))
        traces.append(_drawdown_curve(place, name, line, unified=unified))
        if adjustments.get(name):
            traces.append(_marks(place, name, line, adjustments[name]))
    return {"data": traces, "layout": layout(PANELS, unified=unified)}


def _percent(usd: Decimal, base_usd: Decimal) -> float:
    return round(float(100 * (usd - base_usd) / base_usd), 4) if base_usd else 0.0


def _thinned(line: Line) -> Line:
    """Return at most ``POINTS_MAX`` points: ends, and of each stretch its highest, lowest and deepest."""
    count = len(line.times)
    if count <= POINTS_MAX:
        return line
    stretch = -(-count * 3 // (POINTS_MAX - 2))
    kept = {0, count - 1}
    for first in range(0, count, stretch):
        places = range(first, min(first + stretch, count))
        kept |= {
            max(places, key=line.change_percent.__getitem__),
            min(places, key=line.change_percent.__getitem__),
            min(places, key=line.drawdown_percent.__getitem__),
        }
    chosen = sorted(kept)
    return Line(
        times=tuple(line.times[place] for place in chosen),
        change_percent=tuple(line.change_percent[place] for place in chosen),
        drawdown_percent=tuple(line.drawdown_percent[place] for place in chosen),
    )


def _equity_curve(place: int, name: str, line: Line) -> dict[str, Any]:
    told = "%{fullData.name}  <b>%{y:+.2f} %</b>  drawdown %{customdata:.2f} %<extra></extra>"
    return {
        **_curve(place, name, line, width=1.8),
        "y": line.change_percent,
        "yaxis": "y",
        "customdata": line.drawdown_percent,
        "hovertemplate": told,
    }


def _drawdown_curve(place: int, name: str, line: Line, *, unified: bool) -> dict[str, Any]:
    # Told together, the line of the equity curve has named the drawdown already.
    told = (
        {"hoverinfo": "skip"} if unified else {"hovertemplate": "%{fullData.name}  drawdown %{y:.2f} %<extra></extra>"}
    )
    return {**_curve(place, name, line, width=1.2), "y": line.drawdown_percent, "yaxis": "y2", **told}


def _curve(place: int, name: str, line: Line, width: float) -> dict[str, Any]:
    mark = mark_of(place)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escape(name),
        "legendgroup": str(place),
        "x": [moment(at) for at in line.times],
        "line": {"color": mark.colour, "dash": mark.dash, "width": width},
    }


def _marks(place: int, name: str, line: Line, entries: Sequence[AdjustmentRecord]) -> dict[str, Any]:
    """Return a trace that puts a diamond on the account's curve at each adjustment."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": escape(name),
        "legendgroup": str(place),
        "x": [moment(entry.at) for entry in entries],
        "y": [_change_at(line, entry.at) for entry in entries],
        "yaxis": "y",
        "text": [
            escape(f"{entry.parameter} {plain(entry.old_value)} \u2192 {plain(entry.new_value)}") for entry in entries
        ],
        "marker": {"color": mark_of(place).colour, "symbol": "diamond", "size": 7},
        "hovertemplate": "%{fullData.name}  Auto Pilot: %{text}<extra></extra>",
    }


def _change_at(line: Line, at: datetime) -> float:
    """Return the latest value of the curve that was known at a time."""
    return line.change_percent[max(bisect_right(line.times, at) - 1, 0)]
