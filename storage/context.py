"""Who writes: what is equal for all rows of one session."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from simulation.choices import Side
from simulation.intelligence.roster import roster_of
from simulation.market.segment import USD_DECIMALS, Clock, all_pools, all_routes, token_address
from simulation.scenario import Record
from simulation.settings.market import USD_SYMBOL
from storage.columns import NULL
from storage.copying import escaped
from storage.ids import ORDINAL_DIGITS, Kind, derive, stem_of

LOG_BITS = 30
"""So many bits of a key number the adjustments of one session; those above them the session."""

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from simulation.market.segment import TokenInfo
    from simulation.scenario import AccountSpec, Scenario


class Legs(NamedTuple):
    """The two sides of a swap: addresses, symbols and decimals."""

    token_in_address: str
    token_in_symbol: str
    token_in_decimals: int
    token_out_address: str
    token_out_symbol: str
    token_out_decimals: int


@dataclass(frozen=True)
class SessionContext:
    """A session of a run, as its rows name it."""

    prefix: int
    """Of the run's keys."""
    session: int
    """Ordinal of the account in the run, which numbers its sessions' random streams and rows."""
    account: AccountSpec
    tokens: tuple[TokenInfo, ...]
    clock: Clock
    seed: int
    review_blocks: int
    record: Record = Record.ALL
    analyst: int = 0
    """The row of the segment's signals that the session listens to."""
    autopilot: bool = True
    """Whether the run lets Auto Pilot adjust strategies that enable it."""
    number: int = 0
    """Place of the session among those of its account, from 0."""
    starts: tuple[int, ...] = (0,)
    """The first block of each session of the account."""

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        tokens: tuple[TokenInfo, ...],
        prefix: int,
        ordinal: int,
        analyst: int | None = None,
        number: int = 0,
    ) -> SessionContext:
        """Return the context of session ``number`` of account ``ordinal`` of a run of ``scenario``.

        ``analyst`` is the row of its analyst in the run's roster, for a caller that has one already.
        """
        account = scenario.accounts[ordinal]
        return cls(
            prefix=prefix,
            session=ordinal,
            account=account.in_turn[number],
            tokens=tokens,
            clock=Clock(scenario.begin_at, scenario.block_time_ms),
            seed=scenario.seed,
            review_blocks=scenario.review_blocks,
            record=scenario.record,
            analyst=roster_of(scenario.accounts).rows[ordinal][number] if analyst is None else analyst,
            autopilot=scenario.autopilot,
            number=number,
            starts=account.starts,
        )

    @property
    def from_block(self) -> int:
        """The first block that the session trades."""
        return self.starts[self.number]

    @property
    def until_block(self) -> int | None:
        """The first block that the account's next session trades; None for the last one."""
        return self.starts[self.number + 1] if self.number + 1 < len(self.starts) else None

    @property
    def started_at(self) -> datetime:
        """Simulated time of the session's start."""
        return self.clock.at(self.from_block)

    def opener_keys(self, block: int) -> tuple[str, str]:
        """Return the keys of the session that traded the account at ``block``, and of its strategy."""
        number = bisect_right(self.starts, block) - 1
        return self.key(Kind.SESSION, number), self.key(Kind.STRATEGY, number)

    def log_key(self, ordinal: int) -> str:
        """Return the key of an adjustment, which are numbered anew in each session."""
        return self.key(Kind.LOG, self.number << LOG_BITS | ordinal)

    @cached_property
    def session_id(self) -> UUID:
        """The session's key."""
        return derive(self.prefix, Kind.SESSION, self.session, self.number)

    @cached_property
    def session_key(self) -> str:
        """The session's key as text."""
        return str(self.session_id)

    @cached_property
    def account_key(self) -> str:
        """The account's key as text."""
        return self.key(Kind.ACCOUNT, 0)

    @cached_property
    def strategy_key(self) -> str:
        """The strategy's key as text."""
        return self.key(Kind.STRATEGY, self.number)

    @cached_property
    def autopilot_active(self) -> bool:
        """Whether Auto Pilot may adjust this session."""
        return self.autopilot and self.account.strategy.autopilot_enabled

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """The tokens' addresses."""
        return tuple(token.address for token in self.tokens)

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The tokens' symbols, as COPY text."""
        return tuple(escaped(token.symbol) for token in self.tokens)

    @cached_property
    def _ends(self) -> tuple[tuple[str, str, int], ...]:
        """Address, symbol and decimals of each token, and last, so that -1 finds it, of USDC."""
        tokens = zip(self.tokens, self.symbols, strict=True)
        ends = [(token.address, symbol, token.decimals) for token, symbol in tokens]
        return (*ends, (token_address(USD_SYMBOL), USD_SYMBOL, USD_DECIMALS))

    @cached_property
    def _routes(self) -> tuple[tuple[str, str], ...]:
        """The venue of the token's own pool and the description, of each route of the market."""
        pools = [
            (pool.venue, f"{self.tokens[row].symbol}/{pool.against} {pool.venue} {pool.fee_bp} bp")
            for row, pool in all_pools(self.tokens)
        ]
        return tuple(
            (pools[route.pool][0], " + ".join(pools[at][1] for at in (route.pool, route.usd_pool) if at >= 0))
            for route in all_routes(self.tokens)
        )

    def venue(self, route: int) -> str:
        """Return the exchange of the pool that a route trades the token in."""
        return self._routes[route][0]

    def route_text(self, route: int, from_route: int = -1) -> str:
        """Return the pools of a route, the token's own first; before them those of a swap's other token."""
        into = self._routes[route][1]
        return into if from_route < 0 else f"{self._routes[from_route][1]}, then {into}"

    def key(self, kind: Kind, ordinal: int) -> str:
        """Return the key of row ``ordinal`` of ``kind`` in this session, as text."""
        return str(derive(self.prefix, kind, self.session, ordinal))

    def keys(self, kind: Kind, ordinals: Iterable[int]) -> list[str]:
        """Return the keys of the rows of these ordinals; NULL in COPY text where an ordinal is negative."""
        stem = stem_of(self.prefix, kind, self.session)
        return [NULL if ordinal < 0 else f"{stem}{ordinal:0{ORDINAL_DIGITS}x}" for ordinal in ordinals]

    def legs(self, side: int, token: int, from_token: int = -1) -> Legs:
        """Return what an order of ``side`` and ``token`` pays with and receives; USDC where it is no other token."""
        if side == Side.SELL:
            return Legs(*self._ends[token], *self._ends[-1])
        return Legs(*self._ends[from_token], *self._ends[token])
