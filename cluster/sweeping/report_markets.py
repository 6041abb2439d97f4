"""What the report of a sweep says of its markets: whether what is best on one is good on the others."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from cluster import page_words as words
from cluster.page import table
from cluster.sweeping import wording

if TYPE_CHECKING:
    from cluster.sweeping.report import SweepReport
    from cluster.sweeping.stability import Array

MARKETS_LISTED = 10
"""Markets in the tables, the first ones; means are over all that are compared."""


def stability_section(report: SweepReport) -> str:
    """Return each market's best point, how it does on the others, and how alike the markets rank points."""
    if report.stability is None:
        return ""
    stable = report.stability
    elsewhere = words.percent(stable.mean_elsewhere_percent, 0)
    note = (
        f"The best point of a market, by its own figure alone, is no worse than {elsewhere} of points on the other "
        "markets, on average; 100 % says that one optimum holds on all, 50 % that it is luck. The mean rank "
        f"correlation of points between two markets is {_number(stable.mean_correlation)}: 1 says that they rank "
        "points alike, 0 that one tells nothing of the other."
    )
    size, compared = report.sweep.markets.size, len(stable.correlation)
    if size > compared:
        note += f" Compared are the first {compared} of {size:,} markets."
    if size > MARKETS_LISTED:
        note += f" Listed are the first {MARKETS_LISTED}."
    return (
        f'<section><h2>Is the optimum stable?</h2><p class="note">{escape(note)}</p>{_champions(report)}'
        f'<p class="note spaced">Of how many points, in percent, the best of one market (row) is no worse on another '
        f"(column).</p>{_matrix(report, stable.beats_percent, 0)}"
        f'<p class="note spaced">Rank correlation (Spearman) of points between markets.</p>'
        f"{_matrix(report, stable.correlation, 2)}</section>\n"
    )


def _named(report: SweepReport) -> list[str]:
    size = min(report.sweep.markets.size, MARKETS_LISTED)
    return [wording.market(report.sweep.markets, number) for number in range(size)]


def _champions(report: SweepReport) -> str:
    """Return the best point of each market by the first objective."""
    name, unit = wording.FIGURES[report.sweep.objectives[0].figure.value]
    headings = (("Market", "account"), ("Its best point", "number"), (escape(f"{name} {unit}".strip()), "number"),
                ("Setting", "reason"))  # fmt: skip
    champions = report.survey.champions
    rows = "".join(
        f'<tr><td class="account">{escape(market)}</td><td class="number">{int(champions.numbers[number]):,}</td>'
        f'<td class="number">{words.significant(float(champions.values[number, number, 0]))}</td>'
        f'<td class="reason">{escape(wording.point(report.sweep, report.champion_settings[number]))}</td></tr>'
        for number, market in enumerate(_named(report))
    )
    return table(headings, rows)


def _matrix(report: SweepReport, values: Array, places: int) -> str:
    """Return a table of one figure for each pair of markets, the darker the larger."""
    named = _named(report)
    headings = [("", "account"), *((escape(market), "number") for market in named)]
    rows = "".join(
        f'<tr><td class="account">{escape(market)}</td>'
        + "".join(_cell(float(values[row, column]), places) for column in range(len(named)))
        + "</tr>"
        for row, market in enumerate(named)
    )
    return table(headings, rows)


def _cell(value: float, places: int) -> str:
    share = 0.0 if math.isnan(value) else max(0.0, value / (100.0 if places == 0 else 1.0))
    return f'<td class="number" style="background: rgba(47,126,216,{0.4 * share:.2f})">{_number(value, places)}</td>'


def _number(value: float, places: int = 2) -> str:
    return "\u2014" if math.isnan(value) else f"{value:,.{places}f}".replace("-", words.MINUS)
