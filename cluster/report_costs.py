"""Where an account's money went between the prices it decided at and what it got: a table and a chart."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any

from cluster import page_words as words
from cluster.page import chart, swatch, table
from cluster.page_charts import FRAME, mark_of
from cluster.report_facts import ends
from storage.records import AccountCosts

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Part:
    """One part of what trading cost: the field of AccountCosts, its name, and what it is."""

    field: str
    name: str
    told: str


PARTS = (
    Part("fee_usd", "Fee", "kept by the pools, for those who provide their liquidity"),
    Part("impact_usd", "Impact", "the rest between mid price and quote: how far the order itself moves the pool"),
    Part("drift_usd", "Drift", "how the pool moved between quote and inclusion; below zero where it moved in favour"),
    Part("sandwich_usd", "Sandwich", "taken by attackers who traded just before and just after the order"),
    Part("gas_usd", "Gas", "of the orders that filled"),
    Part("failure_usd", "Failure", "gas of the orders that did not fill and were included all the same"),
)
TOTAL = "total_usd"

BAR_HEIGHT, MARGINS_HEIGHT = 30, 90
"""Of the chart, in pixels."""


def costs_anything(costs: Sequence[AccountCosts]) -> bool:
    """Tell whether there is anything to draw."""
    return any(getattr(row, part.field) for row in costs for part in PARTS)


def costs_section(costs: Sequence[AccountCosts]) -> str:
    """Return the table and the place of the chart; sums of all accounts in the last row."""
    if not costs_anything(costs):
        return '<section><h2>Costs</h2><p class="note">No order has cost anything.</p></section>\n'
    note = (
        "Each order against the mid price at which it was decided. The parts add up, to the millionth of a USD; "
        "the figures are rounded to cents."
    )
    drawn = chart("costs", "Parts of the costs of each account, in USD", height=_height(costs))
    return f'<section><h2>Costs</h2><p class="note">{note}</p>{_terms()}{drawn}{_table(costs)}</section>\n'


def costs_chart(costs: Sequence[AccountCosts]) -> dict[str, Any]:
    """Return one bar an account, stacked from its parts; what came in favour lies left of zero."""
    shown = _shown(costs)
    names = [escape(row.name) for row in shown]
    bars = [
        {
            "type": "bar",
            "orientation": "h",
            "name": part.name,
            "y": names,
            "x": [float(getattr(row, part.field)) for row in shown],
            "marker": {"color": mark_of(place).colour},
            "hovertemplate": "%{fullData.name}  <b>%{x:,.2f} USD</b><extra></extra>",
        }
        for place, part in enumerate(PARTS)
    ]
    axis = {"ticksuffix": " USD", "tickformat": ",~r", "zeroline": True, "zerolinewidth": 1, "nticks": 8}
    return {
        "data": bars,
        "layout": {
            **FRAME,
            "barmode": "relative",
            "bargap": 0.35,
            "hovermode": "y unified",
            "xaxis": axis,
            "yaxis": {"type": "category", "autorange": "reversed", "automargin": True, "showgrid": False},
        },
    }


def _shown(costs: Sequence[AccountCosts]) -> Sequence[AccountCosts]:
    best, worst = ends(costs)
    return (*best, *worst)


def _height(costs: Sequence[AccountCosts]) -> int:
    return MARGINS_HEIGHT + BAR_HEIGHT * len(_shown(costs))


def _terms() -> str:
    lines = (f"<dt>{swatch(place)}{part.name}</dt><dd>{part.told}</dd>" for place, part in enumerate(PARTS))
    return f'<dl class="terms">{"".join(lines)}</dl>'


def _table(costs: Sequence[AccountCosts]) -> str:
    best, worst = ends(costs)
    between = len(costs) - len(best) - len(worst)
    gap = f'<tr class="gap"><td colspan="{len(PARTS) + 2}">{between:,} accounts between</td></tr>' if between else ""
    rows = "".join(map(_row, best)) + gap + "".join(map(_row, worst))
    if len(costs) > 1:
        rows += _row(_sum_of(costs)).replace("<tr>", '<tr class="sum">')
    headings = (("Account", ""), *((f"{part.name} USD", "number") for part in PARTS), ("Total USD", "number"))
    return table(headings, rows)


def _row(row: AccountCosts) -> str:
    fields = (*(part.field for part in PARTS), TOTAL)
    cells = "".join(f'<td class="number">{_exact(getattr(row, name))}</td>' for name in fields)
    return f'<tr><td class="account"><bdi>{escape(row.name)}</bdi></td>{cells}</tr>'


def _exact(usd: Decimal) -> str:
    """Return an amount in cents that carries the whole of it."""
    return f'<data value="{usd:f}" title="{usd:f}">{words.usd(usd)}</data>'


def _sum_of(costs: Sequence[AccountCosts]) -> AccountCosts:
    fields = (*(part.field for part in PARTS), TOTAL)
    sums = {name: sum((getattr(row, name) for row in costs), Decimal()) for name in fields}
    return AccountCosts(name="All accounts", **sums)
