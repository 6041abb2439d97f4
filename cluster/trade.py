"""A stored order for a person: why, when, what it gave, what it cost, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cluster.facts import facts, moment, tokens

if TYPE_CHECKING:
    from decimal import Decimal

    from rich.console import RenderableType

    from storage.records import TradeDetail

IN_FLIGHT = {"pending": "on its way to the chain", "executing": "waiting for a block that has a place for it"}
WITH_PROFIT = ("sell", "swap")


def shown(trade: TradeDetail) -> RenderableType:
    """Return an order as it is printed for a person."""
    costs: list[RenderableType] = [] if trade.status in IN_FLIGHT else [Text(), _costs(trade)]
    return Group(
        Text(trade.primary_reasoning or f"Decided by {trade.reason}; the run records no decisions.", style="bold"),
        Text(_fate(trade)),
        Text(),
        facts(_terms(trade) | _result(trade) | _keys(trade)),
        *costs,
    )


def _fate(trade: TradeDetail) -> str:
    """Return what became of it as a sentence."""
    if trade.status in IN_FLIGHT:
        until = "" if trade.deadline_block is None else f"; it expires in block {trade.deadline_block:,}"
        return f"{trade.status.capitalize()}: {IN_FLIGHT[trade.status]}{until}."
    ended = f"{trade.status.capitalize()} in block {trade.block:,}"
    return f"{ended}: {trade.error_message}" if trade.error_message else f"{ended}."


def _terms(trade: TradeDetail) -> dict[str, str]:
    paid, got = trade.token_in_symbol, trade.token_out_symbol
    return {
        "order": f"{trade.trade_type} of {trade.account}, strategy {trade.strategy_name}, because of {trade.reason}",
        "decided": moment(trade.decided_at, trade.decided_block),
        "route": f"{trade.route or 'not stored'}; {trade.lane} lane, {trade.delay_ms:,} ms to the chain",
        "pays": f"{tokens(trade.amount_in, trade.token_in_decimals, paid)} ({trade.amount_in_usd:,.2f} USD)",
        "expected": tokens(trade.expected_amount_out, trade.token_out_decimals, got),
        "at least": tokens(trade.min_amount_out, trade.token_out_decimals, got),
    }


def _result(trade: TradeDetail) -> dict[str, str]:
    """Return what came of it; an order in flight has no result, and one that never reached a block no gas."""
    result = {}
    if trade.actual_amount_out is not None:
        result["received"] = tokens(trade.actual_amount_out, trade.token_out_decimals, trade.token_out_symbol)
        than = "less" if trade.slippage_percent >= 0 else "more"
        result["slippage"] = f"{abs(trade.slippage_percent):f} % {than} than expected"
    if trade.block is not None:
        took = (
            "" if trade.execution_time_ms is None else f", {trade.execution_time_ms / 1000:,.1f} s after the decision"
        )
        where = f"block {trade.block:,}" if trade.executed_at is None else moment(trade.executed_at, trade.block)
        result["ended"] = f"{where}{took}"
        result["gas"] = f"{trade.gas_used:,} at {trade.gas_price_gwei.normalize():f} gwei, {trade.gas_usd:,.6f} USD"
    if trade.trade_type in WITH_PROFIT and trade.status == "completed":
        gas = "the gas it was bought with" if trade.trade_type == "swap" else "gas"
        result["profit"] = f"{trade.net_pnl_usd:+,.6f} USD after {gas}, {trade.realized_pnl_usd:+,.6f} USD before it"
    return result


def _keys(trade: TradeDetail) -> dict[str, str]:
    keys = {
        "transaction": trade.tx_hash,
        "trade": trade.trade_id,
        "position": trade.position_id,
        "gives up": trade.sold_position_id,
        "decision": trade.thought_id,
        "session": trade.session_id,
        "run": trade.run_id,
    }
    return {name: str(key) for name, key in keys.items() if key is not None}


def parts(trade: TradeDetail) -> dict[str, Decimal]:
    """Return what an order cost against the mid of its decision block, part by part: they add up to ``cost_usd``."""
    filled = trade.status == "completed"
    return {
        "fee": trade.fee_usd,
        "impact": trade.impact_usd,
        "drift": trade.drift_usd,
        "sandwich": trade.sandwich_usd,
        "gas": trade.gas_usd if filled else 0 * trade.gas_usd,
        "failure": trade.failure_usd,
    }


def _costs(trade: TradeDetail) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", show_footer=True, footer_style="bold")
    table.add_column("what it cost", footer="together")
    table.add_column("USD", justify="right", footer=f"{trade.cost_usd:,.6f}")
    for name, usd in parts(trade).items():
        table.add_row(name, f"{usd:,.6f}")
    return table
