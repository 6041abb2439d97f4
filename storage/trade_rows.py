"""Orders as rows.

A finished order's row is made from its TRADE record alone, so that rows are the same wherever a run was cut into
segments. An order in flight at the end of a segment gets a row too,
pending on its way to the chain and executing once its block has come, which a later batch replaces as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from simulation.choices import Failure, Lane, Reason, Side, TradeStatus
from simulation.state import TRADE
from storage.columns import GWEI, INTEGER, NULL, TEXT, USD, Column, Table, names_of, or_null, times_of
from storage.context import Legs
from storage.copying import escaped
from storage.ids import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from storage.context import SessionContext

FAILURES: dict[int, str] = {
    Failure.NONE: "",
    Failure.SLIPPAGE: "The pool would have given less than the minimum output; the swap reverted.",
    Failure.REVERTED: "The transaction reverted.",
    Failure.EXPIRED: "No block had a place for its fee cap and tip until the deadline.",
    Failure.UNAFFORDABLE: "The account could not pay the gas.",
    Failure.DROPPED: "The transaction was lost on its way and never included.",
    Failure.NO_LIQUIDITY: "A pool on the route had nothing left to give; the swap reverted.",
    Failure.SESSION_ENDED: "Its session ended while it was on its way, and it was taken back.",
}

_STATUSES: dict[int, str] = {status: status.name.lower() for status in TradeStatus}
_SIDES: dict[int, str] = {Side.BUY: "buy", Side.SELL: "sell", Side.SWAP: "swap"}
_LANES: dict[int, str] = {lane: lane.name for lane in Lane}
_REASONS: dict[int, str] = {reason: reason.name for reason in Reason}
_FAILURE_NAMES: dict[int, str] = {failure: failure.name for failure in Failure}
_SLIPPAGE_SCALE = 10**6
LIMB_BITS = 64


_PLACED = {name: f"order_{name}" for name in (
    "trade", "side", "lane", "reason", "decision", "decided_block", "delay_ms", "route", "from_route",
    "in_hi", "in_lo", "value_micro_usd", "quote_hi", "quote_lo", "min_hi", "min_lo",
)} | {"from_token": "order_from"}  # fmt: skip
"""Fields of a TRADE that an order in flight knows already, by their names in the HOLDING."""


@dataclass(frozen=True)
class Orders:
    """The orders of a session that get a row: those that ended in the segment, then those in flight after it."""

    context: SessionContext
    trades: NDArray[np.void]
    """TRADE records of all of them; what an order in flight does not know yet is zero."""
    finished: Sequence[bool]
    statuses: Sequence[str]
    deadlines: Sequence[int | str]
    first_finished: int
    """Ordinal of the first that ended, among those of the account."""

    def __getitem__(self, field: str) -> list[int]:
        """Return a field of all orders as Python integers."""
        values: list[int] = self.trades[field].tolist()
        return values

    def amounts(self, name: str) -> list[int]:
        """Return a wide amount of all orders, in base units."""
        return [high << LIMB_BITS | low for high, low in zip(self[f"{name}_hi"], self[f"{name}_lo"], strict=True)]

    def all(self, value: str | int) -> Iterable[str | int]:
        """Return what is equal for all orders."""
        return repeat(value)

    def times(self, field: str) -> list[str]:
        """Return the time at which a block of each order began."""
        return times_of(self.context.clock, self.trades[field])

    def has_status(self, *statuses: TradeStatus) -> list[bool]:
        """Tell of each order whether it ended in one of these ways; one in flight did in none."""
        return [status in statuses for status in self["status"]]

    @cached_property
    def legs(self) -> list[Legs]:
        """What each order pays with and receives."""
        swaps = list(zip(self["side"], self["token"], self["from_token"], strict=True))
        legs = {swap: self.context.legs(*swap) for swap in set(swaps)}
        return [legs[swap] for swap in swaps]


def orders_of(
    context: SessionContext,
    session: np.void,
    holdings: NDArray[np.void],
    trades: NDArray[np.void],
    finished_before: int = 0,
) -> Orders:
    """Return the orders that ended in the segment and those in flight after it.

    ``finished_before`` are those that ended in earlier sessions of the account.
    """
    finished = int(session["completed_trades"]) + int(session["failed_trades"])
    first_finished = finished_before + finished - len(trades)
    assert first_finished >= 0, "each finished order is counted"
    tokens = np.flatnonzero((holdings["order_side"] != Side.NONE) & (holdings["order_side"] != Side.AWAY))
    placed = holdings[tokens]
    is_due = (placed["order_due_block"] < session["next_block"]).tolist()
    return Orders(
        context=context,
        trades=np.concatenate([trades, _in_flight(tokens, placed, holdings)]) if len(placed) else trades,
        finished=[True] * len(trades) + [False] * len(placed),
        statuses=names_of(_STATUSES, trades["status"].tolist()) + ["executing" if due else "pending" for due in is_due],
        deadlines=[NULL] * len(trades) + placed["order_deadline_block"].tolist(),
        first_finished=first_finished,
    )


def _in_flight(tokens: NDArray[np.int64], placed: NDArray[np.void], holdings: NDArray[np.void]) -> NDArray[np.void]:
    """Return what is known of the orders placed for these tokens as TRADE records."""
    orders = np.zeros(len(tokens), TRADE)
    for field, of_order in _PLACED.items():
        orders[field] = placed[of_order]
    orders["token"] = tokens
    orders["position"] = np.where(placed["order_side"] == Side.SELL, placed["position"], -1)
    from_positions = holdings["position"][placed["order_from"]]
    orders["from_position"] = np.where(placed["order_side"] == Side.SWAP, from_positions, -1)
    return orders


def transaction_hash(seed: int, session: int, trade: int) -> str:
    """Return the made-up hash of an order's transaction: the same in every run of the scenario."""
    return "0x" + sha256(f"paperdex transaction {seed} {session} {trade}".encode()).hexdigest()


