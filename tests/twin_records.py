"""The records of the kernel as plain Python objects, for its twin.

A pair of limbs ``x_hi, x_lo`` of a record is one integer ``x_wei`` here.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
from twin_arithmetic import LIMB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.choices import Failure, Reason
    from simulation.market.segment import Segment, Terms


def thawed(record: np.void) -> SimpleNamespace:
    """Return a record as an object of Python numbers, its limbs joined."""
    names = record.dtype.names
    assert names is not None
    values = dict(zip(names, record.item(), strict=True))
    thing = SimpleNamespace()
    for name, value in values.items():
        if name.endswith("_hi"):
            setattr(thing, name[:-3] + "_wei", value * LIMB + values[name[:-3] + "_lo"])
        elif not name.endswith("_lo"):
            setattr(thing, name, value.tolist() if isinstance(value, np.ndarray) else value)
    return thing


def freeze(thing: SimpleNamespace, record: np.void) -> None:
    """Write an object back into its record; a number that does not fit its field is an OverflowError."""
    names = record.dtype.names
    assert names is not None
    for name in names:
        if name.endswith("_hi"):
            record[name] = getattr(thing, name[:-3] + "_wei") // LIMB
        elif name.endswith("_lo"):
            record[name] = getattr(thing, name[:-3] + "_wei") % LIMB
        else:
            record[name] = getattr(thing, name)


def frozen(things: Sequence[SimpleNamespace], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """Return records of ``things``."""
    records = np.zeros(len(things), dtype)
    for thing, record in zip(things, records, strict=True):
        freeze(thing, record)
    return records


@dataclass(frozen=True, slots=True)
class Market:
    """A segment as plain objects."""

    first_block: int
    tokens: list[SimpleNamespace]
    pairs: list[SimpleNamespace]  # pool
    routes: list[SimpleNamespace]  # route
    mids: list[list[SimpleNamespace]]  # block, token
    pools: list[list[SimpleNamespace]]  # block, pool
    gas: list[SimpleNamespace]  # block
    signals: list[list[list[SimpleNamespace]]]  # analyst, block, token


@dataclass(frozen=True, slots=True)
class Spot:
    """One token at one block."""

    token_row: int
    block: int
    token: SimpleNamespace
    mid: SimpleNamespace
    gas: SimpleNamespace
    signal: SimpleNamespace
    pools: list[SimpleNamespace]  # all of the market
    mids: list[SimpleNamespace]  # of every token
    signals: list[SimpleNamespace]  # of every token, by the session's analyst


@dataclass(frozen=True, slots=True)
class Log:
    """What happened, in order."""

    trades: list[SimpleNamespace]
    decisions: list[SimpleNamespace]
    marks: list[SimpleNamespace]


@dataclass(frozen=True, slots=True)
class Why:
    """The reason of a decision: what was seen, and what it was held against."""

    reason: Reason
    observed: int
    limit: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """How an order ended."""

    failure: Failure
    gas_used: int = 0
    gas_price_wei: int = 0
    gas_micro_usd: int = 0
    out_wei: int = 0
    fair_wei: int = 0
    """What the route would have given to an order that nobody attacked."""
    usd: int = 0
    """USDC paid, got, or passed on from the token given up."""


def market_of(segment: Segment, terms: Terms) -> Market:
    """Return a segment and the terms of its market as plain objects."""
    return Market(
        segment.first_block,
        [thawed(token) for token in terms.tokens],
        [thawed(pair) for pair in terms.pairs],
        [thawed(route) for route in terms.routes],
        [[thawed(mid) for mid in row] for row in segment.mids],
        [[thawed(pool) for pool in row] for row in segment.pools],
        [thawed(gas) for gas in segment.gas],
        [[[thawed(signal) for signal in row] for row in analyst] for analyst in segment.signals],
    )


def worth(amount_wei: int, price_q: int, token: SimpleNamespace) -> int:
    """Return the value of a token amount at a mid, micro-USD."""
    return int(amount_wei * price_q >> token.price_shift)
