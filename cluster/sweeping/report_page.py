"""The report of a sweep as one HTML page."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Any

import yaml

from cluster import page_words as words
from cluster.page import SEPARATOR, chart, document, footer, gain, key_figures, legend, table
from cluster.sweeping import report_charts as charts
from cluster.sweeping import wording
from cluster.sweeping.equity import MARKETS_MAX
from cluster.sweeping.importance import BEST_SHARE, LEAST_POINTS
from cluster.sweeping.report_markets import stability_section
from cluster.sweeping.shown import trial_of
from cluster.sweeping.survey import FRONT_MAX, across_markets
from simulation.performance.bootstrap import LEVEL, PATHS
from simulation.performance.verdict import CONFIDENCE, in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster.sweeping.report import SweepReport

FRONT_LISTED = 30
"""Points of the Pareto front in its table."""


def render(report: SweepReport) -> str:
    """Return the report as the text of one HTML file."""
    drawn: dict[str, dict[str, Any]] = {}
    body = "".join(
        (
            _header(report),
            _key_figures(report),
            _verdict(report),
            _leaderboard(report),
            _equity(report, drawn),
            _importance(report),
            _heatmaps(report, drawn),
            _parallel(report, drawn),
            stability_section(report),
            _front(report, drawn),
            _footer(report),
        )
    )
    return document(f"{report.detail.name}{SEPARATOR}paperdex sweep", body, drawn)


def _header(report: SweepReport) -> str:
    detail, sweep = report.detail, report.sweep
    base = detail.markets[0]
    length = words.length(timedelta(milliseconds=base["blocks"] * base["block_time_ms"]))
    sentence = (
        f"{words.count(detail.points, 'setting')} of account {base['accounts'][0]['name']} on "
        f"{words.count(sweep.markets.size, 'market')} of {length}, chosen by {sweep.sampler.kind.value}, for the "
        f"{wording.objectives(sweep)}."
    )
    warning = ""
    if detail.status != "COMPLETED":
        why = f" {detail.error_message}" if detail.error_message else ""
        said = f"This sweep is {detail.status}; it shows what was kept until then, and nobody has judged it.{why}"
        warning = f'<p class="warning">{escape(said)}</p>'
    return f'<header><h1>{escape(detail.name)}</h1><p class="lead">{escape(sentence)}</p>{warning}</header>\n'


def _key_figures(report: SweepReport) -> str:
    survey, covered = report.survey, report.covered
    aside = [f"{count:,} {what}" for count, what in (
        (survey.failed, "failed"), (survey.pruned, "pruned"), (covered.skipped, "trials skipped"),
    ) if count]  # fmt: skip
    figures = [("Points traded", f"{survey.points:,}", ", ".join(aside) or "none failed, none skipped")]
    figures.append(("Trials", f"{covered.trials:,}", f"of {report.detail.points * report.sweep.markets.size:,}"))
    if report.verdict is not None:
        verdict, winner = report.verdict, report.best[0]
        luck = "luck is a sufficient explanation" if verdict.luck_is_sufficient else "luck is not sufficient"
        figures.append(("Deflated Sharpe ratio", f"{verdict.dsr:.3f}", luck))
        figures.append(("Winner's return", gain(winner["return_percent"]), "mean over its markets"))
        figures.append(("Winner's Sharpe ratio", words.ratio(winner["sharpe_ratio"]), "annualised"))
    if report.overfitting is not None:
        figures.append(("Overfitting", f"{report.overfitting:.2f}", "probability, by CSCV"))
    return key_figures([*figures, *_chosen_anew(report)])


def _chosen_anew(report: SweepReport) -> list[tuple[str, str, str]]:
    """Return the key figures of winners that are chosen anew, where they are told."""
    figures, told = [], report.reselection
    if told is not None and (walked := told.walk_forward) is not None:
        aside = f"Sharpe ratio, chosen anew {words.count(walked.steps, 'time')}"
        figures.append(("Walking forward", words.ratio(walked.sharpe_ratio), aside))
    if told is not None and (crossed := told.cross_validation) is not None:
        aside = f"median Sharpe ratio of {words.count(len(crossed.sharpe_ratios), 'path')}, purged"
        figures.append(("Cross-validation", words.ratio(crossed.median), aside))
    return figures


def _verdict(report: SweepReport) -> str:
    if report.verdict is None:
        return ""
    verdict = report.verdict
    more = (
        f"Of {words.count(verdict.n_trials, 'trial')} {verdict.n_effective:,.1f} count as independent; "
        f"the best of so many without skill shows a Sharpe ratio of {words.significant(verdict.sr0)} a period, "
        f"the winner has {words.significant(verdict.sharpe)}."
    )
    chosen_anew = f"<p>{escape(' '.join(report.out_of_sample))}</p>"
    return (
        f'<section><h2>Is it luck?</h2><p>{escape(in_words(verdict))}</p><p class="note">{escape(more)}</p>'
        f"{chosen_anew}</section>\n"
    )


def _leaderboard(report: SweepReport) -> str:
    if not report.best:
        return '<section><h2>Leaderboard</h2><p class="note">No point was traded on all markets.</p></section>\n'
    judged = report.verdict is not None
    note = (
        "Sorted by the deflated Sharpe ratio, or by the first objective where that is another figure or one market's. "
        f"Below {CONFIDENCE} luck is a sufficient explanation. Return, drawdown and trades are means over the markets."
        if judged
        else "By the first objective; a sweep is judged when it ends."
    )
    first = f" Below a setting is the id of its trial on {wording.market(report.sweep.markets, 0)}."
    headings = [("Point", "number"), ("Setting", "reason")]
    if judged:
        headings += [("Deflated", "number"), ("Luck", ""), ("Sharpe", "number"), ("Return", "number"),
                     ("Max drawdown", "number"), ("Trades", "number")]  # fmt: skip
    headings += [(_heading(report, place), "number") for place in _told_objectives(report)]
    rows = "".join(_row(report, one) for one in report.best)
    shown = table(headings, rows)
    return f'<section><h2>Leaderboard</h2><p class="note">{escape(note + first)}</p>{shown}</section>\n'


def _told_objectives(report: SweepReport) -> list[int]:
    """Return the objectives that no other column of the leaderboard tells."""
    return wording.own_columns(report.sweep) if report.verdict else list(range(len(report.sweep.objectives)))


def _objective(report: SweepReport, place: int) -> str:
    one = report.sweep.objectives[place]
    return escape(wording.objective(one, several=report.sweep.markets.size > 1))


def _heading(report: SweepReport, place: int) -> str:
    """Return an objective as the heading of a column, with its unit."""
    unit = wording.FIGURES[report.sweep.objectives[place].figure.value][1]
    return _objective(report, place) + (f", {unit}" if unit else "")


def _row(report: SweepReport, one: Mapping[str, Any]) -> str:
    trial = f'<div class="aside"><code>{trial_of(report.sweep_id, 0, one["point"])}</code></div>'
    cells = [("number", f"{one['point']:,}"), ("reason", escape(wording.point(report.sweep, one["settings"])) + trial)]
    if report.verdict is not None:
        cells += [
            ("number", f"{one['dsr']:.3f}"),
            ("", "sufficient" if one["dsr"] < CONFIDENCE else "not sufficient"),
            ("number", words.ratio(one["sharpe_ratio"])),
            ("number", gain(one["return_percent"])),
            ("number", words.percent(one["max_drawdown_percent"])),
            ("number", f"{one['total_trades']:,.1f}"),
        ]
    cells += [("number", words.significant(one["objectives"][place])) for place in _told_objectives(report)]
    return "<tr>" + "".join(f'<td class="{css}">{text}</td>' for css, text in cells) + "</tr>"


def _equity(report: SweepReport, drawn: dict[str, dict[str, Any]]) -> str:
    if not report.curves:
        return f'<section><h2>The winner\'s equity</h2><p class="note">{escape(report.why_no_curves)}</p></section>\n'
    point = report.best[0]["point"]
    band = f"{words.percent(100 * LEVEL, 0)} of {PATHS} series"
    note = (
        f"Point {point:,}, traded again from its setting: change from start. The band holds {band} made of its own "
        "returns by the stationary bootstrap (Politis and Romano 1994), in blocks of the cube root of their number on "
        "average, at each time alone. It says how far luck may carry these returns, not what comes next."
    )
    hidden = report.sweep.markets.size - len(report.curves)
    if hidden:
        note += f" Drawn are the first {MARKETS_MAX} of {report.sweep.markets.size:,} markets."
    figures = []
    for curve in report.curves:
        name, market = f"equity-{curve.market}", wording.market(report.sweep.markets, curve.market)
        drawn[name] = charts.equity_chart(curve)
        told = f"Equity of the winner on {market} with a band"
        figures.append(_figure(f"{market}: {_ends(curve)}", chart(name, told, height=260)))
    return f'<section><h2>The winner\'s equity</h2><p class="note">{note}</p>{_grid(figures)}</section>\n'


def _ends(curve: Any) -> str:
    low, high = (words.signed_percent(float(part[-1])) for part in (curve.low_percent, curve.high_percent))
    return f"{words.signed_percent(float(curve.change_percent[-1]))} in the end, band {low} to {high}"


def _importance(report: SweepReport) -> str:
    if not report.importance:
        note = f"Not told: it takes two fields that vary, {LEAST_POINTS} points that differ in the objective."
        return f'<section><h2>Which fields matter</h2><p class="note">{note}</p></section>\n'
    best = words.percent(100 * BEST_SHARE, 0)
    note = (
        f"How differently a field's values are distributed among the best {best} of points and among all: PED-ANOVA "
        "(Watanabe, Bansal and Hutter 2023) as Optuna computes it, shares of the whole, from "
        f"{words.count(len(report.survey.settings), 'point')}{_sampled(report)}."
    )
    headings = (("Field", "account"), ("Importance", "number"), ("", "wide"), ("Searched", ""), ("Winner", "number"))
    rows = "".join(
        f'<tr><td class="account">{escape(path)}</td><td class="number">{words.percent(100 * share, 1)}</td>'
        f'<td class="wide"><span class="bar" style="width: {100 * share:.1f}%"></span></td>'
        f"<td>{escape(wording.variation(report.sweep.vary[path]))}</td>"
        f'<td class="number">{escape(str(report.best[0]["settings"][path]))}</td></tr>'
        for path, share in report.importance.items()
    )
    return f'<section><h2>Which fields matter</h2><p class="note">{note}</p>{table(headings, rows)}</section>\n'


def _sampled(report: SweepReport) -> str:
    """Return that there were more points, where there were."""
    traded = report.survey.points
    return "" if len(report.survey.settings) == traded else f" spread evenly over the {traded:,} that were traded"


def _heatmaps(report: SweepReport, drawn: dict[str, dict[str, Any]]) -> str:
    pairs = charts.pairs(report) if report.survey.settings else []
    if not pairs:
        return ""
    which = "" if len(report.axes) <= charts.PAIRED_FIELDS else f" the {charts.PAIRED_FIELDS} most important of"
    note = (
        f"Pairs of{which} {len(report.axes)} fields. A cell is the median over all points in it, whatever their other "
        f"fields, of the objective: {_objective(report, 0)}. Empty where no point was traded; yellow is best. An axis "
        f"names where bins begin. From {words.count(len(report.survey.settings), 'point')}{_sampled(report)}."
    )
    figures = []
    for number, (across, up) in enumerate(pairs):
        name, told = f"heat-{number}", f"{wording.field(across.path)} and {wording.field(up.path)}"
        drawn[name] = charts.heatmap(report, across, up)
        figures.append(_figure(told, chart(name, f"Median objective by {told}", height=380)))
    return f'<section><h2>Pairs of fields</h2><p class="note">{escape(note)}</p>{_grid(figures)}</section>\n'


def _parallel(report: SweepReport, drawn: dict[str, dict[str, Any]]) -> str:
    if not report.survey.settings or not report.axes:
        return ""
    drawn["parallel"], names = charts.parallel(report)
    note = (
        f"A line is a point; each crosses a field where its value lies, the last the objective. At most "
        f"{charts.LINES_MAX} lines: the best {charts.BEST_LINES}, and others evenly spread below them. At most "
        f"{charts.AXES_MAX} fields, the most important first."
    )
    buttons = legend("parallel", enumerate(names), "Lines shown")
    shown = chart("parallel", "Values of all fields of some points, and their objective", "small")
    return f'<section><h2>Points across all fields</h2><p class="note">{note}</p>{buttons}{shown}</section>\n'


def _front(report: SweepReport, drawn: dict[str, dict[str, Any]]) -> str:
    front = report.survey.front
    if not len(front):
        return ""
    drawn["front"] = charts.front_chart(report)
    note = (
        f"{words.count(report.survey.front_size, 'point')} that no other is better than in one objective and as good "
        f"in all: {wording.objectives(report.sweep)}. Grey are other points. Drawn are the first two objectives."
    )
    if report.survey.front_size > len(front):
        note = f"At least {note} Kept are {FRONT_MAX} of them, evenly spread along the first objective."
    headings = [("Point", "number"), *((_heading(report, place), "number") for place in range(front.values.shape[2])),
                ("Setting", "reason")]  # fmt: skip
    values = across_markets(report.sweep, front)
    step = max(1, -(-len(front) // FRONT_LISTED))
    told = list(zip(front.numbers.tolist(), values, report.front_settings, strict=True))[::step]
    if step > 1:
        note += f" Listed are {len(told)} of them."
    rows = "".join(
        f'<tr><td class="number">{number:,}</td>'
        + "".join(f'<td class="number">{words.significant(float(value))}</td>' for value in row)
        + f'<td class="reason">{escape(wording.point(report.sweep, setting))}</td></tr>'
        for number, row, setting in told
    )
    shown = chart("front", "Pareto front of the first two objectives among other points", "small")
    return f'<section><h2>Pareto front</h2><p class="note">{escape(note)}</p>{shown}{table(headings, rows)}</section>\n'


def _figure(title: str, shown: str) -> str:
    return f"<figure><figcaption>{escape(title)}</figcaption>{shown}</figure>"


def _grid(figures: list[str]) -> str:
    return f'<div class="figures">{"".join(figures)}</div>'


def _written(report: SweepReport) -> dict[str, Any]:
    """Return the sweep as a file may say it: without the fields that nothing of it depends on."""
    spec = {**report.detail.spec, "sampler": dict(report.detail.spec["sampler"])}
    for *parts, last in report.sweep.unused:
        within = spec
        for part in parts:
            within = within[part]
        within.pop(last, None)
    return spec


def _footer(report: SweepReport) -> str:
    detail = report.detail
    facts = [
        ("Sweep", detail.sweep_id),
        ("Digest", detail.digest or "none, the sweep has not ended"),
        ("All trials", f"paperdex sweep export {detail.sweep_id} -o trials.parquet"),
    ]
    if report.best:
        trial = trial_of(report.sweep_id, 0, report.best[0]["point"])
        facts.append(("Every trade", f"paperdex replay {trial}"))
        facts.append(("Use it", f"paperdex sweep promote {trial} --as NAME -o scenario.yaml"))
    spec = yaml.safe_dump(_written(report), sort_keys=False, allow_unicode=True, width=110)
    return footer(facts, spec, "The sweep: kept as sweep.yaml, it gives the same digest again", detail.version)
