"""A scenario: every parameter of a run, with its unit, bounds and default, stated once.

All models are frozen and refuse unknown fields. Money is given in USD and percentages in percent, as a
person writes them; the ``*_micro_usd`` and ``*_bp`` values that the kernel trades with are derived in
``simulation.state``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from simulation.settings.base import Name, Part, Percent, Symbol, Usd
from simulation.settings.gas import CHAIN_BLOCK_TIME_MS, Chain, Gas, chain_of


class TradingMode(StrEnum):
    """A preset of strategy limits; CUSTOM takes every field as given."""

    CONSERVATIVE = "CONSERVATIVE"
    MODERATE = "MODERATE"
    AGGRESSIVE = "AGGRESSIVE"
    CUSTOM = "CUSTOM"


class TokenClass(StrEnum):
    """The character of a token's price process and pool."""

    MAJOR = "major"
    MID = "mid"
    MEME = "meme"
    STABLE = "stable"
    """Held at its price, but for rare depegs that heal."""
    NEW_MEME = "new_meme"
    """Wild, and one day its owner takes the liquidity: a rug pull."""


class Regime(StrEnum):
    """The weather of a synthetic market; only in NORMAL and CALM holding a token earns nothing on average."""

    NORMAL = "normal"
    CALM = "calm"
    BULL = "bull"
    BEAR = "bear"
    CRASH = "crash"
    """Within the first days all prices fall by a quarter or more, over hours."""
    CHOP = "chop"
    """Prices are drawn back to where they began."""
    CONGESTED = "congested"
    """Blocks are full, and prices wilder than usual."""


class Aggressiveness(StrEnum):
    """How large the steps of Auto Pilot are."""

    CONSERVATIVE = "CONSERVATIVE"
    MODERATE = "MODERATE"
    AGGRESSIVE = "AGGRESSIVE"


class Record(StrEnum):
    """How much of a run is written down. What happens never depends on it."""

    NONE = "none"
    TRADES = "trades"
    ALL = "all"


MODE_PRESETS: dict[TradingMode, dict[str, str | int]] = {
    TradingMode.CONSERVATIVE: {
        "max_position_size_percent": "3",
        "stop_loss_percent": "3",
        "take_profit_percent": "6",
        "max_daily_trades": 8,
        "max_concurrent_positions": 3,
        "max_slippage_percent": "0.5",
        "confidence_threshold": "70",
    },
    TradingMode.MODERATE: {},
    TradingMode.AGGRESSIVE: {
        "max_position_size_percent": "12",
        "stop_loss_percent": "8",
        "take_profit_percent": "20",
        "max_daily_trades": 60,
        "max_concurrent_positions": 8,
        "max_slippage_percent": "3",
        "confidence_threshold": "50",
    },
    TradingMode.CUSTOM: {},
}
"""What each mode sets where the scenario is silent; MODERATE is the defaults themselves."""


