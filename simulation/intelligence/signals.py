"""The built-in analyst: five factors of the market become opportunity, risk and confidence.

A signal depends on the market only, so it is made once for all sessions. Row i knows rows up to its own block
and ``HISTORY_BLOCKS`` before it, and is the same to the bit however a run is cut into segments.

Each factor is rounded to basis points first and everything else follows from the rounded factors, so that a
stored signal can be checked and explained from its own numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulation.intelligence.features import HISTORY_BLOCKS, Features, measure
from simulation.state import SIGNAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FACTORS", "HISTORY_BLOCKS", "NEUTRAL_BP", "Factor", "analyse", "score"]

FULL_BP = 10_000
NEUTRAL_BP = 5_000
"""The opportunity that speaks neither for buying nor for selling."""

REFERENCE_VOLATILITY = 0.0007
"""Per block: between a major's 0.05 % and a meme's 0.1 % in blocks of 12 s (4.2 % and 8.7 % a day)."""

MIDDLE_DEPTH_USD = 316_000.0
"""Halfway, in ratio, between a pool of 10 thousand and one of 10 million USD."""

FULL_STRENGTH = 0.85
"""The weighted sum of the factors, of 1, that counts as the strongest conviction.

Chosen so that prices on random walks reach a confidence of 50, 60 and 70 % in favour of buying in about 20, 13
and 6 % of all blocks; the tests hold it there.
"""

RISK_DISCOUNT = 0.3
"""Share of the confidence that the greatest risk takes away."""


class Factor(NamedTuple):
    """A factor's share in the scores; ``<name>_bp`` of a SIGNAL record is its value."""

    name: str
    opportunity_weight: int  # percent
    risk_weight: int  # percent; a factor at its worst adds that much risk


FACTORS = (
    Factor("trend", 38, 0),
    Factor("momentum", 48, 0),
    Factor("volatility", 6, 50),
    Factor("depth", 4, 30),
    Factor("gas", 4, 20),
)
"""Who speaks how loudly: the direction comes from trend and momentum, the risk from the rest."""


def analyse(mids: NDArray[np.void], gas: NDArray[np.void], n_blocks: int) -> NDArray[np.void]:
    """Return the SIGNAL records of the last ``n_blocks`` blocks, shape ``(n_blocks, n_tokens)``.

    ``mids`` is MID ``(HISTORY_BLOCKS + n_blocks, n_tokens)`` and ``gas`` GAS ``(HISTORY_BLOCKS + n_blocks,)``;
    the first ``HISTORY_BLOCKS`` rows are the past.
    """
    assert len(mids) == len(gas) == HISTORY_BLOCKS + n_blocks
    signals = np.empty((n_blocks, mids.shape[1]), SIGNAL)
    scored = score(measure(mids, gas))
    for factor in FACTORS:
        signals[f"{factor.name}_bp"] = np.rint(FULL_BP * scored[factor.name])
    factors = [signals[f"{factor.name}_bp"].astype(np.float64) for factor in FACTORS]
    edge_bp = _edge_bp(factors)
    risk_bp = np.rint(_weighted([factor.risk_weight for factor in FACTORS], [(FULL_BP - f) / 2 for f in factors]))
    signals["opportunity_bp"] = NEUTRAL_BP + np.rint(edge_bp / 2)
    signals["risk_bp"] = risk_bp
    signals["confidence_bp"] = np.rint(_confidence_bp(edge_bp, factors, risk_bp))
    return signals


def score(features: Features) -> dict[str, NDArray[np.float64]]:
    """Return each factor by its name, from -1 (against buying) to 1 (for it)."""
    return {
        "trend": _squash(features.trend_deviations),
        "momentum": _squash(features.momentum_deviations),
        "volatility": np.where(
            features.volatility == 0.0, 0.0, -_balance(features.volatility, REFERENCE_VOLATILITY)
        ),  # a market that stands still is not calm but unknown
        "depth": _balance(np.sqrt(features.depth_usd), math.sqrt(MIDDLE_DEPTH_USD)),
        "gas": -_balance(features.gas_ratio * features.gas_ratio, 1.0),
    }


def _edge_bp(factors: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the weighted sum of the factors, -10000 to 10000; 0 where the price has said nothing.

    Depth, calm and cheap gas make a reason to trade better or worse; they are none themselves.
    """
    trend, momentum = factors[:2]
    silent = (trend == 0.0) & (momentum == 0.0)
    return np.where(silent, 0.0, _weighted([factor.opportunity_weight for factor in FACTORS], factors))


def _confidence_bp(
    edge_bp: NDArray[np.float64], factors: list[NDArray[np.float64]], risk_bp: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return strength times unanimity times safety.

    Strength is the weighted sum against ``FULL_STRENGTH``; unanimity the share of the voiced weight that
    points the way the sum does; safety what ``RISK_DISCOUNT`` leaves.
    """
    strength_bp = np.abs(edge_bp)
    voiced_bp = _weighted([factor.opportunity_weight for factor in FACTORS], [np.abs(f) for f in factors])
    agreeing = (1.0 + strength_bp / np.maximum(voiced_bp, 1.0)) / 2.0
    safety = 1.0 - RISK_DISCOUNT * risk_bp / FULL_BP
    return np.minimum(strength_bp / FULL_STRENGTH, FULL_BP) * np.minimum(agreeing, 1.0) * safety


def _weighted(weights: list[int], values: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the sum of the values times their weights in percent, added up in the order given."""
    total = np.zeros_like(values[0])
    for weight, value in zip(weights, values, strict=True):
        total += weight * value
    return total / 100.0


def _squash(deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map any number to -1..1, a standard deviation to 0.71."""
    return deviations / np.sqrt(1.0 + deviations * deviations)


def _balance(value: NDArray[np.float64], reference: float) -> NDArray[np.float64]:
    """Map 0..infinity to -1..1, the reference to 0: the hyperbolic tangent of half the logarithm of their ratio."""
    return (value - reference) / (value + reference)
