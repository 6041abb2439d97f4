"""Analysts: whoever looks at the market's past and scores its tokens; the built-in ones and the form of all others.

An analyst is an object with a ``version`` and one method, ``analyse``, over the arrays of a ``MarketHistory``. It
sees a segment's blocks at once for speed, yet what it says of a block may depend on that block and the
``HISTORY_BLOCKS`` before it only, to the bit, so that a run may be cut into segments anywhere. Sums that begin
where the arrays do (``cumsum``, ``mean`` over a slice of varying length) are not of that kind; elementwise
arithmetic and sums of a fixed number of shifted rows are.

The multi-factor analyst works on the market's integers in ``simulation.intelligence.signals``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from simulation.intelligence import signals
from simulation.intelligence.features import HISTORY_BLOCKS
from simulation.intelligence.signals import NEUTRAL_BP, REFERENCE_VOLATILITY
from simulation.state import SIGNAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.market.segment import TokenInfo

__all__ = [
    "ANALYSTS",
    "HISTORY_BLOCKS",
    "Analyst",
    "BuyAndHold",
    "MarketHistory",
    "MeanReversion",
    "Momentum",
    "MultiFactor",
    "Scores",
    "WrongScoresError",
]

BP_PER_PERCENT = 100
WEI_PER_GWEI = 1e9
NEUTRAL_PERCENT = NEUTRAL_BP / BP_PER_PERCENT


class WrongScoresError(ValueError):
    """The answer of an analyst is none: its message says what of it cannot be used."""


@dataclass(frozen=True, slots=True)
class MarketHistory:
    """What an analyst sees: read-only arrays of float64, one row a block, the first ``HISTORY_BLOCKS`` the past.

    Scores are wanted for the ``n_blocks`` rows after the past; row ``HISTORY_BLOCKS + i`` is the block of their row i.
    """

    price_usd: NDArray[np.float64]
    """Mid price of one whole token in USD, shape ``(HISTORY_BLOCKS + n_blocks, n_tokens)``; never zero."""
    liquidity_usd: NDArray[np.float64]
    """USD side of all pools of the token, same shape."""
    base_fee_gwei: NDArray[np.float64]
    """Base fee of the block, shape ``(HISTORY_BLOCKS + n_blocks,)``."""
    symbols: tuple[str, ...]
    """The tokens, in the order of the columns."""

    @property
    def n_blocks(self) -> int:
        """How many blocks are to be scored."""
        return len(self.price_usd) - HISTORY_BLOCKS

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of every array of scores: ``(n_blocks, n_tokens)``."""
        return self.n_blocks, len(self.symbols)


@dataclass(frozen=True, slots=True)
class Scores:
    """What an analyst answers: arrays of shape ``(n_blocks, n_tokens)`` in percent, 0 to 100."""

    opportunity_percent: NDArray[np.float64]
    """Above 50 speaks for buying, below 50 for selling."""
    confidence_percent: NDArray[np.float64]
    """Held against the strategy's ``confidence_threshold``."""
    risk_percent: NDArray[np.float64] | None = None
    """50 where it is not given."""


class Analyst(Protocol):
    """Any object of this form; its class is called with the strategy's ``custom_parameters`` as keywords."""

    version: str
    """Part of the identity of a run: change it whenever answers change."""

    def analyse(self, market: MarketHistory) -> Scores:
        """Score every token at every block after the past."""


@dataclass(frozen=True, slots=True)
class MultiFactor:
    """The built-in analyst of five factors; see ``simulation.intelligence.signals`` for its weights."""

    version: ClassVar[str] = "1"


@dataclass(frozen=True, slots=True)
class Momentum:
    """Buys what has risen and sells what has fallen: the return over ``lookback_blocks`` alone.

    The return is taken in standard deviations d that a random walk of ``REFERENCE_VOLATILITY`` would show, and
    d / sqrt(1 + d**2) is how far the opportunity is from neutral; its size is the confidence.
    """

    version: ClassVar[str] = "1"
    lookback_blocks: int = 300

    def __post_init__(self) -> None:
        """Refuse a span that the history does not cover."""
        if not 1 <= self.lookback_blocks <= HISTORY_BLOCKS:
            raise ValueError(f"lookback_blocks {self.lookback_blocks} is not from 1 to {HISTORY_BLOCKS}")

    def analyse(self, market: MarketHistory) -> Scores:
        """Score by the return since ``lookback_blocks`` ago."""
        prices = market.price_usd
        past = prices[HISTORY_BLOCKS - self.lookback_blocks : len(prices) - self.lookback_blocks]
        change = prices[HISTORY_BLOCKS:] / past - 1.0
        return _conviction(change / (REFERENCE_VOLATILITY * self.lookback_blocks**0.5))


