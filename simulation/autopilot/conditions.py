"""What the market looks like at a review."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from simulation.autopilot.records import MARKET
from simulation.copies import read_only
from simulation.jit import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.market.segment import Segment

GWEI = 1e9
TREND = 0.2
"""A mean trend score beyond this is called bullish or bearish."""

HALF = 50.0
"""From here on volatility is wild, and gas dear, in percent of their scores' range."""

TRENDS = ("neutral", "bullish", "bearish")
_NEUTRAL, _BULLISH, _BEARISH = range(len(TRENDS))


class Conditions(NamedTuple):
    """The market at a block as one analyst scores it, averaged over tokens."""

    trend: float  # -1 to 1
    risk_percent: float
    volatility_percent: float  # 0 for calm, 100 for wild
    gas_percent: float  # 0 for cheap, 100 for dear
    base_fee_gwei: float

    @property
    def market_trend(self) -> str:
        """The trend as a word."""
        return TRENDS[self.regime // 2 % len(TRENDS)]

    @property
    def regime(self) -> int:
        """The number of the regime, of volatility, trend and gas."""
        return int(regime_of(self.trend, self.volatility_percent, self.gas_percent))

    @classmethod
    def of(cls, market: np.void) -> Self:
        """Return those of a MARKET record."""
        return cls(*market.tolist()[:-1])

    def as_dict(self) -> dict[str, float | str]:
        """Return it for the log."""
        return {
            "trend": round(self.trend, 4),
            "market_trend": self.market_trend,
            "mean_risk_percent": round(self.risk_percent, 2),
            "volatility_percent": round(self.volatility_percent, 2),
            "gas_percent": round(self.gas_percent, 2),
            "base_fee_gwei": round(self.base_fee_gwei, 4),
        }


def market_conditions(segment: Segment) -> NDArray[np.void]:
    """Return the market's state at the last block of a segment: MARKET records, one an analyst."""
    markets = np.empty(len(segment.signals), MARKET)
    _average(read_only(segment.signals), read_only(segment.gas), markets)
    return markets


@compiled
def _average(signals, gas_of_blocks, markets):
    n_tokens, last = signals.shape[2], len(gas_of_blocks) - 1
    for analyst in range(len(signals)):
        trend, risk, volatility, gas = 0, 0, 0, 0
        for token in range(n_tokens):
            signal = signals[analyst, last, token]
            trend += signal.trend_bp
            risk += signal.risk_bp
            volatility += signal.volatility_bp
            gas += signal.gas_bp
        market = markets[analyst]
        market.trend = trend / n_tokens / 1e4
        market.risk_percent = risk / n_tokens / 100
        market.volatility_percent = (10_000 - volatility / n_tokens) / 200
        market.gas_percent = (10_000 - gas / n_tokens) / 200
        market.base_fee_gwei = gas_of_blocks[last].base_fee_wei / GWEI
        market.regime = regime_of(market.trend, market.volatility_percent, market.gas_percent)


@compiled
def regime_of(trend, volatility_percent, gas_percent):
    """Return the number of the regime, of volatility, trend and gas."""
    direction = _BULLISH if trend > TREND else _BEARISH if trend < -TREND else _NEUTRAL
    return int(volatility_percent >= HALF) * 6 + direction * 2 + int(gas_percent >= HALF)
