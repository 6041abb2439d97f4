"""The charts of a sweep's report, as plain plotly JSON."""

from __future__ import annotations

import math
from html import escape
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from cluster.page_charts import COLOURS, FRAME, Panel, layout, mark_of, moment
from cluster.page_words import significant
from cluster.sweeping import wording
from cluster.sweeping.axes import medians_by_cell
from cluster.sweeping.survey import across_markets, signs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cluster.sweeping.axes import Axis
    from cluster.sweeping.equity import Curve
    from cluster.sweeping.report import SweepReport

PAIRED_FIELDS = 4
"""Fields that are paired in heatmaps, the most important ones: six pairs."""

LINES_MAX, BEST_LINES = 160, 40
"""Lines of the parallel coordinates, and how many of them are the best points; the others are evenly spread below."""

AXES_MAX = 10
"""Fields among the parallel coordinates, the most important ones."""

GROUPS = ((0.1, "the best tenth"), (0.5, "above the median"), (1.0, "the rest"))
"""How lines are coloured: up to which share of all points, the best first."""

SCATTERED_MAX = 1_500
"""Points beside the Pareto front."""

TICKS_MAX = 8
"""Bins of an axis that are named."""

RULE = "rgba(128, 134, 143, 0.45)"
"""Of lines that stand out from neither a light nor a dark page."""

_PERCENT = {"ticksuffix": " %", "tickformat": "~g", "zeroline": True, "zerolinewidth": 1, "nticks": 6}


def equity_chart(curve: Curve) -> dict[str, Any]:
    """Return the winner's equity on one market over the band of what its returns could have come to."""
    times = [moment(at) for at in curve.times]
    common = {"type": "scatter", "mode": "lines", "x": times}
    edge = {"line": {"width": 0}, "hoverinfo": "skip"}
    traces = [
        {**common, **edge, "y": _rounded(curve.low_percent)},
        {**common, **edge, "y": _rounded(curve.high_percent), "fill": "tonexty", "fillcolor": "rgba(47,126,216,0.18)"},
        {
            **common,
            "y": _rounded(curve.change_percent),
            "line": {"color": COLOURS[0], "width": 1.8},
            "customdata": list(zip(_rounded(curve.low_percent), _rounded(curve.high_percent), strict=True)),
            "hovertemplate": "<b>%{y:+.2f} %</b>, band %{customdata[0]:+.2f} to %{customdata[1]:+.2f} %<extra></extra>",
        },
    ]
    panel = Panel("", (0.0, 1.0), _PERCENT)
    return {"data": traces, "layout": {**layout((panel,), unified=True), "annotations": []}}


def pairs(report: SweepReport) -> list[tuple[Axis, Axis]]:
    """Return the pairs of fields that heatmaps are drawn of."""
    return list(combinations(list(report.axes.values())[:PAIRED_FIELDS], 2))


def heatmap(report: SweepReport, across: Axis, up: Axis) -> dict[str, Any]:
    """Return the median of the first objective in each cell of two fields, over all other fields."""
    columns = [[setting[axis.path] for setting in report.survey.settings] for axis in (across, up)]
    values = across_markets(report.sweep, report.survey.sample)[:, 0]
    medians, counts = medians_by_cell(across.bins(columns[0]), up.bins(columns[1]), (up.n_bins, across.n_bins), values)
    name, unit = wording.FIGURES[report.sweep.objectives[0].figure.value]
    trace = {
        "type": "heatmap",
        "z": [[None if math.isnan(value) else _short(value) for value in row] for row in medians.tolist()],
        "customdata": [
            [[f"{count:,}", escape(at), escape(on)] for count, at in zip(row, across.labels(), strict=True)]
            for row, on in zip(counts.tolist(), up.labels(), strict=True)
        ],
        "colorscale": "Viridis",
        "reversescale": bool(signs(report.sweep)[0] < 0),
        "xgap": 1,
        "ygap": 1,
        "colorbar": {"thickness": 12, "outlinewidth": 0, "ticksuffix": f" {unit}".rstrip(), "nticks": 6},
        "hovertemplate": (
            f"{wording.field(across.path)} %{{customdata[1]}}<br>{wording.field(up.path)} %{{customdata[2]}}<br>"
            f"<b>median {name} %{{z}} {unit}</b>, of %{{customdata[0]}} points<extra></extra>"
        ),
    }
    axes = {"xaxis": _binned(across), "yaxis": _binned(up)}
    return {"data": [trace], "layout": {**axes, **FRAME, "margin": {"l": 8, "r": 8, "t": 8, "b": 32}}}


def parallel(report: SweepReport) -> tuple[dict[str, Any], list[str]]:
    """Return the parallel coordinates, and the names of the groups of lines that are drawn."""
    values = across_markets(report.sweep, report.survey.sample)[:, 0]
    order = np.argsort(-values * signs(report.sweep)[0], kind="stable")
    drawn = lines_of(len(order))
    axes = list(report.axes.values())[:AXES_MAX]
    heights = [axis.units([setting[axis.path] for setting in report.survey.settings]) for axis in axes]
    span = float(np.ptp(values)) or 1.0
    heights.append((values - values.min()) / span)
    traces, names, first = [], [], 0
    for place, (share, name) in enumerate(GROUPS):
        last = math.ceil(share * len(order))
        points = [int(order[rank]) for rank in drawn if first <= rank < last]
        if points:
            traces.append(_lines(report, axes, heights, points, values, place, name))
            names.append(f"{name}: {len(points):,} of {last - first:,} points")
        first = last
    return {"data": traces[::-1], "layout": _parallel_layout(report, axes, values)}, names


