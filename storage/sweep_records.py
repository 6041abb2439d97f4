"""What is read back of sweeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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


@dataclass(frozen=True, slots=True)
class TrialDetail:
    """A trial with the market that it was traded on."""

    scenario: dict[str, Any]
    """Of its market, with the account as it is without settings."""
    row: dict[str, Any]
    """Its columns by name."""


@dataclass(frozen=True, slots=True)
class TrialFigures:
    """The trials of some points, ordered by point and market; all arrays are of equal length."""

    point: NDArray[np.int64]
    market: NDArray[np.int64]
    failed: NDArray[np.bool_]
    pruned: NDArray[np.bool_]
    """Those that ended at a rung; their figures are those there."""
    figures: NDArray[np.float64]
    """(n_trials, n_figures), in the order of ``FIGURES``."""
    sums: NDArray[np.float64]
    """(n_trials, 2, n_parts): sums, and sums of squares, of the returns in equal parts; zeros where there are none."""
