"""A scenario: every parameter of a run, with its unit, bounds and default, stated once.

All models are frozen and refuse unknown fields; its parts are in ``simulation.settings``. Money is given in USD and
percentages in percent, as a person writes them; the ``*_micro_usd`` and ``*_bp`` values that the kernel trades with
are derived in ``simulation.cohort``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
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


class NextSession(Part):
    """What an account goes on with: the session before ends, and another one begins on what it left."""

    from_block: int = Field(ge=1, le=100_000_000)
    """The first block that it trades: a multiple of ``review_blocks``, so that figures end with a session."""
    strategy: Strategy = Strategy()


class AccountSpec(Part):
    """One virtual account and the strategies that its sessions trade, one after another."""

    name: Name
    initial_balance_usd: Usd = Field(Decimal(10_000), gt=0, le=10_000_000)
    strategy: Strategy = Strategy()
    trading: TradingConfig = TradingConfig()
    then: tuple[NextSession, ...] = Field((), max_length=1_000)
    """Further sessions, in the order of their blocks."""

    @property
    def starts(self) -> tuple[int, ...]:
        """The first block of each session."""
        return 0, *(later.from_block for later in self.then)

    @property
    def in_turn(self) -> tuple[AccountSpec, ...]:
        """The account as each of its sessions knows it, with its own strategy alone."""
        strategies = (self.strategy, *(later.strategy for later in self.then))
        return tuple(self.model_copy(update={"strategy": strategy, "then": ()}) for strategy in strategies)


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
    knowledge: int = Field(0, ge=0, lt=2**31)
    """The version of what Auto Pilot knows of earlier runs, which stays as it is within the run; 0 is nothing."""
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
            check_turns(account, self.blocks, self.review_blocks)
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
        for turn, spec in enumerate(account.in_turn):
            where = f"accounts.{account.name}." + (f"then.{turn - 1}." if turn else "")
            for field in ("allowed_tokens", "blocked_tokens"):
                for symbol in getattr(spec.strategy, field):
                    if symbol not in pools:
                        known = ", ".join(sorted(pools))
                        raise ValueError(f"{where}strategy.{field}: token {symbol} has no pool; the market has {known}")


def check_turns(account: AccountSpec, blocks: int, review_blocks: int) -> None:
    """Refuse sessions of an account that do not follow one another within a run of so many blocks."""
    names = [account.strategy.name, *(later.strategy.name for later in account.then)]
    for turn, name in enumerate(names[1:]):
        if name in names[: turn + 1]:
            raise ValueError(
                f"accounts.{account.name}.then.{turn}.strategy.name {name!r} is taken; name it differently"
            )
    for turn, (before, block) in enumerate(pairwise(account.starts)):
        where = f"accounts.{account.name}.then.{turn}.from_block {block}"
        if block % review_blocks:
            raise ValueError(f"{where} is no multiple of review_blocks, which is {review_blocks}")
        if block <= before:
            raise ValueError(f"{where} is not after block {before}, from which on the session before it trades")
        if block >= blocks:
            raise ValueError(f"{where} is not before the end of the run, which has {blocks} blocks")
