"""What the market looks like at a review."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulation.market.segment import Segment

GWEI = 1e9


def market_conditions(segment: Segment, analyst: int = 0) -> dict[str, float | str]:
    """Return the market's state at the last block of a segment: an analyst's signals averaged over tokens, and gas."""
    signals = segment.signals[analyst, -1]
    trend = float(signals["trend_bp"].mean()) / 1e4
    return {
        "trend": round(trend, 4),
        "market_trend": "bullish" if trend > 0.2 else "bearish" if trend < -0.2 else "neutral",
        "mean_risk_percent": round(float(signals["risk_bp"].mean()) / 100, 2),
        "base_fee_gwei": round(int(segment.gas[-1]["base_fee_wei"]) / GWEI, 4),
    }
