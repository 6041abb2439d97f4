"""The market of a scenario: made from random processes, or read from recordings."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from simulation.settings.base import Name, Part, Symbol


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
    """A fifth of all blocks is full and the base fee wanders far from its level; prices are wilder than usual."""


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


def _three_places(value: float) -> float:
    if value != round(value, 3):
        raise ValueError("has more than three decimals")
    return value


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
    speed: Annotated[float, AfterValidator(_three_places)] = Field(1.0, ge=0.001, le=1000)
    """How much faster than it happened the recording is played."""
    repeat: int = Field(1, ge=1, le=1000)
    """How often the recording is played, each pass with prices multiplied so that it begins where the last ended."""


Market = Annotated[SyntheticMarket | ReplayMarket, Field(discriminator="source")]
