"""A stored decision for a person, and the same decision made again from its own row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cluster.errors import UsageError
from cluster.facts import facts, grid, moment
from simulation.choices import DecisionType, Lane, Reason
from simulation.intelligence.explanations import Decided, in_words
from simulation.state import Case
from simulation.trading.judging import judge, lane_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from storage.records import Thought


def shown(thought: Thought) -> RenderableType:
    """Return a decision as it is printed for a person: why, how sure, on what numbers, and what came of it."""
    return Group(
        Text(thought.primary_reasoning, style="bold"),
        Text(thought.risk_assessment),
        Text(),
        _facts(thought),
        Text(),
        _factors(thought),
        Text(),
        _numbers("the market", {name: value for name, value in thought.market_data.items() if name != "factors"}),
        Text(),
        _numbers("what the rule looked at", thought.inputs),
    )


def differences(thought: Thought) -> list[str]:
    """Make a decision again from its own row and return, in clauses, what does not come out as stored."""
    if set(thought.inputs) != set(Case._fields):
        raise UsageError(
            f"Decision {thought.thought_id} has no inputs that could be asked again: its run was pruned, or made by a "
            "version of paperdex that kept other inputs; run the scenario again."
        )
    case = Case(**thought.inputs)
    ruling = judge(case)
    lane = lane_of(case, ruling.type)
    again = Decided(ruling.type, ruling.reason, lane, ruling.observed, ruling.limit, case)
    words = in_words(again, thought.token_symbol, thought.market_data, float(thought.max_trade_size_usd))
    results: dict[str, Any] = {
        "decision_type": DecisionType(ruling.type).name,
        "reason": Reason(ruling.reason).name,
        "observed_value": ruling.observed,
        "limit_value": ruling.limit,
        "lane_used": Lane(lane).name,
        "primary_reasoning": words.primary_reasoning,
        "risk_assessment": words.risk_assessment,
        "key_factors": words.key_factors,
        "positive_signals": words.positive_signals,
        "negative_signals": words.negative_signals,
    }
    stored = {name: getattr(thought, name) for name in results}
    return [
        f"{name} is stored as {stored[name]!r} and comes out as {result!r}"
        for name, result in results.items()
        if result != stored[name]
    ]


def _facts(thought: Thought) -> Table:
    return facts(
        {
            "decision": f"{thought.decision_type}, because of {thought.reason}",
            "confidence": f"{thought.confidence_percent} % ({thought.confidence_level})",
            "opportunity": f"{thought.opportunity_score} %",
            "risk": f"{thought.risk_score} %",
            "account": f"{thought.account}, strategy {thought.strategy_name}",
            "when": moment(thought.at, thought.block),
            "lane": f"{thought.lane_used}, which thinks for {thought.analysis_time_ms:,} ms",
            "for it": "; ".join(thought.positive_signals) or "nothing",
            "against it": "; ".join(thought.negative_signals) or "nothing",
            "order": _order(thought),
            **({} if thought.trade_id is None else {"trade": str(thought.trade_id)}),
            "session": str(thought.session_id),
            "run": str(thought.run_id),
        }
    )


def _order(thought: Thought) -> str:
    if thought.trade_type is None:
        return "none"
    ended = "" if thought.trade_block is None else f" in block {thought.trade_block:,}"
    result = "" if thought.net_pnl_usd is None else f", {thought.net_pnl_usd:+,.2f} USD net"
    said = f": {thought.trade_error}" if thought.trade_error else ""
    return f"{thought.trade_type}, {thought.trade_status}{ended}{result}{said}"


def _factors(thought: Thought) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("factor")
    table.add_column("weight", justify="right")
    table.add_column("value, -1 to 1", justify="right")
    for factor in thought.key_factors:
        table.add_row(factor["name"], f"{factor['weight']:.0%}", f"{factor['value']:+.4f}")
    return table


def _numbers(title: str, numbers: dict[str, Any]) -> Table:
    table = grid()
    table.add_row(Text(title, style="dim"), Text())
    for name, value in numbers.items():
        table.add_row(Text(f"  {name}"), Text(f"{value:,}" if isinstance(value, int | float) else str(value)))
    return table
