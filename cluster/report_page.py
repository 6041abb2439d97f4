"""A run report as one HTML page."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from statistics import median
from typing import TYPE_CHECKING, Any

from cluster import page_words as words
from cluster.page import SEPARATOR, chart, coloured, document, footer, gain, key_figures, legend, swatch, table
from cluster.report_autopilot import CHART, autopilot_chart, autopilot_section, most_adjusted
from cluster.report_charts import figure, line_of
from cluster.report_costs import costs_anything, costs_chart, costs_section
from cluster.report_facts import BEST_MAX, WORST_MAX, ends
from cluster.report_sessions import failures_of, sessions_section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cluster.report_charts import Line
    from cluster.report_facts import RunReport
    from storage.pilot_records import AdjustmentRecord
    from storage.records import AccountResult, NotableDecision

SHORT_RETURNS = 500
"""Below so many returns an annualised Sharpe ratio says more about luck than about skill."""


def render(report: RunReport) -> str:
    """Return the report as the text of one HTML file."""
    equity, places = _chart(report)
    body = "".join(
        (
            _header(report),
            _key_figures(report),
            _equity_section(report, places),
            _leaderboard_section(report, places),
            sessions_section(report.sessions),
            costs_section(report.costs),
            _decisions_section(report),
            autopilot_section(report.adjustments, report.piloted),
            _footer(report),
        )
    )
    charts = {"equity": equity}
    if costs_anything(report.costs):
        charts["costs"] = costs_chart(report.costs)
    if piloted := most_adjusted(report.piloted):
        charts[CHART] = autopilot_chart(piloted)
    return document(f"{report.name}{SEPARATOR}paperdex run", body, charts)


def _chart(report: RunReport) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the figure, and the place in it of each account that is drawn."""
    best, worst = ends(report.leaderboard)
    lines: dict[str, Line] = {row.name: line_of(report.equity[row.name]) for row in (*best, *worst)}
    adjustments: dict[str, list[AdjustmentRecord]] = defaultdict(list)
    for record in report.adjustments:
        adjustments[record.account].append(record)
    return figure(lines, adjustments), {name: place for place, name in enumerate(lines)}


def _header(report: RunReport) -> str:
    accounts = words.count(len(report.leaderboard), "account")
    start, end = words.day(report.start_at), words.day(report.end_at)
    when = f"on {start}" if start == end else f"from {start} to {end}"
    sentence = (
        f"{accounts} traded {words.listed(report.tokens)} for {words.length(report.end_at - report.start_at)}, "
        f"{when} (UTC), on {report.market} with seed {report.seed}."
    )
    warnings = _warning(report) + _pruned(report) + failures_of(report.failures)
    return f'<header><h1>{escape(report.name)}</h1><p class="lead">{escape(sentence)}</p>{warnings}</header>\n'


def _warning(report: RunReport) -> str:
    if report.status == "COMPLETED":
        return ""
    why = f" {report.error_message}" if report.error_message else ""
    return (
        f'<p class="warning">This run is {escape(report.status)}; it shows what was kept until then.{escape(why)}</p>'
    )


def _pruned(report: RunReport) -> str:
    if report.pruned_at is None:
        return ""
    return (
        f'<p class="warning">This run was pruned on {words.day(report.pruned_at)}: snapshots of the Auto Pilot and the '
        "numbers behind orders that did not fill were thinned; the digest is the one that it ended with.</p>"
    )


def _key_figures(report: RunReport) -> str:
    rows = report.leaderboard
    trades, failed = sum(row.trades for row in rows), sum(row.failed_trades for row in rows)
    figures = (
        *(_returns_of_many(rows) if len(rows) > 1 else _returns_of_one(rows[0])),
        ("Trades", f"{trades:,}", f"{failed:,} of them failed"),
        ("Gas paid", words.usd(report.gas_usd), "USD, failed trades too"),
        ("Slippage", words.usd(report.slippage_usd), "USD less than was quoted"),
    )
    return key_figures(figures)


def _returns_of_many(rows: Sequence[AccountResult]) -> tuple[tuple[str, str, str], ...]:
    best, worst, middle = rows[0], rows[-1], median(row.return_percent for row in rows)
    in_profit = sum(row.return_percent > 0 for row in rows)
    return (
        ("Best return", gain(best.return_percent), best.name),
        ("Median return", gain(middle), f"{in_profit:,} of {len(rows):,} accounts in profit"),
        ("Worst return", gain(worst.return_percent), worst.name),
    )