@dataclass(frozen=True, slots=True)
class MeanReversion:
    """Buys what is below its mean of the last ``lookback_blocks`` and sells what is above it.

    The distance is measured as momentum's is; a random walk of n steps ends s * sqrt(n / 3) from its mean.
    """

    version: ClassVar[str] = "1"
    lookback_blocks: int = 256

    def __post_init__(self) -> None:
        """Refuse a span that is not added up by doubling, or that the history does not cover."""
        blocks = self.lookback_blocks
        if not 2 <= blocks <= HISTORY_BLOCKS or blocks & (blocks - 1):
            raise ValueError(f"lookback_blocks {blocks} is no power of two from 2 to 1024")

    def analyse(self, market: MarketHistory) -> Scores:
        """Score by the distance from the mean."""
        prices = market.price_usd
        mean = window_means(prices, self.lookback_blocks)[-market.n_blocks :]
        above = prices[HISTORY_BLOCKS:] / mean - 1.0
        return _conviction(-above / (REFERENCE_VOLATILITY * (self.lookback_blocks / 3) ** 0.5))


@dataclass(frozen=True, slots=True)
class BuyAndHold:
    """Always for buying and always sure of it: what it holds is sold by the strategy's limits alone."""

    version: ClassVar[str] = "1"

    def analyse(self, market: MarketHistory) -> Scores:
        """Score everything 100."""
        full = np.full(market.shape, 100.0)
        return Scores(full, full)


ANALYSTS: dict[str, type] = {
    "multi_factor": MultiFactor,
    "momentum": Momentum,
    "mean_reversion": MeanReversion,
    "buy_and_hold": BuyAndHold,
}
"""The analysts that come along, by the name that a strategy calls them."""


def window_means(values: NDArray[np.float64], blocks: int) -> NDArray[np.float64]:
    """Return the means of every ``blocks`` consecutive rows, a power of two, in order.

    A window of 2n is the sum of its two windows of n, so that every window is added up in the same order wherever
    the rows began: the same bits for every cut.
    """
    sums, span = values, 1
    while span < blocks:
        sums = sums[span:] + sums[:-span]
        span *= 2
    return sums / blocks


def signals_of(
    analyst: Any, mids: NDArray[np.void], gas: NDArray[np.void], tokens: Sequence[TokenInfo]
) -> NDArray[np.void]:
    """Return the SIGNAL records of an analyst for all blocks but the past, shape ``(n_blocks, n_tokens)``.

    ``mids`` is MID ``(HISTORY_BLOCKS + n_blocks, n_tokens)`` and ``gas`` GAS ``(HISTORY_BLOCKS + n_blocks,)``.
    Factors are zero for all but the multi-factor analyst. Raises WrongScoresError, and whatever the analyst raises.
    """
    if isinstance(analyst, MultiFactor):
        return signals.analyse(mids, gas, len(gas) - HISTORY_BLOCKS)
    market = history_of(mids, gas, tokens)
    return records_of(analyst.analyse(market), market.shape)


def silence(shape: tuple[int, int]) -> NDArray[np.void]:
    """Return the SIGNAL records of an analyst that says nothing: neutral, and sure of nothing."""
    records = np.zeros(shape, SIGNAL)
    records["opportunity_bp"] = records["risk_bp"] = NEUTRAL_BP
    return records


def history_of(mids: NDArray[np.void], gas: NDArray[np.void], tokens: Sequence[TokenInfo]) -> MarketHistory:
    """Return the records of a market as an analyst sees them, in USD and gwei."""
    units = np.array([token.price_usd(1) for token in tokens])
    price_usd = np.maximum(mids["price_q"], np.uint64(1)).astype(np.float64) * units
    liquidity_usd = mids["depth_micro_usd"].astype(np.float64) / 1e6
    base_fee_gwei = gas["base_fee_wei"].astype(np.float64) / WEI_PER_GWEI
    for array in (price_usd, liquidity_usd, base_fee_gwei):
        array.flags.writeable = False
    return MarketHistory(price_usd, liquidity_usd, base_fee_gwei, tuple(token.symbol for token in tokens))


def records_of(scores: object, shape: tuple[int, int]) -> NDArray[np.void]:
    """Return an analyst's answer as SIGNAL records, rounded to basis points; raises WrongScoresError."""
    if not isinstance(scores, Scores):
        raise WrongScoresError(f"answers with {type(scores).__name__} where Scores are expected")
    records = silence(shape)
    for name in ("opportunity", "confidence", "risk"):
        values = getattr(scores, f"{name}_percent")
        if values is not None or name != "risk":
            records[f"{name}_bp"] = np.rint(_checked(values, f"{name}_percent", shape) * BP_PER_PERCENT)
    return records


def _checked(values: object, name: str, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return one array of scores as float64; raises WrongScoresError for what is no score."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        kind = f"array of {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
        raise WrongScoresError(f"gives {name} as {kind} where an array of numbers is expected")
    if values.shape != shape:
        raise WrongScoresError(f"gives {name} of shape {values.shape} where (blocks, tokens) is {shape}")
    wrong = ~((values >= 0.0) & (values <= 100.0))  # true of NaN as well
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        raise WrongScoresError(f"gives {name} {values[row, column]} at row {row}, column {column}; 0 to 100 is allowed")
    return values.astype(np.float64)


def _conviction(deviations: NDArray[np.float64]) -> Scores:
    """Return the scores of one measurement: its direction is the opportunity, its size the confidence."""
    strength = deviations / np.sqrt(1.0 + deviations * deviations)
    return Scores(NEUTRAL_PERCENT + NEUTRAL_PERCENT * strength, 100.0 * np.abs(strength))
