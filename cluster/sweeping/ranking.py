"""Which points were best, and whether luck is a sufficient explanation for it.

The trials are read twice, a thousand points at a time: first for what deflates (how much Sharpe ratios differ, how
alike the trials are, a sample for the probability of overfitting), then for the points that stand out. Only points that
ran to the end stand out; those that were pruned at a rung were looked at all the same, and deflate (docs/luck.md). A
point whose setting another one has had is left out of both.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from cluster.sweeping.figures import has_failed, of_points, was_pruned
from cluster.sweeping.reselecting import Clock, Reselection, longest_hold_hours, reselection
from cluster.sweeping.survey import across_markets, front_of, no_points, sampled, whole_points
from cluster.sweeping.tracks import tracks_of
from simulation.performance.moments import Moments
from simulation.performance.overfitting import BlockSums, joined, overfitting
from simulation.performance.trials import Likeness, TrialCount, likeness
from simulation.performance.verdict import Verdict, judge
from simulation.sweeping.settings import Across, Direction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from numpy.typing import NDArray

    from actors.trials import Terms
    from cluster.sweeping.survey import Points
    from cluster.sweeping.tracks import Tracks
    from simulation.sweeping.settings import Sweep
    from storage.store import Store
    from storage.sweep_records import TrialFigures

    _Standing = tuple[float, int, "Ranked", Moments]
    """A point that stands out, after what sorts it and its number, with its track record."""

POINTS_AT_ONCE = 1_024
"""So few that the driver's memory does not grow with the sweep."""

RANKED = 20
"""So many points are told of."""

SAMPLED_POINTS = 4_096
"""So many, evenly spread, are looked at over time: for the probability of overfitting more would take minutes."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A point that stands out."""

    point: int
    settings: dict[str, Any]
    objectives: tuple[float, ...]
    sharpe_ratio: float
    """Annualised, of the returns on all markets one after another."""
    dsr: float
    """Its deflated Sharpe ratio."""
    return_percent: float
    """Mean over its markets, as are drawdown and trades."""
    max_drawdown_percent: float
    total_trades: float


@dataclass(frozen=True, slots=True)
class Beyond:
    """A point of the Pareto front: no other one beats it in every objective."""

    point: int
    settings: dict[str, Any]
    objectives: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """What became of a sweep."""

    ranked: tuple[Ranked, ...]
    verdict: Verdict | None
    """On the first; None where no point was traded."""
    overfitting: float | None
    """The probability of backtest overfitting; None where the returns are too few, or the points fewer than two."""
    reselection: Reselection | None
    """What winners that are chosen anew come to; None where the probability of overfitting is."""
    points: int
    """That were traded, the pruned ones included."""
    pruned: int
    failed: int
    repeated: int
    """That have the setting of another point; in none of the other numbers."""
    front: tuple[Beyond, ...] = ()
    """The Pareto front where there are several objectives, the best by the first one first; else empty."""
    front_size: int = 0
    """How many it has; a long one is thinned evenly to what is told of it."""

    def as_json(self) -> dict[str, Any]:
        """Return it for the table of sweeps and for machines."""
        return {
            "verdict": None if self.verdict is None else asdict(self.verdict),
            "probability_of_overfitting": self.overfitting,
            "reselection": None if self.reselection is None else asdict(self.reselection),
            "points": self.points,
            "pruned": self.pruned,
            "failed": self.failed,
            "repeated": self.repeated,
            "front_size": self.front_size,
            "front": [asdict(one) for one in self.front],
            "best": [asdict(one) for one in self.ranked],
        }


