"""What makes a market believable: a table of statistics, each with its recorded value and the band it must lie in.

A check measures one series. A simulated market and a recording offer series under the same names and are measured
by the same function. Bands are as wide as recorded markets differ from each other, so they are no points to be hit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from simulation.market import order_risk as risk
from simulation.market import statistics as st
from simulation.market.arbitrage_loss import loss_ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Series = NDArray[Any]
    Measure = Callable[[Series], float]

HOURS_PER_DAY, HOURS_PER_WEEK, MINUTES_PER_HOUR = 24, 168, 60
YEAR_DAYS = 365
"""What the seasons of volatility show in, which last for months: the level, the large moves of a year, the memory."""

FULL = 0.98
"""A block this full counts as full."""

ROUNDING = 1e-9
"""How far over the edge of its band a pool may seem to be."""

MODEL = "market model"
"""A band that was set before the first line of code, from recorded markets and a prototype (docs/market/realism.md)."""

OWN = "recorded values"
"""A band drawn around the recorded values, where the market model names none."""


@dataclass(frozen=True, slots=True)
class Band:
    """Where a statistic must lie, ends included, and what the band was drawn from."""

    low: float
    high: float
    source: str = MODEL

    def holds(self, value: float) -> bool:
        """Tell whether a value lies in the band; one that is not a number does not."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded value or the range of several, and where it comes from; NaN where nobody has recorded it."""

    low: float
    high: float
    source: str


@dataclass(frozen=True, slots=True)
class Check:
    """One row: what is measured on which series, in which unit, and what is expected of it."""

    group: str
    name: str
    unit: str
    series: str
    """The name under which a market offers what is measured; see ``simulation.market.sampling``."""
    measure: Measure
    band: Band
    recorded: Recorded
    least_days: int = 0
    """Days of hours in a sample below which the statistic says nothing of the market."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What several samples of a series came to: the median, and the smallest and largest."""

    median: float
    low: float
    high: float


