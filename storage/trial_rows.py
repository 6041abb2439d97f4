"""Trials as rows: what a cohort of them came to, a column at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from simulation.performance.moments import row_moments
from storage.columns import INTEGER, TEXT, Column, Table, digits
from storage.copying import encode, escaped, to_json
from storage.ids import ORDINAL_DIGITS, Kind, derive, stem_of
from storage.units import USD_PLACES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from numpy.typing import NDArray

    from simulation.sweeping import columns as varied

PARTS = 16
"""Into so many equal parts the returns of a trial are summed: enough for 12,870 ways to halve them."""

USD_DIGITS, PERCENT_DIGITS = f"%se-{USD_PLACES}", "%se-2"


@dataclass(frozen=True, slots=True)
class SweepContext:
    """Who writes: a sweep, and how often its market marks a year."""

    sweep_id: UUID
    prefix: int
    periods_per_year: float


@dataclass(frozen=True)  # without slots, so that what several columns need is kept once it is computed
class Results:
    """The trials of a cohort: some points of a sweep on one of its markets."""

    context: SweepContext
    market: int
    numbers: Sequence[int]
    """Of the points in the sweep."""
    columns: Sequence[varied.Column]
    """Their points."""
    errors: Sequence[str]
    """Why each could not be run; nothing where it could."""
    told: NDArray[np.void]
    """TRIAL, (n_trials,)."""
    returns: NDArray[np.float64]
    """Of each period, (n_trials, n_periods)."""
    status: str = "COMPLETED"
    """How those ended that could be run."""

    @cached_property
    def moments(self) -> tuple[NDArray[np.float64], ...]:
        """Mean, deviation, skewness and kurtosis of each trial's returns, (n_trials,)."""
        return row_moments(self.returns)

    @cached_property
    def sharpe_ratios(self) -> NDArray[np.float64]:
        """The annualised Sharpe ratio of each trial, 0.0 where its returns do not differ."""
        mean, deviation, _, _ = self.moments
        ratios: NDArray[np.float64] = np.zeros_like(mean)
        np.divide(mean, deviation, where=deviation > 0, out=ratios)
        ratios *= np.sqrt(self.context.periods_per_year)
        return ratios

    def kept(self, name: str) -> NDArray[np.float64]:
        """Return what a column says of all trials, (n_trials,)."""
        return np.asarray(_KEPT[name](self), np.float64)

    def __getitem__(self, field: str) -> list[str]:
        """Return the digits of a field of all TRIAL records."""
        return digits(self.told[field])


@dataclass(frozen=True, slots=True)
class CohortBatch:
    """What a worker hands to the writer: the trials of one cohort, committed together or not at all."""

    sweep_id: UUID
    conductor: int
    cohort_id: UUID
    cohort: bytes
    """COPY text of its row of ``sweep_cohorts``."""
    trials: bytes
    """COPY text of its trials."""

    @property
    def n_rows(self) -> int:
        """How many trials there are."""
        return self.trials.count(b"\n")


COHORT_COLUMNS = ("cohort_id", "sweep_id", "market", "first_point", "n_points", "skipped")


def rows_of(results: Results) -> bytes:
    """Return trials as COPY text."""
    return TRIALS.encode(results) if results.numbers else b""


def batch_of(
    context: SweepContext, conductor: int, market: int, first_point: int, n_points: int, skipped: int, trials: bytes
) -> CohortBatch:
    """Return the batch of ``n_points`` points from ``first_point`` on, with the rows of all but the skipped ones."""
    key = derive(context.prefix, Kind.COHORT, market, first_point)
    row = key, context.sweep_id, market, first_point, n_points, skipped
    return CohortBatch(context.sweep_id, conductor, key, encode([row]), trials)


