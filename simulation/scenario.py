"""A scenario: every parameter of a run, with its unit, bounds and default, stated once.

All models are frozen and refuse unknown fields; its parts are in ``simulation.settings``. Money is given in USD and
percentages in percent, as a person writes them; the ``*_micro_usd`` and ``*_bp`` values that the kernel trades with
are derived in ``simulation.cohort``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import Field, model_validator

from simulation.settings.base import Name, Part, Usd
from simulation.settings.gas import CHAIN_BLOCK_TIME_MS, Chain, Gas, chain_of
from simulation.settings.market import Market, SyntheticMarket
from simulation.settings.strategy import Strategy, TradingConfig


class Record(StrEnum):
    """How much of a run is written down. What happens never depends on it."""

    NONE = "none"
    TRADES = "trades"
    ALL = "all"


class AccountSpec(Part):
    """One virtual account and the strategy its session trades."""

    name: Name
    initial_balance_usd: Usd = Field(Decimal(10_000), gt=0, le=10_000_000)
    strategy: Strategy = Strategy()
    trading: TradingConfig = TradingConfig()


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