def measure(check: Check, sample: Series) -> float:
    """Return a check's statistic on one sample of its series; NaN or infinite on one that is too still for it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return check.measure(sample)


def spread(values: Sequence[float]) -> Spread:
    """Return how the values of several samples spread."""
    return Spread(float(np.median(values)), float(np.min(values)), float(np.max(values)))


def _of_returns(statistic: Measure, step: int = 1) -> Measure:
    return lambda log_prices: statistic(st.log_returns(log_prices, step))


def _percent(measure: Measure) -> Measure:
    return lambda series: 100.0 * measure(series)


def _acf(lag: int) -> Measure:
    return partial(st.autocorrelation, lag=lag)


def _acf_of_sizes(lag: int) -> Measure:
    return lambda returns: st.autocorrelation(np.abs(returns), lag)


def _kurtosis_ratio(step: int) -> Measure:
    """Return the measure of how much more peaked returns are than those over ``step`` samples."""
    peaked, summed = _of_returns(st.excess_kurtosis), _of_returns(st.excess_kurtosis, step)
    return lambda log_prices: peaked(log_prices) / summed(log_prices)


def _of_volatility(statistic: Measure) -> Measure:
    return _of_returns(lambda returns: statistic(st.log_realised_volatility(returns, HOURS_PER_DAY)))


def _mean(values: Array) -> float:
    return float(values.mean())


def _deviation(values: Array) -> float:
    return float(values.std())


def _full_share(utilisation: Array) -> float:
    return float((utilisation >= FULL).mean())


def _smallest_ratio(fees: Array) -> float:
    return float((fees[1:] / fees[:-1]).min())


def _largest_ratio(fees: Array) -> float:
    return float((fees[1:] / fees[:-1]).max())


def _of_log_fee(statistic: Measure) -> Measure:
    return lambda fees: statistic(np.log(fees))


def _stale(quantile: float) -> Measure:
    return lambda fees: float(np.quantile(st.stale_fee_errors(fees, 12), quantile))


_ETH, _MIDS, _MEMES = "ETH 2019-25", "LINK UNI 2021-23", "3 memes 2021-23"
_MINUTES = "BTC 2022-01"
_POOL_DAYS, _POOL_DAY = "USDC/WETH 6 d", "USDC/WETH 1 d"
_RULE, _CALM, _ERA, _YEAR = "EIP-1559", "mainnet 2023-25", "mainnet 2023-05", "mainnet 2024-25"

_UNRECORDED = Recorded(math.nan, math.nan, "")


def _at(value: float, source: str) -> Recorded:
    return Recorded(value, value, source)


_DAILY_VOLATILITY_PERCENT = {"major": 4.2, "mid": 5.6, "meme": 8.7}

_PRICES_RECORDED = {
    "major: daily volatility": _at(4.2, _ETH),
    "major: excess kurtosis, 1 min": _at(23.0, _MINUTES),
    "major: excess kurtosis, 1 h": _at(29.0, _ETH),
    "major: kurtosis, 1 min / 1 h": _at(4.9, _MINUTES),
    "major: kurtosis, 1 h / 1 d": _at(2.6, _ETH),
    "major: tail exponent, 1 h": _at(2.63, _ETH),
    "major: acf of r, 1 h": _at(-0.01, _ETH),
    "major: acf of |r|, 1 h": _at(0.282, _ETH),
    "major: acf of |r|, 168 h": _at(0.145, _ETH),
    "mid: daily volatility": _at(5.6, _MIDS),
    "mid: excess kurtosis, 1 h": Recorded(22.0, 25.0, _MIDS),
    "mid: tail exponent, 1 h": _at(2.84, _MIDS),
    "mid: acf of |r|, 1 h": _at(0.28, _MIDS),
    "meme: daily volatility": Recorded(6.5, 8.7, _MEMES),
    "meme: excess kurtosis, 1 h": Recorded(13.0, 41.0, _MEMES),
    "meme: tail exponent, 1 h": Recorded(2.15, 2.34, _MEMES),
    "meme: acf of |r|, 1 h": Recorded(0.21, 0.39, _MEMES),
}
"""What was measured on the tokens of each class; nobody has recorded the rest."""


def _price_checks(token_class: str) -> tuple[Check, ...]:
    """Return what is asked of the reference prices of a class."""

    def check(name: str, unit: str, horizon: str, measure: Measure, band: Band, least_days: int = 0) -> Check:
        name = f"{token_class}: {name}"
        recorded = _PRICES_RECORDED.get(name, _UNRECORDED)
        return Check("prices", name, unit, f"{token_class} {horizon}", measure, band, recorded, least_days)

    volatility = _percent(_of_returns(partial(st.volatility_per_day, returns_per_day=HOURS_PER_DAY)))
    typical = _DAILY_VOLATILITY_PERCENT[token_class]
    kurtosis, falls = _of_returns(st.excess_kurtosis), Band(1.0, math.inf)
    return (
        check("daily volatility", "%", "1 h", volatility, Band(0.85 * typical, 1.15 * typical), YEAR_DAYS),
        check("excess kurtosis, 1 min", "", "1 min", kurtosis, Band(6.0, 92.0, OWN)),
        check("excess kurtosis, 1 h", "", "1 h", kurtosis, Band(8.0, 60.0), YEAR_DAYS),
        check("kurtosis, 1 min / 1 h", "", "1 min", _kurtosis_ratio(MINUTES_PER_HOUR), falls),
        check("kurtosis, 1 h / 1 d", "", "1 h", _kurtosis_ratio(HOURS_PER_DAY), falls),
        check("tail exponent, 1 h", "", "1 h", _of_returns(st.hill_exponent), Band(2.0, 3.3)),
        check("acf of r, 1 h", "", "1 h", _of_returns(_acf(1)), Band(-0.05, 0.05)),
        check("acf of |r|, 1 h", "", "1 h", _of_returns(_acf_of_sizes(1)), Band(0.15, 0.40)),
        check("acf of |r|, 168 h", "", "1 h", _of_returns(_acf_of_sizes(HOURS_PER_WEEK)), Band(0.0, 1.0), YEAR_DAYS),
    )


def _price(name: str, series: str, measure: Measure, band: Band, recorded: Recorded, least_days: int = 0) -> Check:
    return Check("prices", name, "", series, measure, band, recorded, least_days)


_KURTOSIS, _TOGETHER = _of_returns(st.excess_kurtosis), _of_returns(st.correlation)
_BY_DAY = Band(2.0, 25.0, OWN)
_MEMORY = "major: log daily volatility"

PRICES = (
    *(check for token_class in _DAILY_VOLATILITY_PERCENT for check in _price_checks(token_class)),
    _price("major: excess kurtosis, 1 d", "major 1 d", _KURTOSIS, _BY_DAY, _at(11.0, _ETH), YEAR_DAYS),
    _price("mid: excess kurtosis, 1 d", "mid 1 d", _KURTOSIS, _BY_DAY, _at(6.4, "SOL 2020-23"), YEAR_DAYS),
    _price(f"{_MEMORY}, deviation", "major 1 h", _of_volatility(_deviation), Band(0.45, 0.70, OWN), _at(0.56, _ETH),
           YEAR_DAYS),
    _price(f"{_MEMORY}, acf 1 d", "major 1 h", _of_volatility(_acf(1)), Band(0.50, 0.80), _at(0.63, _ETH), YEAR_DAYS),
    _price(f"{_MEMORY}, acf 30 d", "major 1 h", _of_volatility(_acf(30)), Band(0.15, 0.50), _at(0.29, _ETH), YEAR_DAYS),
    _price("correlation, major and major, 1 d", "major, major 1 d", _TOGETHER, Band(0.70, 0.95, OWN),
           _at(0.87, "BTC-ETH, by 1 h")),
    _price("correlation, major and mid, 1 h", "major, mid 1 h", _TOGETHER, Band(0.70, 0.90),
           Recorded(0.81, 0.82, "ETH-UNI ETH-LINK")),
    _price("correlation, major and meme, 1 h", "major, meme 1 h", _TOGETHER, Band(0.40, 0.65),
           Recorded(0.49, 0.60, "ETH-3 memes")),
    _price("correlation, meme and meme, 1 h", "meme, meme 1 h", _TOGETHER, Band(0.35, 0.65, OWN),
           Recorded(0.43, 0.59, _MEMES)),
)  # fmt: skip
"""Of reference prices."""


def _pool(name: str, unit: str, series: str, measure: Measure, band: Band, recorded: Recorded) -> Check:
    return Check("pools", name, unit, series, measure, band, recorded)


_STILL = _percent(st.still_share)
_AS_EXPECTED, _AS_IN_THEORY = Band(0.8, 1.2), Band(0.9, 1.1)

POOLS = (
    _pool("farthest from reference, in fees", "", "distances", st.farthest, Band(0.0, 1.0 + ROUNDING), _UNRECORDED),
    _pool("major: minutes in an unmoved tick", "%", "pool 1 min", _STILL, Band(20.0, 60.0),
          Recorded(35.2, 88.5, _POOL_DAYS)),
    _pool("major: acf of tick changes, 1 min", "", "pool 1 min", _of_returns(_acf(1)), Band(0.0, 1.0),
          Recorded(-0.10, 0.34, _POOL_DAYS)),
    _pool("major: blocks without a swap", "%", "pool 1 block", _STILL, Band(34.0, 54.0, OWN), _at(44.2, _POOL_DAY)),
    _pool("major: bunching of swaps, 5 min", "", "pool 1 block", partial(st.clustering, window=25), Band(0.8, 2.0, OWN),
          _at(1.53, _POOL_DAY)),
    _pool("major: arbitrages, of those expected", "", "major track", st.arbitrage_ratio, _AS_EXPECTED, _UNRECORDED),
    _pool("mid: arbitrages, of those expected", "", "mid track", st.arbitrage_ratio, _AS_EXPECTED, _UNRECORDED),
    _pool("major: loss to arbitrage, of expected", "", "major losses", loss_ratio, _AS_IN_THEORY, _UNRECORDED),
    _pool("mid: loss to arbitrage, of expected", "", "mid losses", loss_ratio, _AS_IN_THEORY, _UNRECORDED),
)  # fmt: skip
"""Of pools against the reference price."""


def _gas(name: str, unit: str, series: str, measure: Measure, band: Band, recorded: Recorded) -> Check:
    return Check("gas", name, unit, series, measure, band, recorded)


def _log_fee_acf(lag: int, band: Band, recorded: float) -> Check:
    name = f"log base fee, acf {lag} block{'s' if lag > 1 else ''}"
    return _gas(name, "", "base fee", _of_log_fee(_acf(lag)), band, _at(recorded, _ERA))


_STEP_DEVIATION = _percent(_of_log_fee(_of_returns(_deviation)))

GAS = (
    _gas("steps by the integer rule", "%", "lawful steps", _percent(_mean), Band(100.0, 100.0), _at(100.0, _RULE)),
    _gas("smallest step, ratio", "", "base fee", _smallest_ratio, Band(0.875, 1.0), _at(0.875, _RULE)),
    _gas("largest step, ratio", "", "base fee", _largest_ratio, Band(1.0, 1.125), _at(1.125, _RULE)),
    _gas("utilisation, mean", "%", "utilisation", _percent(_mean), Band(50.0, 52.0), Recorded(50.3, 50.7, _CALM)),
    _gas("utilisation, deviation", "%", "utilisation", _percent(_deviation), Band(12.0, 25.0, OWN),
         Recorded(14.9, 23.5, _CALM)),
    _gas("utilisation, acf 1 block", "", "utilisation", _acf(1), Band(-0.35, -0.05), Recorded(-0.304, -0.154, _CALM)),
    _gas("full blocks", "%", "utilisation", _percent(_full_share), Band(1.0, 7.0), Recorded(1.9, 6.8, _CALM)),
    _gas("log base fee, step deviation", "%", "base fee", _STEP_DEVIATION, Band(3.0, 6.0, OWN),
         Recorded(3.66, 5.8, _CALM)),
    _log_fee_acf(1, Band(0.94, 1.0, OWN), 0.99),
    _log_fee_acf(10, Band(0.85, 0.99, OWN), 0.94),
    _log_fee_acf(100, Band(0.60, 0.85), 0.77),
    _log_fee_acf(300, Band(0.30, 0.72, OWN), 0.56),
    _gas("fee 12 blocks old, median error", "%", "base fee", _percent(_stale(0.5)), Band(3.0, 6.0), _at(4.0, _YEAR)),
    _gas("fee 12 blocks old, 90 % error", "%", "base fee", _percent(_stale(0.9)), Band(9.0, 16.0), _at(12.1, _YEAR)),
)  # fmt: skip
"""Of the base fee of a calm Ethereum."""


def _adverse(tolerance_percent: float, lag: int, recorded_percent: float, factor: float) -> Check:
    """Return the check of how often a price leaves an order's tolerance, within a factor of what was recorded."""
    name = f"leave {tolerance_percent:g} % in {lag} block{'s' if lag > 1 else ''}"
    measure = _percent(partial(risk.adverse_share, lag=lag, tolerance=tolerance_percent / 100.0))
    band = Band(recorded_percent / factor, recorded_percent * factor, OWN)
    return Check("orders", name, "%", "pool days", measure, band, _at(recorded_percent, _POOL_DAY))