def rank(store: Store, sweep_id: UUID, sweep: Sweep, terms: Terms, n_paths: int) -> Ranking:
    """Read all trials of a sweep and return what stands out, the best by the deflated Sharpe ratio first.

    ``terms`` are those of any of its markets, which have the same account and the same periods; ``n_paths`` tells how
    many of them are independent. Where the first objective is another figure than the Sharpe ratio over all markets,
    that sorts, and the verdict is on its best.
    """
    repeated = store.repeated_points(sweep_id) if sweep.may_repeat else np.empty(0, np.int64)
    chunks = partial(_chunks, store, sweep_id, sweep, repeated)
    spread = _Spread(sweep, n_paths)
    for trials in chunks():
        spread.add(trials)
    count, n_repeated = spread.count, len(repeated)
    if count.finished == 0:
        return Ranking((), None, None, None, count.pruned, count.pruned, count.failed, n_repeated)
    n_effective = count.effective(spread.mean_correlation)
    sr0 = judge(Moments(2, 0.0, 1.0), spread.variance, count.looked_at, n_effective).sr0
    best: list[_Standing] = []
    front, front_size = no_points(sweep), 0
    for trials in chunks():
        standing_out = _standing_out(sweep, trials, spread.tracks(trials), sr0, terms.periods_per_year)
        best = sorted([*best, *standing_out], key=itemgetter(0, 1))[:RANKED]
        if len(sweep.objectives) > 1:
            front, front_size = front_of(sweep, front.plus(whole_points(sweep, trials)[0]))
    ranked = tuple(replace(one, settings=store.settings_of(sweep_id, one.point)) for _, _, one, _ in best)
    verdict = judge(best[0][3], spread.variance, count.looked_at, n_effective)
    sums = spread.sums()
    return Ranking(
        ranked,
        verdict,
        None if sums is None else overfitting(sums).probability,
        None if sums is None else reselection(sums, spread.clock(terms)),
        count.finished + count.pruned,
        count.pruned,
        count.failed,
        n_repeated,
        _told(store, sweep_id, sweep, front),
        front_size,
    )


def _told(store: Store, sweep_id: UUID, sweep: Sweep, front: Points) -> tuple[Beyond, ...]:
    """Return the points of a front with their settings."""
    points = front.numbers.tolist()
    settings = store.settings_of_points(sweep_id, points) if points else {}
    values = across_markets(sweep, front).tolist()
    return tuple(Beyond(point, settings[point], tuple(row)) for point, row in zip(points, values, strict=True))


def _chunks(store: Store, sweep_id: UUID, sweep: Sweep, repeated: NDArray[np.int64]) -> Iterator[TrialFigures]:
    """Yield the trials of all points but the ``repeated`` ones, whose numbers ascend."""
    for first in range(0, sweep.n_points, POINTS_AT_ONCE):
        end = min(first + POINTS_AT_ONCE, sweep.n_points)
        trials = store.trials_between(sweep_id, first, end)
        left_out = repeated[slice(*np.searchsorted(repeated, (first, end)))]
        if len(left_out):
            trials = trials.some(~np.isin(trials.point, left_out))
        if len(trials.point):
            yield trials


def _finished(sweep: Sweep, trials: TrialFigures) -> NDArray[np.bool_]:
    """Tell of each point whether it ran to the end."""
    return ~has_failed(sweep, trials) & ~was_pruned(sweep, trials)


