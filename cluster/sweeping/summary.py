"""The end of a sweep on a terminal: the points that stand out, and whether it is luck."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from simulation.performance.verdict import in_words

if TYPE_CHECKING:
    from rich.console import Console

    from cluster.sweeping.ranking import Ranking
    from cluster.sweeping.runs import SweepSummary

SHOWN = 10


def print_summary(out: Console, summary: SweepSummary) -> None:
    """Print what a sweep came to."""
    ranking = summary.ranking
    if ranking.ranked:
        out.print(_table(ranking))
    skipped = summary.n_points - ranking.points - ranking.failed
    counts = [f"{ranking.points:,} settings on {summary.n_markets} markets"]
    fates = (ranking.pruned, "pruned"), (ranking.failed, "failed"), (skipped, "skipped")
    counts += [f"{count:,} {what}" for count, what in fates if count]
    out.print(f"{', '.join(counts)}; {summary.wall_seconds:.1f} s.", highlight=False)
    if ranking.verdict is not None:
        out.print(in_words(ranking.verdict), highlight=False, soft_wrap=True)
    if ranking.overfitting is not None:
        out.print(f"Probability of backtest overfitting: {ranking.overfitting:.2f}.", highlight=False)
    out.print(f"Sweep {summary.sweep_id}\nDigest {summary.digest}", highlight=False, soft_wrap=True)
    out.print("`paperdex report latest-sweep` draws it.", highlight=False)


def _table(ranking: Ranking) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    fields = list(ranking.ranked[0].settings)
    for heading in ("point", *(field.rpartition(".")[2] for field in fields)):
        table.add_column(heading, justify="right")
    for heading in ("deflated", "Sharpe", "return", "drawdown", "trades"):
        table.add_column(heading, justify="right")
    for one in ranking.ranked[:SHOWN]:
        table.add_row(
            str(one.point),
            *(str(one.settings[field]) for field in fields),
            f"{one.dsr:.3f}",
            f"{one.sharpe_ratio:.2f}",
            f"{one.return_percent:+.2f} %",
            f"{one.max_drawdown_percent:.2f} %",
            f"{one.total_trades:.1f}",
        )
    return table
