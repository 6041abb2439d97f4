"""Orders and positions as rows.

A finished order's row is made from its TRADE record alone, and a closed position's from the order that closed it, so
that rows are the same wherever a run was cut into segments. An order in flight at the end of a segment gets a row too,
pending on its way to the chain and executing once its block has come, which a later batch replaces as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from simulation.choices import Failure, Lane, Reason, Side, TradeStatus
from simulation.wei import join
from storage import units
from storage.ids import Kind
from storage.row_types import PositionRow, TradeRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from simulation.market.segment import Segment, TokenInfo
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


@dataclass(frozen=True, slots=True)
class Order:
    """The terms an order was sent with."""

    ordinal: int
    token: int
    side: int
    lane: int
    reason: int
    decision: int
    decided_block: int
    delay_ms: int
    route: int
    amount_in: int
    value_micro_usd: int
    expected: int
    minimum: int
    position: int
    from_token: int
    from_route: int
    from_position: int


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of an order; the defaults are those of one in flight."""

    status: str = "pending"
    finished_ordinal: int | None = None
    deadline_block: int | None = None
    block: int | None = None
    failure: int = Failure.NONE
    received: int | None = None
    gas_price_wei: int = 0
    gas_used: int = 0
    gas_micro_usd: int = 0
    cost_micro_usd: int = 0
    realized_micro_usd: int = 0
    net_micro_usd: int = 0
    execution_cost_micro_usd: int = 0
    fee_micro_usd: int = 0
    impact_micro_usd: int = 0
    drift_micro_usd: int = 0
    sandwich_micro_usd: int = 0
    failure_micro_usd: int = 0
    cash_micro_usd: int | None = None


_COSTS = tuple(field.name for field in fields(Ending) if field.name.endswith("_micro_usd") and field.default == 0)
"""What an ending takes over from its record as it is."""


def trade_rows(
    context: SessionContext,
    session: np.void,
    holdings: NDArray[np.void],
    trades: NDArray[np.void],
    finished_before: int = 0,
) -> Iterator[TradeRow]:
    """Yield the orders that ended in the segment, then those in flight after it.

    ``finished_before`` are those that ended in earlier sessions of the account.
    """
    finished = int(session["completed_trades"]) + int(session["failed_trades"])
    first_finished = finished_before + finished - len(trades)
    assert first_finished >= 0, "each finished order is counted"
    for place, trade in enumerate(trades):
        yield _row(context, _sent_order(trade), _ending(trade, first_finished + place))
    for token, holding in enumerate(holdings):
        if holding["order_side"] not in (Side.NONE, Side.AWAY):
            is_due = holding["order_due_block"] < session["next_block"]
            in_flight = Ending(
                "executing" if is_due else "pending", deadline_block=int(holding["order_deadline_block"])
            )
            yield _row(context, _order_in_flight(token, holding, holdings), in_flight)


def position_rows(
    context: SessionContext, holdings: NDArray[np.void], trades: NDArray[np.void], segment: Segment
) -> Iterator[PositionRow]:
    """Yield the positions that were closed in the segment, then those that are open after it."""
    for trade in trades:
        if trade["closes"]:
            yield _closed_position(context, trade, segment)
    for token, holding in enumerate(holdings):
        if holding["quantity_hi"] or holding["quantity_lo"]:
            yield _open_position(context, token, holding, segment)


def transaction_hash(seed: int, session: int, trade: int) -> str:
    """Return the made-up hash of an order's transaction: the same in every run of the scenario."""
    return "0x" + sha256(f"paperdex transaction {seed} {session} {trade}".encode()).hexdigest()


def _sent_order(trade: np.void) -> Order:
    return Order(
        ordinal=int(trade["trade"]),
        token=int(trade["token"]),
        side=int(trade["side"]),
        lane=int(trade["lane"]),
        reason=int(trade["reason"]),
        decision=int(trade["decision"]),
        decided_block=int(trade["decided_block"]),
        delay_ms=int(trade["delay_ms"]),
        route=int(trade["route"]),
        amount_in=join(trade["in_hi"], trade["in_lo"]),
        value_micro_usd=int(trade["value_micro_usd"]),
        expected=join(trade["quote_hi"], trade["quote_lo"]),
        minimum=join(trade["min_hi"], trade["min_lo"]),
        position=int(trade["position"]),
        from_token=int(trade["from_token"]),
        from_route=int(trade["from_route"]),
        from_position=int(trade["from_position"]),
    )


