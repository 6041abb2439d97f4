"""Markets made by hand for tests: calm until told otherwise, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from simulation import cohort as cohorts
from simulation.market.segment import (
    NATIVE_SHIFT,
    PoolInfo,
    Segment,
    TokenInfo,
    all_pools,
    price_shift_for,
    terms_of,
    token_address,
)
from simulation.scenario import AccountSpec
from simulation.settings.market import USD_SYMBOL
from simulation.settings.strategy import Strategy, TradingConfig
from simulation.state import GAS, MID, POOL, SIGNAL
from simulation.trading.rules import Rules, deadline_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.choices import DecisionType, Reason
    from simulation.cohort import Cohort, Outcome

GWEI = 10**9
LOW = 2**64 - 1
MICRO_USD = 10**6
START_PRICE_USD = 2.0

BUY_AT = slice(3, 4)
"""The block at which most of these markets have something to buy."""

BALANCE_MICRO_USD = 10_000 * MICRO_USD

RULES = Rules(
    seed=np.uint64(7),
    block_time_ms=12_000,
    day_offset_ms=0,
    review_blocks=50,
    write_trades=True,
    repeat_blocks=1,  # every thought is written down
    change_blocks=1,
    deadline_blocks=deadline_blocks(12_000),
    write_decisions=True,
)

CERTAIN = {
    "base_slippage_percent": Decimal(0),
    "execution_delay_ms": 0,
    "simulate_network_issues": False,
    "simulate_mev": False,
    "failure_rate_percent": Decimal(0),
}
"""A trading config without bad luck: due in the next block, filled as quoted if the pool stands still."""


def token(symbol: str = "AAA", decimals: int = 18, price_usd: float = START_PRICE_USD, fee_bp: int = 30) -> TokenInfo:
    """Return a token whose price is near ``price_usd``."""
    return TokenInfo(symbol, symbol, decimals, price_shift_for(price_usd, decimals), (PoolInfo(fee_bp=fee_bp),))


def native_price_q(usd: float) -> int:
    """Return the price of the chain's coin as GAS records hold it."""
    return int(Fraction(usd) * MICRO_USD * 2**NATIVE_SHIFT / 10**18)


def mid_at(info: TokenInfo, price_usd: float, liquidity_usd: float) -> tuple[int, int]:
    """Return a MID record's fields for a token of this price whose pools hold ``liquidity_usd``."""
    per_unit = Fraction(price_usd) * MICRO_USD / 10**info.decimals
    return int(per_unit * 2**info.price_shift), int(Fraction(liquidity_usd) * MICRO_USD)


