"""What all charts share, as plain plotly JSON: how lines are told apart, and panels above each other on one time axis.

Plain dictionaries, since ``plotly.graph_objects`` takes longer to import than a whole page takes to write. Colours
of text, grid and hover labels are left to the page, which knows whether it is light or dark.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

COLOURS = (
    "#2f7ed8",
    "#d9730d",
    "#2e9e5b",
    "#d1495b",
    "#8a63d2",
    "#0f93a3",
    "#c2569b",
    "#8a8320",
    "#a9744f",
    "#6b7c93",
)
"""Each stands out from a white and from a nearly black page by 3 to 1 at least, as WCAG asks of graphics."""

DASHES = (("solid", "solid"), ("dash", "dashed"), ("dot", "dotted"))
"""How a line is broken once the colours begin again: plotly's word, and CSS's."""

FRAME = {
    "margin": {"l": 8, "r": 8, "t": 28, "b": 32},
    "showlegend": False,
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
}
"""Of every chart's layout."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How a line is drawn, in the chart and beside its name everywhere else."""

    colour: str
    dash: str
    css_border: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One of several charts above each other; ``domain`` is its share of the height, from below."""

    title: str
    domain: tuple[float, float]
    axis: Mapping[str, Any] = field(default_factory=dict)


def mark_of(place: int) -> Mark:
    """Return how the line at ``place`` of a list is drawn; 30 places differ."""
    lap, colour = divmod(place, len(COLOURS))
    dash, css_border = DASHES[lap % len(DASHES)]
    return Mark(COLOURS[colour], dash, css_border)


def moment(at: datetime) -> str:
    """Return a time as plotly reads it; without a zone, so that every browser shows UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def axis_name(place: int) -> str:
    """Return plotly's name of the vertical axis of the panel at ``place``, from above."""
    return "y" if place == 0 else f"y{place + 1}"


def layout(panels: Sequence[Panel], *, unified: bool) -> dict[str, Any]:
    """Return the layout of panels, from above; unified hover tells of all lines where the mouse is."""
    axes = {
        f"yaxis{place + 1 if place else ''}": {"domain": panel.domain, "automargin": True, **panel.axis}
        for place, panel in enumerate(panels)
    }
    return {
        "xaxis": {
            "type": "date",
            "anchor": axis_name(len(panels) - 1),
            "showgrid": False,
            "tickangle": 0,
            "hoverformat": "%-d %b %Y, %H:%M UTC",
            "spikethickness": 1,
            "spikedash": "solid",
        },
        **axes,
        "annotations": [_title(panel.title, panel.domain[1]) for panel in panels],
        "hovermode": "x unified" if unified else "closest",
        "hoversubplots": "axis",
        **FRAME,
    }


def _title(text: str, top: float) -> dict[str, Any]:
    place = {"xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": top, "yanchor": "bottom"}
    return {"text": text, "showarrow": False, "font": {"size": 13}, "yshift": 6, **place}