def _order_in_flight(token: int, holding: np.void, holdings: NDArray[np.void]) -> Order:
    side, from_token = int(holding["order_side"]), int(holding["order_from"])
    return Order(
        ordinal=int(holding["order_trade"]),
        token=token,
        side=side,
        lane=int(holding["order_lane"]),
        reason=int(holding["order_reason"]),
        decision=int(holding["order_decision"]),
        decided_block=int(holding["order_decided_block"]),
        delay_ms=int(holding["order_delay_ms"]),
        route=int(holding["order_route"]),
        amount_in=join(holding["order_in_hi"], holding["order_in_lo"]),
        value_micro_usd=int(holding["order_value_micro_usd"]),
        expected=join(holding["order_quote_hi"], holding["order_quote_lo"]),
        minimum=join(holding["order_min_hi"], holding["order_min_lo"]),
        position=int(holding["position"]) if side == Side.SELL else -1,
        from_token=from_token,
        from_route=int(holding["order_from_route"]),
        from_position=int(holdings[from_token]["position"]) if side == Side.SWAP else -1,
    )


def _ending(trade: np.void, finished_ordinal: int) -> Ending:
    completed = trade["status"] == TradeStatus.COMPLETED
    return Ending(
        status=_STATUSES[int(trade["status"])],
        finished_ordinal=finished_ordinal,
        block=int(trade["block"]),
        failure=int(trade["failure"]),
        received=join(trade["out_hi"], trade["out_lo"]) if completed else None,
        gas_price_wei=int(trade["gas_price_wei"]),
        gas_used=int(trade["gas_used"]),
        **{name: int(trade[name]) for name in _COSTS},
        cash_micro_usd=int(trade["cash_micro_usd"]),
    )


def _row(context: SessionContext, order: Order, end: Ending) -> TradeRow:
    at = context.clock.at
    included_block = end.block if end.status in {"completed", "failed"} else None
    blocks = None if end.block is None else end.block - order.decided_block
    return TradeRow(
        trade_id=context.key(Kind.TRADE, order.ordinal),
        account_id=context.account_key,
        session_id=context.session_key,
        strategy_config_id=context.strategy_key,
        position_id=_position_key(context, order.position),
        ordinal=order.ordinal,
        decision_ordinal=order.decision,
        decided_block=order.decided_block,
        lane=_LANES[order.lane],
        reason=_REASONS[order.reason],
        trade_type=_SIDES[order.side],
        **context.legs(order.side, order.token, order.from_token)._asdict(),
        amount_in=order.amount_in,
        amount_in_usd=units.usd(order.expected if order.side == Side.SELL else order.value_micro_usd),
        expected_amount_out=order.expected,
        min_amount_out=order.minimum,
        created_at=at(order.decided_block),
        delay_ms=order.delay_ms,
        mock_tx_hash=transaction_hash(context.seed, context.session, order.ordinal),
        strategy_name=context.account.strategy.name,
        execution_dex=context.venue(order.route),
        route=context.route_text(order.route, order.from_route),
        status=end.status,
        finished_ordinal=end.finished_ordinal,
        deadline_block=end.deadline_block,
        block=end.block,
        failure=_FAILURE_NAMES[end.failure],
        actual_amount_out=end.received,
        simulated_gas_price_gwei=units.gwei(end.gas_price_wei),
        simulated_gas_used=end.gas_used,
        simulated_gas_cost_usd=units.usd(end.gas_micro_usd),
        simulated_slippage_percent=_slippage_percent(order.expected, end.received),
        cost_basis_usd=units.usd(end.cost_micro_usd),
        realized_pnl_usd=units.usd(end.realized_micro_usd),
        net_pnl_usd=units.usd(end.net_micro_usd),
        execution_cost_usd=units.usd(end.execution_cost_micro_usd),
        fee_usd=units.usd(end.fee_micro_usd),
        price_impact_usd=units.usd(end.impact_micro_usd),
        drift_usd=units.usd(end.drift_micro_usd),
        sandwich_usd=units.usd(end.sandwich_micro_usd),
        failure_usd=units.usd(end.failure_micro_usd),
        cash_after_usd=None if end.cash_micro_usd is None else units.usd(end.cash_micro_usd),
        executed_at=None if included_block is None else at(included_block),
        execution_time_ms=None if blocks is None else blocks * context.clock.block_time_ms,
        error_message=FAILURES[end.failure],
        mock_block_number=included_block,
        sold_position_id=_position_key(context, order.from_position),
    )


