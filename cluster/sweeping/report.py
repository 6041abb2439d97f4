"""Collects what the report of a sweep tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from cluster.errors import UsageError
from cluster.sweeping.axes import axes_of
from cluster.sweeping.equity import curves
from cluster.sweeping.importance import importances
from cluster.sweeping.plan import sweep_of
from cluster.sweeping.reselecting import reselection_in
from cluster.sweeping.shown import out_of_sample, trial_of, verdict_in
from cluster.sweeping.stability import Stability, stability
from cluster.sweeping.survey import MARKETS_COMPARED, across_markets, signs, survey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster.sweeping.axes import Axis
    from cluster.sweeping.equity import Curve
    from cluster.sweeping.reselecting import Reselection
    from cluster.sweeping.survey import Survey
    from simulation.performance.verdict import Verdict
    from simulation.sweeping.settings import Sweep
    from storage.store import Store
    from storage.sweep_records import Covered, SweepDetail


@dataclass(frozen=True, slots=True)
class SweepReport:
    """Everything that the report of a sweep tells."""

    detail: SweepDetail
    sweep: Sweep
    covered: Covered
    survey: Survey
    best: tuple[Mapping[str, Any], ...]
    """As stored when the sweep ended: the best first. Before that, without ``dsr``, by the first objective."""
    verdict: Verdict | None
    overfitting: float | None
    reselection: Reselection | None
    """None where nobody has judged the sweep, its returns are too few, or its version of paperdex told none."""
    out_of_sample: tuple[str, ...]
    """Sentences on the two before."""
    axes: Mapping[str, Axis]
    """Of the fields that have more than one value, the most important first where that is known."""
    importance: Mapping[str, float]
    stability: Stability | None
    """None where there is one market, or nothing was traded."""
    champion_settings: tuple[Mapping[str, Any], ...]
    """Of the best point of each market."""
    front_settings: tuple[Mapping[str, Any], ...]
    """Of each point of the Pareto front."""
    curves: tuple[Curve, ...]
    """The winner's equity on each market, the first ones."""
    why_no_curves: str
    """Why there are none, in a sentence; nothing where there are."""

    @property
    def sweep_id(self) -> UUID:
        """The key of the sweep."""
        return UUID(self.detail.sweep_id)


def collect(store: Store, sweep_id: UUID) -> SweepReport:
    """Read what the report of a sweep tells, and trade its winner again; raises SweepNotFound."""
    detail = store.sweep(sweep_id)
    sweep = sweep_of(detail.spec, "the stored sweep")
    found = survey(store, sweep_id, sweep)
    stored = detail.verdict or {}
    axes = axes_of(sweep.space.dimensions)
    values = across_markets(sweep, found.sample)[:, 0]
    importance = importances(axes, found.settings, values.tolist(), sweep.objectives[0].direction)
    best = tuple(stored.get("best") or _best_so_far(store, sweep_id, sweep, found))
    drawn, why = _curves(store, detail, best)
    return SweepReport(
        detail=detail,
        sweep=sweep,
        covered=store.covered(sweep_id),
        survey=found,
        best=best,
        verdict=verdict_in(stored),
        overfitting=stored.get("probability_of_overfitting"),
        reselection=reselection_in(stored),
        out_of_sample=tuple(out_of_sample(stored)) if stored.get("verdict") else (),
        axes={path: axes[path] for path in (*importance, *(path for path in axes if path not in importance))},
        importance=importance,
        stability=_stability(sweep, found),
        champion_settings=_settings(store, sweep_id, found.champions.numbers.tolist()),
        front_settings=_settings(store, sweep_id, found.front.numbers.tolist()),
        curves=drawn,
        why_no_curves=why,
    )


def _best_so_far(store: Store, sweep_id: UUID, sweep: Sweep, found: Survey) -> list[dict[str, Any]]:
    """Return the best points of a sweep that nobody has judged yet, by the first objective."""
    numbers = found.best.numbers.tolist()
    told = zip(numbers, _settings(store, sweep_id, numbers), across_markets(sweep, found.best).tolist(), strict=True)
    return [{"point": number, "settings": setting, "objectives": values} for number, setting, values in told]


def _settings(store: Store, sweep_id: UUID, numbers: list[int]) -> tuple[dict[str, Any], ...]:
    known = store.settings_of_points(sweep_id, sorted(set(numbers)))
    return tuple(known[number] for number in numbers)


def _stability(sweep: Sweep, found: Survey) -> Stability | None:
    if sweep.markets.size == 1 or not len(found.sample):
        return None
    sample, champions = (
        points.values[:, :MARKETS_COMPARED, 0] * signs(sweep)[0] for points in (found.sample, found.champions)
    )
    return stability(sample, champions)


def _curves(store: Store, detail: SweepDetail, best: tuple[Mapping[str, Any], ...]) -> tuple[tuple[Curve, ...], str]:
    """Return the winner's curves, or why there are none: what is drawn must be what the sweep has traded."""
    if not best:
        return (), "No point was traded on all markets."
    try:
        drawn = tuple(curves(store, detail, best[0]["settings"]))
    except UsageError as error:
        return (), f"It can't be traded again here. {error}"
    if not drawn:
        return (), "No review period is complete in so short a market, so that there are no returns."
    for curve in drawn:
        row = store.trial(str(trial_of(UUID(detail.sweep_id), curve.market, best[0]["point"]))).row
        if not np.isclose(float(row["equity_usd"]), curve.final_equity_usd, rtol=0, atol=5e-7):
            return (), (
                f"Traded again, it ended with {curve.final_equity_usd:,.6f} USD and not with the {row['equity_usd']:,} "
                "that are stored: its analysts, recordings or libraries are not what they were."
            )
    return drawn, ""