def part_sums(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sums, and sums of squares, of the returns in PARTS equal parts: (n_trials, 2, PARTS).

    Where PARTS does not divide their number, the oldest are left out; with fewer than two for a part there are none:
    (n_trials, 2, 0).
    """
    rows = returns.shape[1] // PARTS
    if rows < 2:
        return np.zeros((len(returns), 2, 0))
    kept = returns[:, returns.shape[1] - rows * PARTS :].reshape(len(returns), PARTS, rows)
    return np.stack([kept.sum(axis=2), (kept**2).sum(axis=2)], axis=1)


def _keys(results: Results) -> list[str]:
    stem = stem_of(results.context.prefix, Kind.TRIAL, results.market)
    return [f"{stem}{number:0{ORDINAL_DIGITS}x}" for number in results.numbers]


def settings_of(columns: Sequence[varied.Column]) -> list[str]:
    """Return the settings of each trial as JSON in COPY text, as ``to_json`` has it; a value is written once."""
    members = []
    for column in columns:
        name = escaped(to_json(column.path))
        texts = [f"{name}:{_in_json(value)}" for value in column.values]
        members.append([texts[code] for code in column.codes.tolist()])
    return [f"{{{','.join(row)}}}" for row in zip(*members, strict=True)]


def _in_json(value: Any) -> str:
    return repr(value) if type(value) in _PLAIN else escaped(to_json(value))


_PLAIN = int, float
"""JSON has finite ones as Python has them; a bool is none of these."""


def _sums(results: Results) -> list[str]:
    sums = part_sums(results.returns).astype("<f8")
    digits, n_digits = sums.tobytes().hex(), 2 * sums[:1].nbytes
    return [f"\\\\x{digits[row * n_digits : (row + 1) * n_digits]}" for row in range(len(sums))]


def _return_percent(results: Results) -> NDArray[np.float64]:
    growth: NDArray[np.float64] = results.told["equity_micro_usd"] / results.told["initial_micro_usd"] - 1.0
    return 100.0 * growth


def _total_trades(results: Results) -> NDArray[np.int64]:
    total: NDArray[np.int64] = results.told["completed_trades"] + results.told["failed_trades"]
    return total


def _usd_of(field: str) -> Callable[[Results], Any]:
    return lambda results: results.told[field] / 1e6


_KEPT: dict[str, Callable[[Results], Any]] = {
    "sharpe_ratio": lambda results: results.sharpe_ratios,
    "return_percent": _return_percent,
    "max_drawdown_percent": lambda results: results.told["max_drawdown_bp"] / 100.0,
    "total_trades": _total_trades,
    "failed_trades": lambda results: results.told["failed_trades"],
    "winning_trades": lambda results: results.told["winning_trades"],
    "losing_trades": lambda results: results.told["losing_trades"],
    "won_usd": _usd_of("won_micro_usd"),
    "lost_usd": _usd_of("lost_micro_usd"),
    "gas_paid_usd": _usd_of("gas_paid_micro_usd"),
}
"""What trials are judged by, by the name of the column."""


def _moment(name: str, place: int) -> Column[Results]:
    return Column(name, TEXT, lambda results: digits(results.moments[place]))


def _integer(name: str, field: str) -> Column[Results]:
    return Column(name, TEXT, lambda results: results[field])


def _usd(name: str, field: str) -> Column[Results]:
    return Column(name, USD_DIGITS, lambda results: results[field])


def _constant(name: str, of: Callable[[Results], Any]) -> Column[Results]:
    return Column(name, TEXT, lambda results: repeat(of(results)))


TRIALS: Table[Results] = Table((
    Column("trial_id", TEXT, _keys),
    _constant("sweep_id", lambda results: str(results.context.sweep_id)),
    _constant("market", lambda results: results.market),
    Column("point", INTEGER, lambda results: results.numbers),
    Column("settings", TEXT, lambda results: settings_of(results.columns)),
    Column("status", TEXT, lambda results: ["ERROR" if error else results.status for error in results.errors]),
    Column("error_message", TEXT, lambda results: [escaped(error) for error in results.errors]),
    _integer("blocks", "next_block"),
    _usd("equity_usd", "equity_micro_usd"),
    Column("return_percent", TEXT, lambda results: digits(_return_percent(results))),
    Column("sharpe_ratio", TEXT, lambda results: digits(results.sharpe_ratios)),
    Column("max_drawdown_percent", PERCENT_DIGITS, lambda results: results["max_drawdown_bp"]),
    Column("total_trades", TEXT, lambda results: digits(_total_trades(results))),
    _integer("failed_trades", "failed_trades"),
    _integer("winning_trades", "winning_trades"),
    _integer("losing_trades", "losing_trades"),
    _usd("won_usd", "won_micro_usd"),
    _usd("lost_usd", "lost_micro_usd"),
    _usd("gas_paid_usd", "gas_paid_micro_usd"),
    _usd("fee_usd", "fees_micro_usd"),
    _usd("price_impact_usd", "impact_micro_usd"),
    _usd("drift_usd", "drift_micro_usd"),
    _usd("sandwich_usd", "sandwich_micro_usd"),
    _usd("failure_usd", "failure_micro_usd"),
    Column("periods", TEXT, lambda results: repeat(results.returns.shape[1])),
    _moment("return_mean", 0),
    _moment("return_deviation", 1),
    _moment("skewness", 2),
    _moment("kurtosis", 3),
    Column("part_sums", TEXT, _sums),
))  # fmt: skip