def _position_key(context: SessionContext, ordinal: int) -> str | None:
    return None if ordinal < 0 else context.key(Kind.POSITION, ordinal)


def _slippage_percent(expected: int, received: int | None) -> str:
    """Return the shortfall against the quote in percent with four decimals; negative when more was received."""
    if received is None or expected == 0:
        return units.fixed(0, 4)
    return units.fixed((expected - received) * _SLIPPAGE_SCALE // expected, 4)


def _closed_position(context: SessionContext, trade: np.void, segment: Segment) -> PositionRow:
    names, cost = ("token", "position", "opened_block"), int(trade["cost_micro_usd"])
    if trade["side"] == Side.SWAP:  # its cost is what the token given up was sold for
        names, cost = ("from_token", "from_position", "from_opened_block"), cost - int(trade["realized_micro_usd"])
    token, ordinal, opened_block = (int(trade[name]) for name in names)
    block, info, sold = int(trade["block"]), context.tokens[token], join(trade["in_hi"], trade["in_lo"])
    return PositionRow(
        **_position_keys(context, token, ordinal, opened_block),
        closed_block=block,
        quantity=0,
        average_entry_price_usd=units.price(cost, sold, info.decimals),
        total_invested_usd=units.usd(int(trade["invested_micro_usd"])),
        cost_basis_usd=units.usd(0),
        current_price_usd=units.pool_price(_price_q(segment, block, token), info.price_shift, info.decimals),
        current_value_usd=units.usd(0),
        unrealized_pnl_usd=units.usd(0),
        realized_pnl_usd=units.usd(int(trade["earned_micro_usd"])),
        is_open=False,
        closed_at=context.clock.at(block),
        last_updated=context.clock.at(block),
    )


def _open_position(context: SessionContext, token: int, holding: np.void, segment: Segment) -> PositionRow:
    info, block, cost = context.tokens[token], segment.end_block - 1, int(holding["cost_micro_usd"])
    quantity = join(holding["quantity_hi"], holding["quantity_lo"])
    price_q = _price_q(segment, block, token)
    value = units.value_micro_usd(quantity, price_q, info.price_shift)
    return PositionRow(
        **_position_keys(context, token, int(holding["position"]), int(holding["opened_block"])),
        closed_block=None,
        quantity=quantity,
        average_entry_price_usd=units.price(cost, quantity, info.decimals),
        total_invested_usd=units.usd(int(holding["invested_micro_usd"])),
        cost_basis_usd=units.usd(cost),
        current_price_usd=units.pool_price(price_q, info.price_shift, info.decimals),
        current_value_usd=units.usd(value),
        unrealized_pnl_usd=units.usd(value - cost),
        realized_pnl_usd=units.usd(int(holding["earned_micro_usd"])),
        is_open=True,
        closed_at=None,
        last_updated=context.clock.at(block),
    )


def _position_keys(context: SessionContext, token: int, ordinal: int, opened_block: int) -> dict[str, Any]:
    info: TokenInfo = context.tokens[token]
    session_key, strategy_key = context.opener_keys(opened_block)
    return {
        "position_id": context.key(Kind.POSITION, ordinal),
        "account_id": context.account_key,
        "session_id": session_key,
        "strategy_config_id": strategy_key,
        "ordinal": ordinal,
        "opened_block": opened_block,
        "opened_at": context.clock.at(opened_block),
        "token_address": context.addresses[token],
        "token_symbol": info.symbol,
        "token_name": info.name,
        "token_decimals": info.decimals,
    }


def _price_q(segment: Segment, block: int, token: int) -> int:
    return int(segment.mids[block - segment.first_block, token]["price_q"])