def _returns_of_one(row: AccountResult) -> tuple[tuple[str, str, str], ...]:
    return (
        ("Return", gain(row.return_percent), row.name),
        ("Equity", words.usd(row.final_equity_usd), f"USD, of {words.usd(row.initial_balance_usd)} at the start"),
        ("Max drawdown", words.percent(row.max_drawdown_percent), "below the peak so far"),
    )


def _equity_section(report: RunReport, places: dict[str, int]) -> str:
    hidden = len(report.leaderboard) - len(places)
    shown = f" Drawn are the best {BEST_MAX} and the worst {WORST_MAX} accounts." if hidden else ""
    adjusted = " A diamond marks an adjustment by Auto Pilot." if report.adjustments else ""
    zoom = '<span class="mouse">Drag over the chart to look closer, double-click to return.</span>'
    buttons = legend("equity", ((place, name) for name, place in places.items()), "Accounts shown")
    drawn = chart("equity", "Equity and drawdown of each account over time")
    return f'<section><h2>Equity</h2><p class="note">{zoom}{shown}{adjusted}</p>{buttons}{drawn}</section>\n'


def _leaderboard_section(report: RunReport, places: dict[str, int]) -> str:
    best, worst = ends(report.leaderboard)
    between = len(report.leaderboard) - len(best) - len(worst)
    gap = f'<tr class="gap"><td colspan="10">{between:,} accounts between</td></tr>' if between else ""
    rows = "".join(_account_row(row, places[row.name]) for row in best)
    rows += gap + "".join(_account_row(row, places[row.name]) for row in worst)
    headings = (("Account", ""), ("Strategy", ""), ("Return", "number"), ("Max drawdown", "number"),
                ("Sharpe", "number"), ("Win rate", "number"), ("Trades", "number"), ("Gas USD", "number"),
                ("Slippage USD", "number"), ("Equity USD", "number"))  # fmt: skip
    return f'<section><h2>Leaderboard</h2><p class="note">{_sharpe_note(report)}</p>{table(headings, rows)}</section>\n'


def _sharpe_note(report: RunReport) -> str:
    returns = max((len(curve) - 1 for curve in report.equity.values()), default=0)
    caution = ": over so short a run they say more about luck than about skill" if returns < SHORT_RETURNS else ""
    since = f"Sharpe ratios are annualised from {words.count(returns, 'return')}{caution}."
    return f"{since} Open positions count at the pool's price."


def _account_row(row: AccountResult, place: int) -> str:
    numbers = (
        gain(row.return_percent),
        words.percent(row.max_drawdown_percent),
        words.ratio(row.sharpe_ratio),
        words.percent(row.win_rate_percent, 0),
        f"{row.trades:,}",
        words.usd(row.gas_usd),
        words.usd(row.slippage_usd),
        words.usd(row.final_equity_usd),
    )
    cells = "".join(f'<td class="number">{number}</td>' for number in numbers)
    name = f'<td class="account drawn">{swatch(place)}<bdi>{escape(row.name)}</bdi></td>'
    return f"<tr>{name}<td>{escape(row.strategy)}</td>{cells}</tr>"


def _decisions_section(report: RunReport) -> str:
    note = "A few decisions of each kind, those that earned or lost the most first. All are kept, with their numbers."
    if not report.decisions:
        note = "No decisions were recorded."
    items = "".join(_decision(decision) for decision in report.decisions)
    return f'<section><h2>Decisions</h2><p class="note">{note}</p><ul class="thoughts">{items}</ul></section>\n'


def _decision(decision: NotableDecision) -> str:
    kind = decision.decision.replace("_", " ")
    css = decision.decision.lower().replace("_", "-")
    facts = [
        words.clock(decision.at),
        f"<bdi>{escape(decision.account)}</bdi>",
        escape(decision.token),
        f"confidence {words.percent(decision.confidence_percent, 1)}",
    ]
    if decision.net_pnl_usd is not None:
        result = coloured(words.signed_usd(decision.net_pnl_usd), decision.net_pnl_usd)
        facts.append(f"came to {result} after gas")
    return (
        f'<li><span class="kind {escape(css)}">{escape(kind)}</span><p>{escape(decision.reasoning)}</p>'
        f'<div class="meta">{SEPARATOR.join(facts)}</div></li>'
    )


def _footer(report: RunReport) -> str:
    facts = (
        ("Run", report.run_id),
        ("Digest", report.digest or "none, the run has not ended"),
        ("Again", f"paperdex run scenario.yaml --seed {report.seed}"),
        ("Verify", f"paperdex digest {report.run_id}"),
    )
    said = "The scenario: kept as scenario.yaml, it gives the same digest again"
    return footer(facts, report.scenario_yaml, said, report.version)