def _order(name: str, measure: Measure, band: Band, recorded: Recorded = _UNRECORDED) -> Check:
    return Check("orders", name, "", "orders", measure, band, recorded)


_DAYS_DIFFER, _FEW = 2.0, 4.0
"""Six recorded pool days differ by a factor of 3.7, 1.9 either way of their middle, in what leaves 0.1 % within a
minute. Shares below 0.3 % are some ten moves of the recorded day, a number that chance alone halves or doubles."""

_NONE, _RISES = Band(0.0, 0.0), Band(0.0, 1.0)

ORDERS = (
    _adverse(0.1, 1, 0.51, _DAYS_DIFFER),
    _adverse(0.1, 3, 2.4, _DAYS_DIFFER),
    _adverse(0.1, 10, 9.3, _DAYS_DIFFER),
    _adverse(0.3, 3, 0.16, _FEW),
    _adverse(0.5, 10, 0.20, _FEW),
    _order("reverts, 1 block / 10 blocks", partial(risk.revert_ratio, field="delay_blocks"), _RISES),
    _order("reverts, 0.5 % / 0.1 %", partial(risk.revert_ratio, field="tolerance_bp", falls=True), _RISES),
    _order("reverts, quiet / loud", partial(risk.revert_ratio, field="is_loud"), _RISES),
    _order("filled below their minimum", risk.fills_below_minimum, _NONE, _at(0.0, "router's rule")),
    _order("victims off their minimum", risk.victims_off_minimum, _NONE),
    _order("attacked below the threshold", risk.attacks_below_threshold, _NONE),
    _order("attacked, small / large", partial(risk.attack_ratio, field="size_usd"), _RISES),
    _order("attacked, 0.3 % / 3 %", partial(risk.attack_ratio, field="tolerance_bp"), _RISES),
    _order("victims' losses found again", risk.recovered_losses, Band(0.99, 1.01)),
)  # fmt: skip
"""Of orders between their quote and their block."""

CHECKS = PRICES + POOLS + ORDERS + GAS
"""Every check, in the order in which they are shown."""