def _hashes(orders: Orders) -> list[str]:
    seed, session = orders.context.seed, orders.context.session
    return [transaction_hash(seed, session, trade) for trade in orders["trade"]]


def _slippages(orders: Orders) -> list[int]:
    """Return the shortfalls against the quotes in percent with four decimals; negative when more was received."""
    completed = orders.has_status(TradeStatus.COMPLETED)
    amounts = zip(completed, orders.amounts("quote"), orders.amounts("out"), strict=True)
    return [
        (promised - received) * _SLIPPAGE_SCALE // promised if filled and promised else 0
        for filled, promised, received in amounts
    ]


def _worth(orders: Orders) -> list[int]:
    """Return what each order is worth in micro-USD: a sale what it was promised, all else what it pays with."""
    values = zip(orders["side"], orders["value_micro_usd"], orders.amounts("quote"), strict=True)
    return [promised if side == Side.SELL else value for side, value, promised in values]


def _execution_times(orders: Orders) -> list[int]:
    blocks = orders.trades["block"] - orders.trades["decided_block"]
    times: list[int] = (blocks * orders.context.clock.block_time_ms).tolist()
    return times


def _finished_ordinals(orders: Orders) -> Iterable[int]:
    return range(orders.first_finished, orders.first_finished + len(orders.trades))


def _positions(orders: Orders, field: str) -> list[str]:
    return orders.context.keys(Kind.POSITION, orders[field])


def _routes(orders: Orders) -> list[str]:
    pools_of = orders.context.route_text
    return [escaped(pools_of(*routes)) for routes in zip(orders["route"], orders["from_route"], strict=True)]


def _included(orders: Orders) -> list[bool]:
    return orders.has_status(TradeStatus.COMPLETED, TradeStatus.FAILED)


def _integer(name: str, field: str) -> Column[Orders]:
    return Column(name, INTEGER, lambda orders: orders[field])


def _amount(name: str, field: str) -> Column[Orders]:
    return Column(name, INTEGER, lambda orders: orders.amounts(field))