def pool_at(
    info: TokenInfo,
    price_usd: float,
    liquidity_usd: float,
    other_usd: float = 1.0,
    other_decimals: int = 6,
    against: str = USD_SYMBOL,
) -> tuple[int, int, int, int, int, int, int, int, int]:
    """Return a POOL record's fields for a pool with ``liquidity_usd`` on each side; reserves end below 2**112.

    The other side is ``against`` and costs ``other_usd`` a piece.
    """
    reserve = min(int(Fraction(liquidity_usd) / Fraction(price_usd) * 10**info.decimals), 2**111)
    other = min(int(Fraction(liquidity_usd) / Fraction(other_usd) * 10**other_decimals), 2**111)
    is_zero = info.address < token_address(against)
    root = isqrt(((other << 192) // reserve) if is_zero else ((reserve << 192) // other)) if other and reserve else 0
    depth = isqrt(other * reserve)
    return (
        other >> 64, other & LOW, reserve >> 64, reserve & LOW,
        root >> 128, root >> 64 & LOW, root & LOW, depth >> 64, depth & LOW,
    )  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """A market of ``n_blocks`` from block 0 on, changed in place by the test that sets it up."""

    infos: tuple[TokenInfo, ...]
    segment: Segment

    def price(self, usd: float, since: int, liquidity_usd: float = 1e9, token_row: int = 0) -> None:
        """Set price and depth of a token, and of its pools against USDC, from a block on."""
        info = self.infos[token_row]
        self.segment.mids[since:, token_row] = mid_at(info, usd, liquidity_usd)
        for column, (row, pool) in enumerate(all_pools(self.infos)):
            if row == token_row and pool.against == USD_SYMBOL:
                self.segment.pools[since:, column] = pool_at(info, usd, liquidity_usd)

    def signal(
        self, opportunity_bp: int, blocks: slice, confidence_bp: int = 8_000, token_row: int = 0, analyst: int = 0
    ) -> None:
        """Set what an analyst says of a token."""
        self.segment.signals["opportunity_bp"][analyst, blocks, token_row] = opportunity_bp
        self.segment.signals["confidence_bp"][analyst, blocks, token_row] = confidence_bp

    def base_fee(self, gwei: float, blocks: slice) -> None:
        """Set the base fee."""
        self.segment.gas["base_fee_wei"][blocks] = int(gwei * GWEI)

    def run(self, *accounts: AccountSpec, **rules: Any) -> Played:
        """Trade the whole market with ``accounts`` under ``RULES``, changed by ``rules``."""
        changed = RULES._replace(**rules)
        cohort = cohorts.begin(accounts, range(len(accounts)), self.infos, changed)
        return Played(*cohorts.advance(cohort, self.segment, terms_of(self.infos), changed))


@dataclass(frozen=True)
class Played:
    """What became of the sessions."""

    cohort: Cohort
    outcome: Outcome

    @property
    def session(self) -> np.void:
        """The first session."""
        first: np.void = self.cohort.sessions[0]
        return first

    @property
    def trades(self) -> NDArray[np.void]:
        """All trades."""
        return self.outcome.trades

    def decided(self, decision: DecisionType, reason: Reason | None = None) -> NDArray[np.void]:
        """Return the decisions of a kind."""
        rows = self.outcome.decisions
        chosen: NDArray[np.void] = rows[(rows["type"] == decision) & (reason is None or rows["reason"] == reason)]
        return chosen


def bare_stage(n_blocks: int, infos: tuple[TokenInfo, ...], n_analysts: int = 1) -> Stage:
    """Return a market of which nothing is set yet."""
    shape = (n_blocks, len(infos))
    pools, signals = np.zeros((n_blocks, len(all_pools(infos))), POOL), np.zeros((n_analysts, *shape), SIGNAL)
    return Stage(infos, Segment(0, np.zeros(shape, MID), pools, np.zeros(n_blocks, GAS), signals))


def cut(segment: Segment, first: int, end: int) -> Segment:
    """Return some blocks of a segment that begins at block 0, as a segment of their own."""
    mids, pools, gas = (records[first:end] for records in (segment.mids, segment.pools, segment.gas))
    signals = segment.signals[:, first:end].copy()  # in one piece, as the kernel is compiled for
    return Segment(first, mids, pools, gas, signals)


def stage(n_blocks: int, *infos: TokenInfo) -> Stage:
    """Return a calm market: price 2 USD, a billion in the pool, 10 gwei, nothing to buy."""
    made = bare_stage(n_blocks, infos or (token(),))
    made.segment.gas["base_fee_wei"] = 10 * GWEI
    made.segment.gas["priority_fee_wei"] = GWEI
    made.segment.gas["native_price_q"] = native_price_q(2_000.0)
    for row in range(len(made.infos)):
        made.price(START_PRICE_USD, since=0, token_row=row)
        made.signal(5_000, slice(None), token_row=row)
    return made


def account(
    name: str = "one", balance_usd: int = 10_000, trading: dict[str, Any] | None = None, **strategy: Any
) -> AccountSpec:
    """Return an account that decides in every block and, unless told otherwise, has no bad luck."""
    fields = {"decision_interval_blocks": 1, "max_slippage_percent": Decimal(10), **strategy}
    return AccountSpec(
        name=name,
        initial_balance_usd=Decimal(balance_usd),
        strategy=Strategy(**fields),
        trading=TradingConfig(**{**CERTAIN, **(trading or {})}),
    )


def tempting(n_blocks: int = 40) -> Stage:
    """Return a calm market with one block in which the analyst says to buy."""
    made = stage(n_blocks)
    made.signal(8_000, BUY_AT)
    return made


def only(rows: np.ndarray) -> np.void:
    """Return the one row."""
    assert len(rows) == 1
    row: np.void = rows[0]
    return row


def unlucky(**trading: Any) -> AccountSpec:
    """Return an account whose trading config differs from the certain one."""
    return account(trading=trading)
