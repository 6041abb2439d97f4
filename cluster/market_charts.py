"""The charts of a market preview: all prices together, the chain's fees, and each token by itself."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Any

from cluster.page_charts import COLOURS, Panel, axis_name, layout, mark_of, moment

if TYPE_CHECKING:
    from cluster.market_preview import MarketPreview, TokenPreview
    from cluster.market_series import Line
    from simulation.market.segment import Clock

UNIFIED_HOVER_MAX = 10
"""Up to so many tokens are told together where the mouse is; more would hide the chart."""

CLASS_COLOUR = COLOURS[-1]

_PLAIN = {"tickformat": "~r", "nticks": 5}
_PERCENT = {"ticksuffix": " %", "tickformat": "~g", "zerolinewidth": 1, "nticks": 5}
_SHORT = {"tickformat": "~s", "nticks": 4}

PRICES = (Panel("Price, change from start", (0.0, 1.0), _PERCENT),)
FEES = (
    Panel("Base fee and tip, gwei", (0.6, 1.0), {**_PLAIN, "rangemode": "tozero"}),
    Panel("Gas of one swap, USD", (0.0, 0.4), {**_PLAIN, "rangemode": "tozero"}),
)
TOKEN = (
    Panel("Price, USD", (0.57, 1.0), {**_PLAIN, "tickformat": ".6~r"}),
    Panel("Depth of its pools, one side, USD", (0.285, 0.455), {**_SHORT, "rangemode": "tozero"}),
    Panel("Volatility a day", (0.0, 0.17), {**_PERCENT, "rangemode": "tozero", "nticks": 4}),
)


def prices_chart(market: MarketPreview) -> dict[str, Any]:
    """Return the chart of all tokens' prices, each against its first."""
    unified = len(market.tokens) <= UNIFIED_HOVER_MAX
    told = "%{fullData.name}  <b>%{y:+.2f} %</b><extra></extra>"
    traces = [
        {
            **_trace(market.clock, _changes(token.price_usd), token.symbol, place, told),
            "legendgroup": str(place),
        }
        for place, token in enumerate(market.tokens)
    ]
    return {"data": traces, "layout": layout(PRICES, unified=unified)}


def fees_chart(market: MarketPreview) -> dict[str, Any]:
    """Return the chart of base fee and tip, and below it of what a swap costs in gas."""
    lines = (
        ("base fee", market.base_fee_gwei.line, 0, 0, "%{y:,.4~g} gwei"),
        ("tip", market.tip_gwei.line, 1, 0, "%{y:,.4~g} gwei"),
        ("a swap", market.swap_usd.line, 0, 1, "%{y:,.2f} USD"),
    )
    traces = [
        _trace(market.clock, line, name, place, f"%{{fullData.name}}  <b>{told}</b><extra></extra>", panel)
        for name, line, place, panel, told in lines
    ]
    return {"data": traces, "layout": layout(FEES, unified=True)}


def token_chart(market: MarketPreview, place: int) -> dict[str, Any]:
    """Return the chart of the token at ``place``: price, pools and volatility above each other."""
    token, clock = market.tokens[place], market.clock
    traces = [_trace(clock, token.price_usd, "price", place, "price  <b>%{y:,.6~r} USD</b><extra></extra>")]
    for column, pool in enumerate(token.pools):
        told = "%{fullData.name}  <b>%{y:.4~s} USD</b><extra></extra>"
        name = f"{pool.info.venue} {pool.info.fee_bp} bp"
        traces.append(_trace(clock, pool.depth_usd, name, place + column, told, 1))
    told = "volatility  <b>%{y:.1f} %</b> a day<extra></extra>"
    traces.append(_trace(clock, token.volatility, "volatility", place, told, 2))
    if token.class_volatility_percent is not None:
        traces.append(_class_line(market, token))
    return {"data": traces, "layout": layout(TOKEN, unified=True)}


def _trace(clock: Clock, line: Line, name: str, place: int, told: str, panel: int = 0) -> dict[str, Any]:
    """Return a line; its times follow from the first and the step, which spares a page most of its size."""
    mark = mark_of(place)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escape(name),
        "x0": moment(clock.start_at + timedelta(milliseconds=line.first_block * clock.block_time_ms)),
        "dx": line.step_blocks * clock.block_time_ms,
        "y": line.values,
        "yaxis": axis_name(panel),
        "line": {"color": mark.colour, "dash": mark.dash, "width": 1.4},
        "hovertemplate": told,
    }


def _class_line(market: MarketPreview, token: TokenPreview) -> dict[str, Any]:
    figure = round(token.class_volatility_percent or 0.0, 2)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [moment(market.clock.start_at), moment(market.end_at)],
        "y": [figure, figure],
        "yaxis": axis_name(2),
        "line": {"color": CLASS_COLOUR, "dash": "dash", "width": 1.2},
        "hoverinfo": "skip",
    }


def _changes(line: Line) -> Line:
    """Return a line of prices as changes in percent from its first."""
    first = line.values[0] or 1.0
    changes = (None if value is None else round(100.0 * (value / first - 1.0), 2) for value in line.values)
    return type(line)(line.first_block, line.step_blocks, tuple(changes))
