"""The end of a sweep on a terminal: the points that stand out, and whether it is luck."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group

from cluster.facts import counted
from cluster.sweeping.shown import judged, leaderboard

if TYPE_CHECKING:
    from rich.console import Console

    from cluster.sweeping.runs import SweepSummary
    from simulation.sweeping.settings import Sweep


def print_summary(out: Console, sweep: Sweep, summary: SweepSummary) -> None:
    """Print what a sweep came to."""
    ranking, stored = summary.ranking, summary.ranking.as_json()
    out.print(Group(*leaderboard(sweep, stored["best"])))
    skipped = summary.n_points - ranking.points - ranking.failed - ranking.repeated
    counts = [f"{counted(ranking.points, 'setting')} on {counted(summary.n_markets, 'market')}"]
    fates = (ranking.pruned, "pruned"), (ranking.failed, "failed"), (skipped, "skipped"), (ranking.repeated, "repeated")
    counts += [f"{count:,} {what}" for count, what in fates if count]
    out.print(f"{', '.join(counts)}; {summary.wall_seconds:.1f} s.", highlight=False)
    if summary.failure:
        out.print(f"The first that failed: {summary.failure.rstrip('.')}.", highlight=False, soft_wrap=True)
    if not ranking.ranked:
        out.print("No setting ran to its end: there is none to rank.", highlight=False)
    for line in judged(stored):
        out.print(line, highlight=False, soft_wrap=True)
    out.print(f"Sweep {summary.sweep_id}\nDigest {summary.digest}", highlight=False, soft_wrap=True)
    best = stored["best"]
    trades = f"; `paperdex replay latest-sweep:{best[0]['point']}` trades its winner again" if best else ""
    out.print(f"`paperdex report latest-sweep` draws it{trades}.", highlight=False, soft_wrap=True)
