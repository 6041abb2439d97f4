"""Decisions as rows: the numbers of the DECISION and its signal, and the words that follow from them.

Numbers are written a column at a time. The words are made one decision after another: each says something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

from simulation.choices import DecisionType, Lane, Reason
from simulation.intelligence.explanations import confidence_level, decided, explain
from simulation.state import Case
from simulation.trading.rules import ANALYSIS_MS
from storage.columns import (
    INTEGER,
    PERCENT,
    TEXT,
    Column,
    Table,
    json_list,
    names_of,
    object_form,
    times_of,
)
from storage.copying import escaped, to_json
from storage.ids import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from simulation.intelligence.explanations import Explanation
    from simulation.market.segment import Segment
    from storage.context import SessionContext

_TYPES: dict[int, str] = {kind: kind.name for kind in DecisionType}
_LANES: dict[int, str] = {lane: lane.name for lane in Lane}
_REASONS: dict[int, str] = {reason: reason.name for reason in Reason}
_CASE = object_form(dict.fromkeys(Case._fields, INTEGER))


@dataclass(frozen=True, slots=True)
class Thoughts:
    """The decisions of a session in a segment, with their signals and explanations."""

    context: SessionContext
    decisions: NDArray[np.void]
    """DECISION records."""
    signals: NDArray[np.void]
    """The SIGNAL behind each."""
    told: Sequence[Explanation]

    @classmethod
    def of(cls, context: SessionContext, decisions: NDArray[np.void], segment: Segment) -> Thoughts:
        """Return the decisions with what the segment knows about each."""
        rows, tokens = decisions["block"] - segment.first_block, decisions["token"]
        signals = segment.signals[context.analyst, rows, tokens]
        market = zip(signals, segment.mids[rows, tokens], segment.gas[rows], strict=True)
        told = [_told(context, decision, *of) for decision, of in zip(decisions, market, strict=True)]
        return cls(context, decisions, signals, told)

    def __getitem__(self, field: str) -> list[int]:
        """Return a field of all decisions as Python integers."""
        values: list[int] = self.decisions[field].tolist()
        return values

    def scores(self, field: str) -> list[int]:
        """Return a field of all signals as Python integers."""
        values: list[int] = self.signals[field].tolist()
        return values


def _told(context: SessionContext, decision: np.void, signal: np.void, mid: np.void, gas: np.void) -> Explanation:
    made = decided(decision)
    rival = None if made.case.rival_token < 0 else context.tokens[made.case.rival_token]
    token = context.tokens[int(decision["token"])]
    return explain(made, signal, mid, gas, token, context.account.strategy, rival)


def _levels(thoughts: Thoughts) -> list[str]:
    return [confidence_level(confidence_bp) for confidence_bp in thoughts.scores("confidence_bp")]


def _lists(thoughts: Thoughts, field: str) -> list[str]:
    return [json_list(getattr(told, field)) for told in thoughts.told]


def _key_factors(thoughts: Thoughts) -> list[str]:
    return [_factors(told.key_factors) for told in thoughts.told]


def _factors(factors: Iterable[Mapping[str, Any]]) -> str:
    members = [f'{{"name":"{one["name"]}","weight":{one["weight"]!r},"value":{one["value"]!r}}}' for one in factors]
    return f"[{','.join(members)}]"


def _inputs(thoughts: Thoughts) -> list[str]:
    return [_CASE % tuple(case) for case in thoughts.decisions["case"].tolist()]


def _thinking_times(thoughts: Thoughts) -> list[int]:
    times: list[int] = ANALYSIS_MS[thoughts.decisions["lane"]].tolist()
    return times


def _constant(name: str, of: Any) -> Column[Thoughts]:
    return Column(name, TEXT, lambda thoughts: repeat(of(thoughts.context)))


def _integer(name: str, field: str) -> Column[Thoughts]:
    return Column(name, INTEGER, lambda thoughts: thoughts[field])


def _name(name: str, field: str, names: Mapping[int, str]) -> Column[Thoughts]:
    return Column(name, TEXT, lambda thoughts: names_of(names, thoughts[field]))


def _score(name: str, field: str) -> Column[Thoughts]:
    return Column(name, PERCENT, lambda thoughts: thoughts.scores(field))


def _words(name: str) -> Column[Thoughts]:
    return Column(name, TEXT, lambda thoughts: [escaped(getattr(told, name)) for told in thoughts.told])


THOUGHTS: Table[Thoughts] = Table((
    Column("thought_id", TEXT, lambda thoughts: thoughts.context.keys(Kind.THOUGHT, thoughts["decision"])),
    _constant("account_id", lambda context: context.account_key),
    _constant("session_id", lambda context: context.session_key),
    _constant("strategy_config_id", lambda context: context.strategy_key),
    Column("paper_trade_id", TEXT, lambda thoughts: thoughts.context.keys(Kind.TRADE, thoughts["trade"])),
    _integer("ordinal", "decision"),
    _integer("block", "block"),
    _name("decision_type", "type", _TYPES),
    _name("reason", "reason", _REASONS),
    _integer("observed_value", "observed"),
    _integer("limit_value", "limit"),
    Column("token_address", TEXT, lambda thoughts: [thoughts.context.addresses[token] for token in thoughts["token"]]),
    Column("token_symbol", TEXT, lambda thoughts: [thoughts.context.symbols[token] for token in thoughts["token"]]),
    Column("confidence_level", TEXT, _levels),
    _score("confidence_percent", "confidence_bp"),
    _score("risk_score", "risk_bp"),
    _score("opportunity_score", "opportunity_bp"),
    _words("primary_reasoning"),
    _words("risk_assessment"),
    Column("key_factors", TEXT, _key_factors),
    Column("positive_signals", TEXT, lambda thoughts: _lists(thoughts, "positive_signals")),
    Column("negative_signals", TEXT, lambda thoughts: _lists(thoughts, "negative_signals")),
    Column("market_data", TEXT, lambda thoughts: [escaped(to_json(told.market_data)) for told in thoughts.told]),
    _constant("strategy_name", lambda context: escaped(context.account.strategy.name)),
    _name("lane_used", "lane", _LANES),
    Column("analysis_time_ms", INTEGER, _thinking_times),
    Column("inputs", TEXT, _inputs),
    Column("created_at", TEXT, lambda thoughts: times_of(thoughts.context.clock, thoughts.decisions["block"])),
))  # fmt: skip
"""``paper_ai_thought_logs``."""
