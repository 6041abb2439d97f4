"""What became of a sweep's winners out of sample, had they been chosen anew: figures to store, and sentences.

Walking forward and combinatorial purged cross-validation, over the same parts of time and the same points as the
probability of backtest overfitting. Conventions are in docs/luck.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cluster.facts import counted
from simulation.performance.metrics import YEAR_MS
from simulation.performance.overfitting import BlockSums
from simulation.performance.reselection import Parts, path_sharpes, walk_forward
from simulation.performance.splits import leave_training, n_splits
from simulation.sweeping.space import Listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulation.settings.strategy import Strategy
    from simulation.sweeping.settings import Sweep

TESTED_PARTS = 2
"""Parts of time that each split tests: of 16 it makes 120 splits and 15 paths."""

EMBARGO_SHARE = 0.01
"""Of the time: so much more is not trained on after a test (Advances in Financial Machine Learning, 7.4.2)."""

YEAR_HOURS = YEAR_MS // 3_600_000

_SLACK = 1e-9
"""Of a part: what rounding adds to a hold that ends with one."""

_HOLD = "strategy.max_hold_hours"


@dataclass(frozen=True, slots=True)
class Clock:
    """How the time of a sweep goes, as far as choosing anew must know."""

    periods_per_year: float
    part_periods: int
    """Returns of a trial in each part of time."""
    hold_hours: int
    """The longest that a position may be held."""
    first_part: int
    """The first that begins after the last rung, 0 without: all points that ran to the end did well before it."""

    @property
    def part_hours(self) -> float:
        """How long a part is."""
        return self.part_periods * YEAR_HOURS / self.periods_per_year


@dataclass(frozen=True, slots=True)
class Walked:
    """Walking forward: before each part of time the best of all parts before is chosen, and traded there."""

    steps: int
    winners: int
    """Different points among those chosen."""
    sharpe_ratio: float
    """Annualised, of what followed the choices."""


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """Combinatorial purged cross-validation; Sharpe ratios are annualised."""

    splits: int
    sharpe_ratios: tuple[float, ...]
    """Of each path."""
    median: float
    lowest: float
    share_below_zero: float


@dataclass(frozen=True, slots=True)
class Reselection:
    """What the winners of some of the time came to in the rest of it."""

    parts: int
    """Equal parts of time that may be tested: those after the last rung."""
    part_hours: float
    hold_hours: int
    purged_parts: int
    """Not trained on, on either side of a tested part: a position may be held from one into the other."""
    embargoed_parts: int
    """Not trained on beyond them, after a tested part; 0 where the purged ones are long enough for both."""
    best_sharpe_ratio: float
    """Annualised, of the best point over all parts: in sample."""
    walk_forward: Walked | None
    """None where no part is left to test."""
    cross_validation: CrossValidated | None
    """None where any split leaves nothing to train on."""


def reselection_in(stored: Mapping[str, Any]) -> Reselection | None:
    """Return it from what is stored of a sweep that has ended; None where that has none."""
    told = stored.get("reselection")
    if not told:
        return None
    walked, crossed = told["walk_forward"], told["cross_validation"]
    crossed = crossed and CrossValidated(**{**crossed, "sharpe_ratios": tuple(crossed["sharpe_ratios"])})
    return Reselection(**{**told, "walk_forward": walked and Walked(**walked), "cross_validation": crossed})


def longest_hold_hours(sweep: Sweep, strategy: Strategy) -> int:
    """Return how long a position may be held in any trial of a sweep: its space's highest, or what all trials have."""
    how = sweep.vary.get(_HOLD)
    if how is None:
        return strategy.max_hold_hours
    dimension = how.dimension(_HOLD)
    highest = max(dimension.values) if isinstance(dimension, Listed) else dimension.high
    return math.ceil(float(highest))


def reselection(sums: BlockSums, clock: Clock) -> Reselection:
    """Return what choosing anew comes to among two points or more, from the sums of their returns in parts of time."""
    hold = clock.hold_hours / clock.part_hours
    purged = math.ceil(hold - _SLACK)
    embargoed = math.ceil(hold + EMBARGO_SHARE * len(sums.first) - _SLACK) - purged
    year = math.sqrt(clock.periods_per_year)
    over_all = Parts(sums).sharpes(np.arange(len(sums.first)))
    return Reselection(
        parts=len(sums.first) - clock.first_part,
        part_hours=clock.part_hours,
        hold_hours=clock.hold_hours,
        purged_parts=purged,
        embargoed_parts=embargoed,
        best_sharpe_ratio=year * float(over_all.max()),
        walk_forward=_walked(sums, clock.first_part, year),
        cross_validation=_cross_validated(sums, clock.first_part, purged, embargoed, year),
    )


def _walked(sums: BlockSums, first_part: int, year: float) -> Walked | None:
    """Walk forward without purging: a return is known when its period ends, so that no choice knows of a later one."""
    n_parts = len(sums.first)
    if first_part >= n_parts:
        return None
    found = walk_forward(Parts(sums), n_parts, first=max(first_part, 1))
    return Walked(len(found.chosen), len(set(found.chosen)), year * found.sharpe)


def _cross_validated(
    sums: BlockSums, first_part: int, purged: int, embargoed: int, year: float
) -> CrossValidated | None:
    n_parts = len(sums.first) - first_part
    if n_parts <= TESTED_PARTS or not leave_training(n_parts, n_parts, TESTED_PARTS, purged, embargoed):
        return None
    tested = BlockSums(sums.rows, sums.center, sums.first[first_part:], sums.second[first_part:])
    found = year * path_sharpes(Parts(tested), n_parts, TESTED_PARTS, purged, embargoed)
    return CrossValidated(
        splits=n_splits(n_parts, TESTED_PARTS),
        sharpe_ratios=tuple(found.tolist()),
        median=float(np.median(found)),
        lowest=float(found.min()),
        share_below_zero=float((found < 0.0).mean()),
    )


def in_words(told: Reselection) -> list[str]:
    """Return what choosing anew came to, a sentence each way, or why it is not told."""
    return [_walked_in_words(told), _cross_validated_in_words(told)]


def _walked_in_words(told: Reselection) -> str:
    if told.walk_forward is None:
        return "Walking forward is not told: the last rung leaves no part of time after it."
    walked = told.walk_forward
    where = " after the last rung" if walked.steps == told.parts else ""  # without rungs the first part is not tested
    return (
        f"Walking forward: chosen anew by Sharpe ratio before each of {counted(walked.steps, 'part')} of time{where}, "
        f"{counted(walked.winners, 'winner')} had a Sharpe ratio of {walked.sharpe_ratio:.2f} in what followed; the "
        f"best over all time has {told.best_sharpe_ratio:.2f} (annualised)."
    )


def _cross_validated_in_words(told: Reselection) -> str:
    crossed, name = told.cross_validation, "Combinatorial purged cross-validation"
    if crossed is not None:
        return (
            f"{name}: on {counted(len(crossed.sharpe_ratios), 'path')} the median Sharpe ratio is "
            f"{crossed.median:.2f}, the lowest {crossed.lowest:.2f}; {100 * crossed.share_below_zero:.0f} % are below "
            "zero."
        )
    if told.parts <= TESTED_PARTS:
        return f"{name} is not told: the last rung leaves {counted(told.parts, 'part')} of time after it."
    return (
        f"{name} is not told: the track records are too short for holds of up to {counted(told.hold_hours, 'hour')}; "
        f"purged around each test, {told.parts} parts of {told.part_hours:.3g} hours leave nothing to train on."
    )
