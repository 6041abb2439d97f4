"""Positions as rows: those that a segment closed, and those that are open after it.

A closed position's row is made from the order that closed it, so that rows are the same wherever a run was cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from simulation.choices import Side
from simulation.wei import join
from storage import units
from storage.columns import INTEGER, PRICE, TEXT, USD, Column, Table, or_null, times_of
from storage.copying import escaped
from storage.ids import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from simulation.market.segment import Segment, TokenInfo
    from storage.context import SessionContext

_CLOSED = {
    "token": ("token", "from_token"),
    "ordinal": ("position", "from_position"),
    "opened_block": ("opened_block", "from_opened_block"),
}
"""Fields of a position by those of the TRADE that closed it: a sale, and a swap, which closes what it gives up."""


@dataclass(frozen=True)
class Positions:
    """Positions of an account as they stand after a segment, those that it closed first; a list for each field."""

    context: SessionContext
    token: list[int]
    ordinal: list[int]
    opened_block: list[int]
    last_block: list[int]
    """The one in which it was closed, or the segment's last."""
    is_open: list[bool]
    bought: list[int]
    """Base units that ``cost`` was paid for."""
    cost: list[int]
    """In micro-USD, as are the two that follow."""
    invested: list[int]
    earned: list[int]
    price_q: list[int]

    @cached_property
    def tokens(self) -> list[TokenInfo]:
        """The token of each."""
        return [self.context.tokens[token] for token in self.token]

    @cached_property
    def values(self) -> list[int]:
        """What each is worth, in micro-USD."""
        quantities = zip(self.held(self.bought), self.price_q, self.tokens, strict=True)
        return [units.value_micro_usd(quantity, price_q, token.price_shift) for quantity, price_q, token in quantities]

    @cached_property
    def last_times(self) -> list[str]:
        """The time at which the last block of each began."""
        return times_of(self.context.clock, np.array(self.last_block, np.int64))

    def held(self, values: list[int]) -> list[int]:
        """Return the values of the open ones, and zero for those that were closed."""
        return [value if is_open else 0 for value, is_open in zip(values, self.is_open, strict=True)]


def positions_of(
    context: SessionContext, holdings: NDArray[np.void], trades: NDArray[np.void], segment: Segment
) -> Positions:
    """Return the positions that ``trades`` (TRADE) closed in the segment, then those that ``holdings`` has after it."""
    closing = trades[trades["closes"] != 0]
    is_swap = closing["side"] == Side.SWAP
    of_closed = {name: np.where(is_swap, closing[swap], closing[sale]) for name, (sale, swap) in _CLOSED.items()}
    tokens = np.flatnonzero((holdings["quantity_hi"] != 0) | (holdings["quantity_lo"] != 0))
    held = holdings[tokens]
    n_open = len(tokens)
    token = np.concatenate([of_closed["token"], tokens])
    last_block = np.concatenate([closing["block"], np.full(n_open, segment.end_block - 1)])
    # The cost of a swap is what the token given up was sold for.
    cost = closing["cost_micro_usd"] - np.where(is_swap, closing["realized_micro_usd"], 0)
    return Positions(
        context,
        token=token.tolist(),
        ordinal=[*of_closed["ordinal"].tolist(), *held["position"].tolist()],
        opened_block=np.concatenate([of_closed["opened_block"], held["opened_block"]]).tolist(),
        last_block=last_block.tolist(),
        is_open=[False] * len(closing) + [True] * n_open,
        bought=_joined(closing, "in") + _joined(held, "quantity"),
        cost=[*cost.tolist(), *held["cost_micro_usd"].tolist()],
        invested=[*closing["invested_micro_usd"].tolist(), *held["invested_micro_usd"].tolist()],
        earned=[*closing["earned_micro_usd"].tolist(), *held["earned_micro_usd"].tolist()],
        price_q=segment.mids["price_q"][last_block - segment.first_block, token].tolist(),
    )


def _joined(records: NDArray[np.void], name: str) -> list[int]:
    return [join(high, low) for high, low in zip(records[f"{name}_hi"], records[f"{name}_lo"], strict=True)]


def _openers(positions: Positions, which: int) -> list[str]:
    return [positions.context.opener_keys(block)[which] for block in positions.opened_block]


def _openings(positions: Positions) -> list[str]:
    return times_of(positions.context.clock, np.array(positions.opened_block, np.int64))


def _entry_prices(positions: Positions) -> list[int]:
    paid = zip(positions.cost, positions.bought, positions.tokens, strict=True)
    return [units.price(cost, bought, token.decimals) for cost, bought, token in paid]


def _prices(positions: Positions) -> list[int]:
    quoted = zip(positions.price_q, positions.tokens, strict=True)
    return [units.pool_price(price_q, token.price_shift, token.decimals) for price_q, token in quoted]


def _unrealized(positions: Positions) -> list[int]:
    return [value - cost for value, cost in zip(positions.values, positions.held(positions.cost), strict=True)]


def _of_token(name: str, value: Callable[[TokenInfo], Any]) -> Column[Positions]:
    return Column(name, TEXT, lambda positions: [value(token) for token in positions.tokens])


def _closed(positions: Positions, values: list[Any]) -> list[Any]:
    return or_null(values, [not is_open for is_open in positions.is_open])


POSITIONS: Table[Positions] = Table((
    Column("position_id", TEXT, lambda positions: positions.context.keys(Kind.POSITION, positions.ordinal)),
    Column("account_id", TEXT, lambda positions: repeat(positions.context.account_key)),
    Column("session_id", TEXT, lambda positions: _openers(positions, 0)),
    Column("strategy_config_id", TEXT, lambda positions: _openers(positions, 1)),
    Column("ordinal", INTEGER, lambda positions: positions.ordinal),
    Column("opened_block", INTEGER, lambda positions: positions.opened_block),
    Column("closed_block", TEXT, lambda positions: _closed(positions, positions.last_block)),
    _of_token("token_address", lambda token: token.address),
    _of_token("token_symbol", lambda token: escaped(token.symbol)),
    _of_token("token_name", lambda token: escaped(token.name)),
    _of_token("token_decimals", lambda token: token.decimals),
    Column("quantity", INTEGER, lambda positions: positions.held(positions.bought)),
    Column("average_entry_price_usd", PRICE, _entry_prices),
    Column("total_invested_usd", USD, lambda positions: positions.invested),
    Column("cost_basis_usd", USD, lambda positions: positions.held(positions.cost)),
    Column("current_price_usd", PRICE, _prices),
    Column("current_value_usd", USD, lambda positions: positions.values),
    Column("unrealized_pnl_usd", USD, _unrealized),
    Column("realized_pnl_usd", USD, lambda positions: positions.earned),
    Column("is_open", TEXT, lambda positions: ["t" if is_open else "f" for is_open in positions.is_open]),
    Column("opened_at", TEXT, _openings),
    Column("closed_at", TEXT, lambda positions: _closed(positions, positions.last_times)),
    Column("last_updated", TEXT, lambda positions: positions.last_times),
))  # fmt: skip
"""``paper_positions``: rows as they stand after the segment."""