def lines_of(n_points: int) -> list[int]:
    """Return the ranks that are drawn, 0 being the best: the best ones, and others evenly spread below."""
    if n_points <= LINES_MAX:
        return list(range(n_points))
    spread = np.linspace(BEST_LINES, n_points - 1, LINES_MAX - BEST_LINES).round().astype(int).tolist()
    return [*range(BEST_LINES), *spread]


def front_chart(report: SweepReport) -> dict[str, Any]:
    """Return the Pareto front by its first two objectives, among the other points."""
    sample = across_markets(report.sweep, report.survey.sample)[:SCATTERED_MAX]
    front = across_markets(report.sweep, report.survey.front)
    titles = [_titled(one.figure.value) for one in report.sweep.objectives[:2]]
    common = {"type": "scatter", "mode": "markers"}
    traces = [
        {**common, "name": "other points", "x": _rounded(sample[:, 0]), "y": _rounded(sample[:, 1]),
         "marker": {"color": RULE, "size": 5}, "hoverinfo": "skip"},
        {**common, "name": "Pareto front", "x": _rounded(front[:, 0]), "y": _rounded(front[:, 1]),
         "marker": {"color": COLOURS[1], "size": 8}, "text": [f"{number:,}" for number in report.survey.front.numbers],
         "hovertemplate": "point %{text}<br>%{x} and %{y}<extra></extra>"},
    ]  # fmt: skip
    axes = {
        name: {"title": {"text": title, "standoff": 8}, "automargin": True}
        for name, title in zip(("xaxis", "yaxis"), titles, strict=True)
    }
    return {"data": traces, "layout": {**axes, **FRAME, "hovermode": "closest"}}


def _binned(axis: Axis) -> dict[str, Any]:
    """Return the axis of a field's bins, which are numbered: two may begin with the same few digits."""
    every = -(-axis.n_bins // TICKS_MAX)
    return {
        "title": {"text": wording.field(axis.path), "standoff": 8},
        "tickmode": "array",
        "tickvals": list(range(0, axis.n_bins, every)),
        "ticktext": [escape(text) for text in axis.starts()[::every]],
        "tickangle": 0,
        "automargin": True,
        "showgrid": False,
        "zeroline": False,
    }


def _lines(
    report: SweepReport,
    axes: Sequence[Axis],
    heights: Sequence[Any],
    points: Sequence[int],
    values: Any,
    place: int,
    name: str,
) -> dict[str, Any]:
    """Return one trace of many lines, with a gap after each."""
    x: list[float | None] = []
    y: list[float | None] = []
    told: list[str] = []
    for point in points:
        setting = report.survey.settings[point]
        number = f"point {int(report.survey.sample.numbers[point]):,}"
        at = [f"{wording.field(axis.path)} {setting[axis.path]}" for axis in axes]
        x += [*range(len(heights)), None]
        y += [*(round(float(height[point]), 4) for height in heights), None]
        told += [*(escape(f"{number}: {text}") for text in at), f"{number}: {significant(float(values[point]))}", ""]
    best = place == 0
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "legendgroup": str(place),
        "x": x,
        "y": y,
        "text": told,
        "hovertemplate": "%{text}<extra></extra>",
        "line": {"color": mark_of(place).colour, "dash": mark_of(place).dash, "width": 1.4 if best else 0.8},
        "opacity": 0.9 if best else 0.45,
    }


def _parallel_layout(report: SweepReport, axes: Sequence[Axis], values: Any) -> dict[str, Any]:
    names = [*(wording.field(axis.path) for axis in axes), wording.FIGURES[report.sweep.objectives[0].figure.value][0]]
    ends = [*(axis.ends() for axis in axes), (significant(float(values.min())), significant(float(values.max())))]
    words = [
        {"x": place, "y": height, "text": escape(end), "showarrow": False, "yanchor": anchor, "font": {"size": 12}}
        for place, pair in enumerate(ends)
        for end, height, anchor in ((pair[0], -0.02, "top"), (pair[1], 1.02, "bottom"))
    ]
    rules = [
        {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "line": {"color": RULE, "width": 1}}
        for place in range(len(names))
    ]
    return {
        **FRAME,
        "xaxis": {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": names, "showgrid": False,
                  "zeroline": False, "range": [-0.3, len(names) - 0.7], "automargin": True, "side": "top"},
        "yaxis": {"visible": False, "range": [-0.1, 1.1], "fixedrange": True},
        "annotations": words,
        "shapes": rules,
        "margin": {"l": 8, "r": 8, "t": 48, "b": 12},
        "hovermode": "closest",
    }  # fmt: skip


def _titled(figure: str) -> str:
    name, unit = wording.FIGURES[figure]
    return f"{name}, {unit}" if unit else name


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 4) for value in values]


def _short(value: float) -> float:
    return float(f"{value:.5g}")
