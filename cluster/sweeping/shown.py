"""A stored sweep for a person: what defines it, how far it has come, its best points, and whether it is luck."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cluster.commanded import became, given
from cluster.facts import counted, facts, unheld
from cluster.sweeping import reselecting, wording
from cluster.sweeping.plan import sweep_of
from simulation.performance.verdict import Verdict, in_words
from storage.ids import Kind, derive, prefix_of
from storage.trial_rows import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from simulation.sweeping.settings import Sweep
    from storage.pilot_records import CommandRecord
    from storage.sweep_records import Covered, SweepDetail

MARKETS_NAMED = 8
"""Markets that are named; of more the first ones are."""

SHOWN = 10
"""Points in the leaderboard."""


def shown(
    detail: SweepDetail, covered: Covered, commands: Sequence[CommandRecord] = (), *, is_held: bool = True
) -> RenderableType:
    """Return a sweep as it is printed for a person, with what was commanded, and whether it is held."""
    said = f": {detail.error_message.rstrip('.')}." if detail.error_message else "."
    sweep = sweep_of(detail.spec, "the stored sweep")
    verdict = detail.verdict or {}
    return Group(
        Text(detail.name, style="bold"),
        Text(f"{detail.status}{said}"),
        *([] if is_held or detail.status != "RUNNING" else [Text(unheld("sweep", detail.sweep_id))]),
        Text(),
        facts({**_defined(sweep, detail), **_came(sweep, detail, covered)}),
        *leaderboard(sweep, verdict.get("best", [])),
        *(Text(line) for line in judged(verdict)),
        *([Text(), *(Text(f"{given(one)} {became(one)}") for one in commands)] if commands else []),
    )


def trial_of(sweep_id: UUID, market: int, point: int) -> UUID:
    """Return the key of the trial of a point on a market."""
    return derive(prefix_of(sweep_id), Kind.TRIAL, market, point)


def verdict_in(stored: Mapping[str, Any]) -> Verdict | None:
    """Return the verdict in what is stored of a sweep that has ended; None where no point was traded."""
    return Verdict(**stored["verdict"]) if stored.get("verdict") else None


def _defined(sweep: Sweep, detail: SweepDetail) -> dict[str, str]:
    """Return what a sweep is, by name."""
    size = sweep.markets.size
    named = [wording.market(sweep.markets, number) for number in range(min(size, MARKETS_NAMED))]
    more = f" and {size - len(named):,} more" if size > len(named) else ""
    return {
        "account": detail.markets[0]["accounts"][0]["name"],
        **{path: wording.variation(how) for path, how in sweep.vary.items()},
        **({"constraints": "; ".join(sweep.constraints)} if sweep.constraints else {}),
        "markets": f"{size:,}: {'; '.join(named)}{more}",
        "blocks": f"{detail.markets[0]['blocks']:,}",
        "wanted": wording.objectives(sweep),
        "sampler": sweep.sampler.kind.value,
        "points": f"{detail.points:,}",
    }


def _came(sweep: Sweep, detail: SweepDetail, covered: Covered) -> dict[str, str]:
    """Return how far a sweep has come, by name."""
    wanted = detail.points * sweep.markets.size
    stored = detail.verdict or {}
    counts = [f"{covered.trials:,} of {wanted:,}"] + ([f"{covered.skipped:,} skipped"] if covered.skipped else [])
    fates = ("pruned", "failed", "repeated")
    counts += [f"{counted(stored[what], 'point')} {what}" for what in fates if stored.get(what)]
    finished = "not yet" if detail.finished_at is None else f"{detail.finished_at:%Y-%m-%d %H:%M:%S} UTC"
    return {
        "trials": ", ".join(counts),
        "started": f"{detail.started_at:%Y-%m-%d %H:%M:%S} UTC, by paperdex {detail.version}",
        "finished": finished,
        "digest": detail.digest or "none before the end",
        "sweep": detail.sweep_id,
        **_winner(sweep, detail),
    }


def _winner(sweep: Sweep, detail: SweepDetail) -> dict[str, str]:
    best = (detail.verdict or {}).get("best")
    if not best:
        return {}
    point = best[0]["point"]
    trial = trial_of(UUID(detail.sweep_id), 0, point)
    where = f", on {wording.market(sweep.markets, 0)}" if sweep.markets.size > 1 else ""
    return {
        "winner": f"point {point:,}; its trial{where} is {trial}",
        "use it": f"`paperdex sweep promote {detail.sweep_id}:{point} --as NAME`; `paperdex replay` trades it again",
    }


def leaderboard(sweep: Sweep, best: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """Return the best points, as they are stored with the sweep, as a table; nothing where there are none."""
    if not best:
        return []
    table = Table(box=None, pad_edge=False, header_style="dim")
    own = wording.own_columns(sweep)
    wanted = [wording.heading(sweep.objectives[place], several=sweep.markets.size > 1) for place in own]
    for heading in ("point", *wanted, "deflated", "Sharpe", "return", "drawdown", "trades"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("setting", overflow="fold")
    for one in best[:SHOWN]:
        table.add_row(
            f"{one['point']:,}",
            *(f"{one['objectives'][place]:,.3f}" for place in own),
            f"{one['dsr']:.3f}",
            f"{one['sharpe_ratio']:.2f}",
            f"{one['return_percent']:+.2f} %",
            f"{one['max_drawdown_percent']:.2f} %",
            f"{one['total_trades']:.1f}",
            wording.point(sweep, one["settings"]),
        )
    return [Text(), table, Text()]


def judged(stored: Mapping[str, Any]) -> list[str]:
    """Return what is said of luck, a line each; nothing before the end."""
    verdict = verdict_in(stored)
    if verdict is None:
        return []
    never = [] if stored["best"][0]["total_trades"] else ["The best never traded."]
    return [*never, in_words(verdict), *out_of_sample(stored), *_front(stored)]


def _front(stored: Mapping[str, Any]) -> list[str]:
    size = stored.get("front_size", 0)
    return [f"Pareto front: {counted(size, 'point')}; the report and `--json` list them."] if size else []


def out_of_sample(stored: Mapping[str, Any]) -> list[str]:
    """Return what is said of how the best of some of the time did in the rest of it, a line each."""
    if stored.get("probability_of_overfitting") is None:
        names = "Probability of backtest overfitting, walking forward and combinatorial purged cross-validation"
        return [
            f"{names} are not told: they take two points that ran to the end and differ, with {2 * PARTS} returns each."
        ]
    told = reselecting.reselection_in(stored)
    return [
        f"Probability of backtest overfitting: {stored['probability_of_overfitting']:.2f}.",
        *(() if told is None else reselecting.in_words(told)),
    ]