def _keys(sweep: Sweep, values: NDArray[np.float64], above: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what sorts, the best first: what the deflated figure comes of, or the first objective.

    The objective where that is no Sharpe ratio, or not one over all markets.
    """
    first = sweep.objectives[0]
    if first.figure == "sharpe_ratio" and first.direction is Direction.MAXIMIZE and first.across is Across.MEAN:
        return -above
    return -values if first.direction is Direction.MAXIMIZE else values


def _standing_out(
    sweep: Sweep, trials: TrialFigures, tracks: Tracks, sr0: float, periods_per_year: float
) -> list[_Standing]:
    """Return the best of these points, each with its keys and its track record; their settings are not known yet."""
    objectives, n_markets, dsr = of_points(sweep, trials), sweep.markets.size, tracks.probability_above(sr0)
    keys, points = _keys(sweep, objectives[:, 0], tracks.deviations_above(sr0)), trials.point[::n_markets]
    means = {
        name: trials.column(name).reshape(-1, n_markets).mean(axis=1)
        for name in ("return_percent", "max_drawdown_percent", "total_trades")
    }
    finished = np.flatnonzero(_finished(sweep, trials))
    places = finished[np.lexsort((points[finished], keys[finished]))][:RANKED]
    found = []
    for place in places.tolist():
        ranked = Ranked(
            point=int(points[place]),
            settings={},
            objectives=tuple(objectives[place].tolist()),
            sharpe_ratio=float(tracks.sharpe[place] * np.sqrt(periods_per_year)),
            dsr=float(dsr[place]),
            **{name: float(of_all[place]) for name, of_all in means.items()},
        )
        found.append((float(keys[place]), ranked.point, ranked, tracks.one(place)))
    return found


class _Spread:
    """What is added up over all points, in their order: how Sharpe ratios differ, and how alike the trials are.

    Sharpe ratios are those of all that were traded, as far as they came: a short track record has more noise in it, so
    that they differ more and deflate more. What compares points over time is of those that ran to the end.
    """

    def __init__(self, sweep: Sweep, n_paths: int) -> None:
        self._sweep, self._n_paths = sweep, n_paths
        share = math.prod(rung.keep_percent / 100 for rung in sweep.rungs)
        self._wanted = sampled(sweep.n_points, int(SAMPLED_POINTS / share))
        self._likeness: Likeness | None = None
        self._sampled: list[BlockSums] = []
        self._mean = self._m2 = 0.0
        self._traded = 0
        self._periods = self._rung = 0  # of a trial that ran to the end, and of those that came furthest of the pruned
        self.count = TrialCount(0)

    def tracks(self, trials: TrialFigures) -> Tracks:
        """Return the track records of points."""
        return tracks_of(self._sweep, trials, self._n_paths)

    def add(self, trials: TrialFigures) -> None:
        """Take the next points."""
        failed, finished = has_failed(self._sweep, trials), _finished(self._sweep, trials)
        n_failed, n_finished = int(failed.sum()), int(finished.sum())
        self.count += TrialCount(n_finished, len(failed) - n_failed - n_finished, n_failed)
        self._note_sharpe(self.tracks(trials).sharpe[~failed])
        periods = trials.column("periods")
        self._rung = max(self._rung, int(periods[trials.pruned].max(initial=0)))
        self._periods = max(self._periods, int(periods.max(initial=0)))
        if n_finished:
            self._note_returns(trials, np.flatnonzero(finished))

    def _note_sharpe(self, sharpe: NDArray[np.float64]) -> None:
        """Take more Sharpe ratios into mean and squared differences from it, as Chan, Golub and LeVeque do (1983)."""
        if not len(sharpe):
            return
        before, mean = self._traded, float(sharpe.mean())
        self._traded += len(sharpe)
        step = mean - self._mean
        self._mean += step * len(sharpe) / self._traded
        self._m2 += float(((sharpe - mean) ** 2).sum()) + step**2 * before * len(sharpe) / self._traded

    def _note_returns(self, trials: TrialFigures, places: NDArray[np.intp]) -> None:
        first, second = self._sums(trials, places)
        alike = likeness(first)
        self._likeness = alike if self._likeness is None else self._likeness + alike
        n_markets = self._sweep.markets.size
        kept = np.flatnonzero(np.isin(trials.point[::n_markets][places], self._wanted))
        if len(kept):
            rows = int(trials.column("periods")[places[0] * n_markets]) // int(trials.sums.shape[2])
            self._sampled.append(BlockSums(rows, np.zeros(len(kept)), first[:, kept].copy(), second[:, kept].copy()))

    def _sums(self, trials: TrialFigures, places: NDArray[np.intp]) -> tuple[Any, Any]:
        """Return sums and sums of squares of the returns of each part of time on each market: (n_parts, n_points)."""
        n_markets, n_parts = self._sweep.markets.size, trials.sums.shape[2]
        by_point = trials.sums.reshape(-1, n_markets, 2, n_parts)[places]
        first, second = (by_point[:, :, which].reshape(len(places), -1).T for which in (0, 1))
        if n_markets == 1:
            return first, second
        first, second = (part.reshape(n_markets, n_parts, -1).sum(axis=0) for part in (first, second))
        return first, second

    @property
    def variance(self) -> float:
        """Of the Sharpe ratios per period, ddof 1."""
        return self._m2 / (self._traded - 1) if self._traded > 1 else 0.0

    @property
    def mean_correlation(self) -> float:
        """Between those that ran to the end, by the parts of their time."""
        return self._likeness.mean_correlation if self._likeness is not None else 0.0

    def sums(self) -> BlockSums | None:
        """Return the returns of a sample of the points that ran to the end.

        None where they are too few to compare, or the points all have the same, of which none can be chosen.
        """
        if not self._sampled or self._sampled[0].rows < 2:
            return None
        sums = joined(self._sampled)
        if not np.ptp(sums.first, axis=1).any():
            return None
        return BlockSums(sums.rows * self._sweep.markets.size, sums.center, sums.first, sums.second)

    def clock(self, terms: Terms) -> Clock:
        """Return how the time of that sample goes."""
        rows, n_parts = self._sampled[0].rows, len(self._sampled[0].first)
        before = self._periods - rows * n_parts
        return Clock(
            periods_per_year=terms.periods_per_year,
            part_periods=rows,
            hold_hours=longest_hold_hours(self._sweep, terms.account.strategy),
            first_part=max(math.ceil((self._rung - before) / rows), 0),
        )
