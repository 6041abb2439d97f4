"""What the market looks like at a review."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from simulation.market.segment import Segment

GWEI = 1e9
TREND = 0.2
"""A mean trend score beyond this is called bullish or bearish."""

HALF = 50.0
"""From here on volatility is wild, and gas dear, in percent of their scores' range."""

TRENDS = ("neutral", "bullish", "bearish")


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
        return "bullish" if self.trend > TREND else "bearish" if self.trend < -TREND else "neutral"

    @property
    def regime(self) -> int:
        """The number of the regime, of volatility, trend and gas."""
        trend = TRENDS.index(self.market_trend)
        return int(self.volatility_percent >= HALF) * 6 + trend * 2 + int(self.gas_percent >= HALF)

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


def market_conditions(segment: Segment, analyst: int = 0) -> Conditions:
    """Return the market's state at the last block of a segment."""
    signals = segment.signals[analyst, -1]
    return Conditions(
        trend=float(signals["trend_bp"].mean()) / 1e4,
        risk_percent=float(signals["risk_bp"].mean()) / 100,
        volatility_percent=(10_000 - float(signals["volatility_bp"].mean())) / 200,
        gas_percent=(10_000 - float(signals["gas_bp"].mean())) / 200,
        base_fee_gwei=int(segment.gas[-1]["base_fee_wei"]) / GWEI,
    )