def _usd(name: str, field: str) -> Column[Orders]:
    return Column(name, USD, lambda orders: orders[field])


def _name(name: str, field: str, names: Mapping[int, str]) -> Column[Orders]:
    return Column(name, TEXT, lambda orders: names_of(names, orders[field]))


def _leg(place: int) -> Column[Orders]:
    return Column(Legs._fields[place], TEXT, lambda orders: [legs[place] for legs in orders.legs])


TRADES: Table[Orders] = Table((
    Column("trade_id", TEXT, lambda orders: orders.context.keys(Kind.TRADE, orders["trade"])),
    Column("account_id", TEXT, lambda orders: orders.all(orders.context.account_key)),
    Column("session_id", TEXT, lambda orders: orders.all(orders.context.session_key)),
    Column("strategy_config_id", TEXT, lambda orders: orders.all(orders.context.strategy_key)),
    Column("position_id", TEXT, lambda orders: _positions(orders, "position")),
    _integer("ordinal", "trade"),
    _integer("decision_ordinal", "decision"),
    _integer("decided_block", "decided_block"),
    _name("lane", "lane", _LANES),
    _name("reason", "reason", _REASONS),
    _name("trade_type", "side", _SIDES),
    *(_leg(place) for place in range(len(Legs._fields))),
    _amount("amount_in", "in"),
    Column("amount_in_usd", USD, _worth),
    _amount("expected_amount_out", "quote"),
    _amount("min_amount_out", "min"),
    Column("created_at", TEXT, lambda orders: orders.times("decided_block")),
    _integer("delay_ms", "delay_ms"),
    Column("mock_tx_hash", TEXT, _hashes),
    Column("strategy_name", TEXT, lambda orders: orders.all(escaped(orders.context.account.strategy.name))),
    Column("execution_dex", TEXT, lambda orders: [orders.context.venue(route) for route in orders["route"]]),
    Column("route", TEXT, _routes),
    Column("status", TEXT, lambda orders: orders.statuses),
    Column("finished_ordinal", TEXT, lambda orders: or_null(_finished_ordinals(orders), orders.finished)),
    Column("deadline_block", TEXT, lambda orders: orders.deadlines),
    Column("block", TEXT, lambda orders: or_null(orders["block"], orders.finished)),
    _name("failure", "failure", _FAILURE_NAMES),
    Column(
        "actual_amount_out",
        TEXT,
        lambda orders: or_null(orders.amounts("out"), orders.has_status(TradeStatus.COMPLETED)),
    ),
    Column("simulated_gas_price_gwei", GWEI, lambda orders: orders["gas_price_wei"]),
    _integer("simulated_gas_used", "gas_used"),
    _usd("simulated_gas_cost_usd", "gas_micro_usd"),
    Column("simulated_slippage_percent", "%de-4", _slippages),
    _usd("cost_basis_usd", "cost_micro_usd"),
    _usd("realized_pnl_usd", "realized_micro_usd"),
    _usd("net_pnl_usd", "net_micro_usd"),
    _usd("execution_cost_usd", "execution_cost_micro_usd"),
    _usd("fee_usd", "fee_micro_usd"),
    _usd("price_impact_usd", "impact_micro_usd"),
    _usd("drift_usd", "drift_micro_usd"),
    _usd("sandwich_usd", "sandwich_micro_usd"),
    _usd("failure_usd", "failure_micro_usd"),
    Column(
        "cash_after_usd", TEXT, lambda orders: or_null([USD % v for v in orders["cash_micro_usd"]], orders.finished)
    ),
    Column("executed_at", TEXT, lambda orders: or_null(orders.times("block"), _included(orders))),
    Column("execution_time_ms", TEXT, lambda orders: or_null(_execution_times(orders), orders.finished)),
    _name("error_message", "failure", FAILURES),
    Column("mock_block_number", TEXT, lambda orders: or_null(orders["block"], _included(orders))),
    Column("sold_position_id", TEXT, lambda orders: _positions(orders, "from_position")),
))  # fmt: skip
"""``paper_trades``: rows as they stand after the segment."""