class Strategy(Part):
    """A named configuration of how a session decides, what it may risk, and how far Auto Pilot may go."""

    name: Name = "moderate"
    trading_mode: TradingMode = TradingMode.MODERATE
    decision_interval_blocks: int = Field(100, ge=1, le=7200)
    """A session analyses each of its tokens once in this many blocks."""
    use_fast_lane: bool = True
    use_smart_lane: bool = False
    fast_lane_threshold_usd: Usd = Field(Decimal(100), ge=0, le=1_000_000)
    """Trades up to this size take the FAST lane when both lanes are open."""
    max_position_size_percent: Percent = Field(Decimal(5), ge=Decimal("0.1"), le=100)
    """Largest purchase, in percent of the account's equity."""
    max_trade_size_usd: Usd = Field(Decimal(1000), ge=10, le=100_000)
    stop_loss_percent: Percent = Field(Decimal(5), ge=Decimal("0.1"), le=50)
    take_profit_percent: Percent = Field(Decimal(10), ge=Decimal("0.1"), le=1000)
    max_hold_hours: int = Field(72, ge=1, le=720)
    max_daily_trades: int = Field(20, ge=1, le=1000)
    """Orders a simulated UTC day; an exit is never held back by it."""
    max_concurrent_positions: int = Field(5, ge=1, le=100)
    min_liquidity_usd: Usd = Field(Decimal(10_000), ge=0, le=Decimal(10) ** 12)
    """Smallest USD side of a pool that is traded in."""
    max_slippage_percent: Percent = Field(Decimal(1), ge=Decimal("0.01"), le=10)
    """Slippage tolerance between quote and fill; beyond it the swap reverts and still pays gas."""
    confidence_threshold: Percent = Field(Decimal(60), ge=0, le=100)
    allowed_tokens: tuple[str, ...] = ()
    """Symbols that may be traded; empty means all of the market's."""
    blocked_tokens: tuple[str, ...] = ()

    autopilot_enabled: bool = False
    min_position_size_percent: Percent = Field(Decimal(1), ge=Decimal("0.1"), le=25)
    max_position_size_percent_limit: Percent = Field(Decimal(20), ge=1, le=50)
    min_confidence_threshold: Percent = Field(Decimal(40), ge=10, le=95)
    max_confidence_threshold_limit: Percent = Field(Decimal(95), ge=50, le=100)
    learning_rate: Decimal = Field(Decimal("0.1"), ge=Decimal("0.0001"), le=1, decimal_places=4)
    adaptation_aggressiveness: Aggressiveness = Aggressiveness.MODERATE
    performance_window_trades: int = Field(20, ge=5, le=100)
    adjustment_cooldown_minutes: int = Field(30, ge=1, le=1440)
    max_daily_adjustments: int = Field(10, ge=1, le=100)

    @model_validator(mode="before")
    @classmethod
    def _apply_mode(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        mode = data.get("trading_mode")
        preset = next((preset for named, preset in MODE_PRESETS.items() if named == mode), {})
        return {**preset, **data}

    @model_validator(mode="after")
    def _check_pairs(self) -> Strategy:
        if not (self.use_fast_lane or self.use_smart_lane):
            raise ValueError("use_fast_lane and use_smart_lane are both false; open at least one lane")
        for low, high in (
            ("min_position_size_percent", "max_position_size_percent_limit"),
            ("min_confidence_threshold", "max_confidence_threshold_limit"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{low} {getattr(self, low)} is above {high} {getattr(self, high)}")
        return self

    @model_validator(mode="after")
    def _check_autopilot(self) -> Strategy:
        """Refuse a start outside Auto Pilot's bounds: its first step would be a jump back into them."""
        bounds = {
            "max_position_size_percent": ("min_position_size_percent", "max_position_size_percent_limit"),
            "confidence_threshold": ("min_confidence_threshold", "max_confidence_threshold_limit"),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if self.autopilot_enabled and not getattr(self, low) <= value <= getattr(self, high):
                raise ValueError(
                    f"{name} {value} is outside the bounds of Auto Pilot, {low} {getattr(self, low)} and {high} "
                    f"{getattr(self, high)}"
                )
        return self


class TradingConfig(Part):
    """How real the simulated exchange is to one account."""

    base_slippage_percent: Percent = Field(Decimal("0.5"), ge=0, le=10)
    """Largest adverse price move by other swaps that land just before an order in its block."""
    gas_price_multiplier: Percent = Field(Decimal(1), ge=Decimal("0.1"), le=10)
    """Scales the account's bid: its fee cap and its priority fee."""
    execution_delay_ms: int = Field(500, ge=0, le=600_000)
    simulate_network_issues: bool = True
    """Some orders reach the chain a few blocks late, and a few never."""
    simulate_mev: bool = True
    """Orders in the public mempool are sandwiched where that pays the attacker."""
    failure_rate_percent: Percent = Field(Decimal(2), ge=0, le=100)
    """Share of included orders that revert for reasons of their own; they pay gas."""


class AccountSpec(Part):
    """One virtual account and the strategy its session trades."""

    name: Name
    initial_balance_usd: Usd = Field(Decimal(10_000), gt=0, le=10_000_000)
    strategy: Strategy = Strategy()
    trading: TradingConfig = TradingConfig()


class Venue(StrEnum):
    """The exchange that a pool belongs to."""

    UNISWAP_V2 = "uniswap_v2"
    UNISWAP_V3 = "uniswap_v3"
    SUSHISWAP = "sushiswap"


V3_FEES_BP = (1, 5, 30, 100)
"""The fee tiers of Uniswap V3."""

USD_SYMBOL = "USDC"


class Pool(Part):
    """A pool that a token of the synthetic market is traded in."""

    venue: Venue = Venue.UNISWAP_V3
    fee_bp: int = Field(30, ge=1, le=1000)
    """Share of the input that the pool keeps; Uniswap V3 has tiers of 1, 5, 30 and 100."""
    liquidity_usd: float = Field(ge=1e3, le=1e11)
    """USD value of one side where the market begins, as (virtual) reserves of a constant product pool."""
    against: Symbol = USD_SYMBOL
    """The other side: USDC, or another token of the market that has a pool against USDC."""

    @model_validator(mode="after")
    def _check_fee(self) -> Pool:
        if self.venue is Venue.UNISWAP_V3 and self.fee_bp not in V3_FEES_BP:
            raise ValueError(f"fee_bp {self.fee_bp} is no tier of uniswap_v3; the tiers are 1, 5, 30 and 100")
        return self


class Token(Part):
    """A token of the synthetic market and the pools it is traded in."""

    symbol: Symbol
    name: Name
    token_class: TokenClass
    decimals: int = Field(18, ge=0, le=18)
    price_usd: float = Field(gt=1e-7, le=1e6)
    """Price where the market begins: at the start of the warm-up before block 0."""
    pools: tuple[Pool, ...] = Field(min_length=1, max_length=8)
    """The first one's price is the token's mid; an order takes the route that promises most."""
    sector: Name | None = None
    """Tokens of one sector move together beyond what the whole market does; by default that of the token's class."""


class SyntheticMarket(Part):
    """A market made from random processes."""

    source: Literal["synthetic"] = "synthetic"
    tokens: tuple[Token, ...] = Field(min_length=1, max_length=64)
    regime: Regime = Regime.NORMAL

    @model_validator(mode="after")
    def _check_tokens(self) -> SyntheticMarket:
        symbols = [token.symbol for token in self.tokens]
        for symbol in symbols:
            if symbols.count(symbol) > 1:
                raise ValueError(f"token {symbol} is listed twice")
        hubs = {token.symbol for token in self.tokens if any(pool.against == USD_SYMBOL for pool in token.pools)}
        for token in self.tokens:
            for pool in token.pools:
                if pool.against not in (hubs | {USD_SYMBOL}) - {token.symbol}:
                    raise ValueError(
                        f"token {token.symbol} has a pool against {pool.against}, which is neither {USD_SYMBOL} nor "
                        f"another token with a pool against {USD_SYMBOL}"
                    )
        return self


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FilePath = Annotated[str, Field(min_length=1, max_length=4000)]


class Recorded(Part):
    """A file with a recorded market, or a folder of them, and what the data can't tell of the pool."""

    path: FilePath
    """CSV or Parquet: pool swap events, pool minute bars or OHLCV bars, told apart by their columns
    (docs/market/replay.md)."""
    sha256: Sha256 | None = None
    """Of the file's bytes; a file with others is refused. What a run is stored with names it."""
    symbol: Symbol | None = None
    """The recorded token; read off the file where it can be."""
    decimals: int | None = Field(None, ge=0, le=18)
    """Of the token; read off the file or known of its symbol where it can be."""
    token_side: Literal[0, 1] | None = None
    """Whether the token is token0 or token1 of a recorded pool; 1 where the file doesn't tell."""
    fee_bp: int = Field(5, ge=1, le=1000)
    venue: Venue | None = None
    """Of the pool: uniswap_v3 for recorded pools, uniswap_v2 or sushiswap for a pool made from OHLCV bars."""
    liquidity_usd: float = Field(20_000_000.0, ge=1e3, le=1e11)
    """USD side of the pool where the recording has prices only (OHLCV)."""
    against: Symbol = USD_SYMBOL
    """The other side of the pool: USDC, or another token of the market that has a pool against USDC."""


class GapPolicy(StrEnum):
    """What is done about bars that are missing from a recording."""

    REFUSE = "refuse"
    HOLD = "hold"


class ReplayMarket(Part):
    """A market read from recordings; those of one pool are stitched in time."""

    source: Literal["replay"]
    recordings: tuple[Recorded, ...] = Field(min_length=1, max_length=1000)
    gaps: GapPolicy = GapPolicy.HOLD
    """HOLD keeps the last price over missing bars, for ``max_gap_hours`` at most; REFUSE wants every bar."""
    max_gap_hours: float = Field(24.0, gt=0, le=8760)
    """The longest time without a record that is held, also between two events."""
    gas_path: FilePath | None = None
    """Recorded base fees (CSV or Parquet with a time and a base fee in gwei or wei); None for the model's."""
    gas_sha256: Sha256 | None = None
    """As of recordings."""
    speed: float = Field(1.0, ge=0.001, le=1000)
    """How much faster than it happened the recording is played."""
    repeat: int = Field(1, ge=1, le=1000)
    """How often the recording is played, each pass with prices multiplied so that it begins where the last ended."""


Market = Annotated[SyntheticMarket | ReplayMarket, Field(discriminator="source")]


LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""No run ends later: far enough from the end of the calendar for every sum of times."""


class Scenario(Part):
    """Everything that defines a run."""

    name: Name = "unnamed"
    seed: int = Field(1, ge=0, lt=2**63)
    blocks: int = Field(21_600, ge=1, le=100_000_000)
    """Length of the run; a replay ends with its recording if that is sooner."""
    block_time_ms: int = Field(CHAIN_BLOCK_TIME_MS[Chain.ETHEREUM], ge=100, le=600_000)
    """Time between blocks; that of ``gas.chain`` where it is not given."""
    segment_blocks: int = Field(300, ge=1, le=100_000)
    """How many blocks are made and traded at once; changes nothing but the pace."""
    review_blocks: int = Field(300, ge=1, le=100_000)
    """Every so many blocks equity is marked, metrics are written and Auto Pilot looks."""
    start_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    """When the market's block 0 begins; a replay's begins with its recording."""
    start_block: int = Field(0, ge=0, le=100_000_000)
    """The block of the market at which the run begins; the market before it is made, not traded."""
    record: Record = Record.ALL
    autopilot: bool = True
    """Off: no session is adjusted, whatever its strategy says."""
    market: Market
    gas: Gas = Gas()
    accounts: tuple[AccountSpec, ...] = Field(min_length=1, max_length=100_000)

    @model_validator(mode="before")
    @classmethod
    def _apply_block_time(cls, data: Any) -> Any:
        chain = chain_of(data.get("gas")) if isinstance(data, dict) else None
        return {"block_time_ms": CHAIN_BLOCK_TIME_MS[chain], **data} if chain else data

    @model_validator(mode="after")
    def _check_names_and_tokens(self) -> Scenario:
        names = set()
        for account in self.accounts:
            if account.name in names:
                raise ValueError(f"account {account.name!r} is listed twice")
            names.add(account.name)
        if self.start_at.tzinfo is None:
            raise ValueError(f"start_at {self.start_at.isoformat()} has no time zone; append Z for UTC")
        longest = timedelta(milliseconds=(self.start_block + self.blocks + 1) * self.block_time_ms)
        if self.start_at > LATEST - longest:
            raise ValueError(f"start_at {self.start_at.isoformat()} leads beyond the year {LATEST.year} in this run")
        if isinstance(self.market, SyntheticMarket):
            check_tokens(self, {token.symbol for token in self.market.tokens})
        return self

    @property
    def begin_at(self) -> datetime:
        """When the run begins, which is at the market's ``start_block``."""
        return self.start_at + timedelta(milliseconds=self.start_block * self.block_time_ms)


def check_tokens(scenario: Scenario, pools: set[str]) -> None:
    """Refuse a scenario in which a strategy names a token that has no pool in ``pools``."""
    for account in scenario.accounts:
        for field in ("allowed_tokens", "blocked_tokens"):
            for symbol in getattr(account.strategy, field):
                if symbol not in pools:
                    known = ", ".join(sorted(pools))
                    raise ValueError(
                        f"accounts.{account.name}.strategy.{field}: token {symbol} has no pool; the market has {known}"
                    )
