"""What is read back of sweeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SweepDetail:
    """A sweep with what defines it."""

    sweep_id: str
    name: str
    spec: dict[str, Any]
    spec_hash: str
    markets: list[dict[str, Any]]
    points: int
    version: str
    status: str
    digest: str | None
    error_message: str
    verdict: dict[str, Any] | None
    started_at: datetime
    """Wall-clock time, as is the end; None before it."""
    finished_at: datetime | None


JUDGED = (
    "sharpe_ratio",
    "return_percent",
    "max_drawdown_percent",
    "total_trades",
    "failed_trades",
    "winning_trades",
    "losing_trades",
    "won_usd",
    "lost_usd",
    "gas_paid_usd",
)
"""Columns of a trial that its objectives are made of."""

FIGURES = (*JUDGED, "periods", "return_mean", "return_deviation", "skewness", "kurtosis")
"""Columns of a trial that it is ranked and judged by."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What the trials of some points came to, ordered by point and market; all arrays are of equal length."""

    point: NDArray[np.int64]
    market: NDArray[np.int64]
    failed: NDArray[np.bool_]
    pruned: NDArray[np.bool_]
    """Those that ended at a rung; their figures are those there."""
    figures: NDArray[np.float64]
    """(n_trials, n_figures), in the order of ``FIGURES``, of which ``JUDGED`` are the first."""

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a figure of all trials, (n_trials,)."""
        values: NDArray[np.float64] = self.figures[:, FIGURES.index(name)]
        return values


@dataclass(frozen=True, slots=True)
class TrialFigures(Outcomes):
    """The same with what tells of their returns over time."""

    sums: NDArray[np.float64]
    """(n_trials, 2, n_parts): sums, and sums of squares, of the returns in equal parts; zeros where there are none."""

    def some(self, are: NDArray[np.bool_]) -> TrialFigures:
        """Return those of the trials that are meant, (n_trials,)."""
        return TrialFigures(
            self.point[are], self.market[are], self.failed[are], self.pruned[are], self.figures[are], self.sums[are]
        )


@dataclass(frozen=True, slots=True)
class Covered:
    """How far a sweep has come, in trials."""

    trials: int
    """Committed, failed and pruned ones too."""
    skipped: int
    """Not traded, as a constraint forbids them."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A sweep in a file."""

    trials: int
    size_bytes: int
    digest: str | None
    """As it is stored; None before the end of the sweep."""


@dataclass(frozen=True, slots=True)
class TrialDetail:
    """A trial with the market that it was traded on."""

    scenario: dict[str, Any]
    """Of its market, with the account as it is without settings."""
    row: dict[str, Any]
    """Its columns by name."""
