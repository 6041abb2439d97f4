"""The words for a decision: they follow from its recorded numbers alone.

A decision, the signal behind it and the market at its block are enough to write the text, at any time, again.
Nothing is guessed afterwards, and the same numbers always give the same words. A run writes many thousands of
these, so records become Python numbers once and factors are written from a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from simulation.choices import DecisionType, Lane, Reason
from simulation.intelligence.signals import FACTORS, NEUTRAL_BP
from simulation.market.segment import NATIVE_SHIFT
from simulation.settings.strategy import BUILT_IN_ANALYST
from simulation.state import DECISION, GAS, MID, SIGNAL, Case
from simulation.trading.judging import order_size

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from simulation.market.segment import TokenInfo
    from simulation.settings.strategy import Strategy

NOTABLE_BP = 2_000
"""A factor this far from zero is named as a positive or a negative signal."""

LEADING_FACTORS = 2
"""How many factors are named as having led to an order."""

CONFIDENCE_LEVELS = ((9_000, "VERY_HIGH"), (7_000, "HIGH"), (5_000, "MEDIUM"), (3_000, "LOW"))
"""The one scale of confidence: the least bp of each level; below them all it is VERY_LOW."""

RISK_LEVELS = ((75.0, "Extreme"), (55.0, "High"), (35.0, "Moderate"))
"""The least risk in percent of each level; below them all it is low."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a session decided so, as it is stored with the thought."""

    primary_reasoning: str
    risk_assessment: str
    key_factors: list[dict[str, str | float]]
    """``name``, ``weight`` (share of the opportunity, 0 to 1) and ``value`` (-1 to 1), the loudest first."""
    positive_signals: list[str]
    negative_signals: list[str]
    market_data: dict[str, Any]
    """What the decision was based on, as plain JSON values."""


class Decided(NamedTuple):
    """A decision and the case that it was made on."""

    type: int
    reason: int
    lane: int
    observed: int
    limit: int
    case: Case


def decided(decision: np.void) -> Decided:
    """Return a DECISION as plain Python numbers."""
    kind, reason, lane, observed, limit, case = _OF_DECISION(decision.item())
    return Decided(kind, reason, lane, observed, limit, Case(*case))


def explain(
    decision: Decided,
    signal: np.void,
    mid: np.void,
    gas: np.void,
    token: TokenInfo,
    strategy: Strategy,
    rival: TokenInfo | None = None,
) -> Explanation:
    """Put a decision into words, with the SIGNAL, MID and GAS records of its token and block.

    ``rival`` is the token held that it was weighed against, where there was one.
    """
    scores = signal.item()
    told = {"reason": _TOLD[decision.reason].name, "observed": decision.observed, "limit": decision.limit}
    market = {**_market_data(mid.item(), gas.item(), token), **_score_data(scores), **told}
    if rival is not None:
        market["rival"] = rival.symbol
    if strategy.analyst != BUILT_IN_ANALYST:  # others have no factors
        market["factors"] = {}
    return in_words(decision, token.symbol, market, float(strategy.max_trade_size_usd))


def in_words(decision: Decided, symbol: str, market_data: dict[str, Any], max_trade_size_usd: float) -> Explanation:
    """Put a decision into words, from nothing but what is stored with it."""
    factors = market_data["factors"]
    voices = _voices(tuple(round(10_000 * factors[name]) for name, *_ in _SPEAKERS)) if factors else []
    told = _TOLD[decision.reason]
    because = told.sentence(decision.observed, decision.limit)
    if decision.reason == Reason.SIGNAL:
        because += _leaders(voices, market_data["opportunity_percent"])
    at = f"{symbol} at {price_text(market_data['price_usd'])} USD"
    return Explanation(
        primary_reasoning=f"{_action(decision, market_data)} {at}: {because}.{_choice_of_lane(decision)}",
        risk_assessment=_risk_assessment(
            market_data["risk_percent"], voices, market_data["pool_liquidity_usd"], max_trade_size_usd
        ),
        key_factors=[{"name": v.name, "weight": v.weight / 100, "value": v.bp / 10_000} for v in voices],
        positive_signals=[voice.said for voice in voices if voice.bp >= NOTABLE_BP],
        negative_signals=[voice.said for voice in voices if voice.bp <= -NOTABLE_BP],
        market_data=market_data,
    )


def confidence_level(confidence_bp: int) -> str:
    """Return the name of a confidence from 0 to 10000 bp."""
    return next((name for least_bp, name in CONFIDENCE_LEVELS if confidence_bp >= least_bp), "VERY_LOW")


def price_text(price_usd: float) -> str:
    """Return a price with at least two decimals and four digits: 95,000.00, 3,012.40, 1.083, 0.00000123."""
    if price_usd >= 10.0:
        return f"{price_usd:,.2f}"
    exponent = int(f"{price_usd:.3e}".partition("e")[2])
    text = f"{price_usd:.{max(2, 3 - exponent)}f}"
    return text[:4] + text[4:].rstrip("0")


_ACTIONS: dict[int, str] = {
    DecisionType.BUY: "Buying",
    DecisionType.SELL: "Selling",
    DecisionType.HOLD: "Holding",
    DecisionType.SKIP: "Skipping",
    DecisionType.STOP_LOSS: "Stop loss, selling",
    DecisionType.TAKE_PROFIT: "Take profit, selling",
}
"""An order has only been sent when its thought is written: "bought" would often be untrue."""


def _action(decision: Decided, market_data: dict[str, Any]) -> str:
    """Return what is being done, and whether it is to a part of a position only."""
    case = decision.case
    if decision.reason == Reason.BETTER_CANDIDATE:
        return f"Swapping {market_data['rival']} for"
    if decision.type == DecisionType.BUY and case.is_held:
        return "Buying more"
    if decision.type == DecisionType.SELL and case.sale_micro_usd < case.value_micro_usd:
        return "Selling a part of"
    return _ACTIONS[decision.type]


def _stop_loss(observed: int, limit: int) -> str:
    return f"the position is worth {_usd(observed)} USD, {_relation(observed, limit)} its stop of {_usd(limit)} USD"


def _take_profit(observed: int, limit: int) -> str:
    return f"the position is worth {_usd(observed)} USD, {_relation(observed, limit)} its target of {_usd(limit)} USD"


def _hold_time(observed: int, limit: int) -> str:
    return f"held for {observed:,} blocks of at most {limit:,}"


def _no_opportunity(observed: int, limit: int) -> str:
    return f"opportunity {_percent(observed)} % is {_relation(observed, limit)} the neutral {_percent(limit)} %"


def _confidence(observed: int, limit: int) -> str:
    return f"confidence {_percent(observed)} % is {_relation(observed, limit)} the threshold of {_percent(limit)} %"


def _low_liquidity(observed: int, limit: int) -> str:
    return f"the pool holds {_usd(observed)} USD, {_relation(observed, limit)} the floor of {_usd(limit)} USD"


def _daily_trades(observed: int, limit: int) -> str:
    return f"{observed:,} of at most {limit:,} orders of the day have been sent"


def _concurrent_positions(observed: int, limit: int) -> str:
    return f"{observed:,} of at most {limit:,} positions are open or being opened"


def _insufficient_cash(observed: int, limit: int) -> str:
    relation = _relation(observed, limit)
    return f"a trade of {_usd(observed)} USD is affordable, {relation} the smallest worth sending of {_usd(limit)} USD"


def _gas_unaffordable(observed: int, limit: int) -> str:
    return f"free cash of {_usd(observed)} USD is {_relation(observed, limit)} an exit's gas of up to {_usd(limit)} USD"


def _paused(observed: int, _limit: int) -> str:
    return "an operator has paused buying" if observed else "Auto Pilot has paused buying"


def _too_costly(observed: int, limit: int) -> str:
    return (
        f"going in and out would cost {_usd(observed)} USD, above the {_usd(limit)} USD that half of the target earns"
    )


def _no_liquidity(_observed: int, _limit: int) -> str:
    return "no pool of the token would give anything for an order of this size"


def _better_candidate(observed: int, limit: int) -> str:
    return (
        f"no position is free, and its opportunity is {_percent(observed)} % ahead of the weakest token held, where "
        f"{_percent(limit)} % are asked for"
    )


def _choice_of_lane(decision: Decided) -> str:
    """Return why an order takes its lane, as a sentence; nothing where there is no order or no choice."""
    case, name = decision.case, Lane(decision.lane).name
    sends = decision.type not in {DecisionType.HOLD, DecisionType.SKIP}
    if not (sends and case.use_fast_lane and case.use_smart_lane):
        return ""
    size = order_size(case, decision.type)
    relation = _relation(size, case.fast_lane_threshold_micro_usd)
    threshold = _usd(case.fast_lane_threshold_micro_usd)
    return f" By the {name} lane: {_usd(size)} USD is {relation} the FAST lane's {threshold} USD."


class _Told(NamedTuple):
    """How a reason is told: its name and what makes a sentence of (observed, limit)."""

    name: str
    sentence: Callable[[int, int], str]


_SENTENCES: dict[Reason, Callable[[int, int], str]] = {
    Reason.SIGNAL: _confidence,
    Reason.STOP_LOSS: _stop_loss,
    Reason.TAKE_PROFIT: _take_profit,
    Reason.HOLD_TIME: _hold_time,
    Reason.NO_OPPORTUNITY: _no_opportunity,
    Reason.LOW_CONFIDENCE: _confidence,
    Reason.LOW_LIQUIDITY: _low_liquidity,
    Reason.DAILY_TRADES: _daily_trades,
    Reason.CONCURRENT_POSITIONS: _concurrent_positions,
    Reason.INSUFFICIENT_CASH: _insufficient_cash,
    Reason.GAS_UNAFFORDABLE: _gas_unaffordable,
    Reason.PAUSED: _paused,
    Reason.TOO_COSTLY: _too_costly,
    Reason.NO_LIQUIDITY: _no_liquidity,
    Reason.BETTER_CANDIDATE: _better_candidate,
}

_TOLD = {int(reason): _Told(reason.name, sentence) for reason, sentence in _SENTENCES.items()}


def _relation(observed: int, limit: int) -> str:
    return "below" if observed < limit else "above" if observed > limit else "at"


def _percent(bp: int) -> str:
    return f"{bp / 100:g}"


def _usd(micro_usd: int) -> str:
    return f"{micro_usd / 1e6:,.2f}"


class _Voice(NamedTuple):
    """A factor of one signal: the first field sorts the loudest last."""

    loudness: int
    name: str
    weight: int  # percent of the opportunity
    bp: int
    figure: str
    said: str


class _Phrases(NamedTuple):
    """What a factor says: hardly anything, for buying, and, last so that index -1 finds it, against it."""

    plain: str
    good: str
    bad: str


_PHRASES = {
    "trend": _Phrases("price near its mean", "price above its mean", "price below its mean"),
    "momentum": _Phrases("price without direction", "price rising", "price falling"),
    "volatility": _Phrases("unremarkable volatility", "calm market", "wild market"),
    "depth": _Phrases("pool of middling depth", "deep pool", "thin pool"),
    "gas": _Phrases("gas as usual", "gas cheaper than usual", "gas dearer than usual"),
}

_SPEAKERS = tuple((factor.name, factor.opportunity_weight, _PHRASES[factor.name]) for factor in FACTORS)

_FIGURES = tuple(f"{hundredths / 100:+.2f}" for hundredths in range(-100, 101))
"""Every factor from -1 to 1 as text; a table, since writing floats is what takes the time."""


def _voices(factors_bp: tuple[int, ...]) -> list[_Voice]:
    """Return the factors of a signal, the loudest first."""
    voices = []
    for (name, weight, phrases), bp in zip(_SPEAKERS, factors_bp, strict=True):
        figure = _FIGURES[(bp + 10_050) // 100]
        tone = (bp >= NOTABLE_BP) - (bp <= -NOTABLE_BP)
        voices.append(_Voice(abs(weight * bp), name, weight, bp, figure, f"{phrases[tone]} ({figure})"))
    voices.sort(reverse=True)
    return voices


def _leaders(voices: list[_Voice], opportunity_percent: float) -> str:
    """Return the loudest factors that point the way the opportunity does, as the end of a sentence."""
    edge = opportunity_percent - NEUTRAL_BP / 100
    leaders = [f"{voice.name} ({voice.figure})" for voice in voices if voice.bp * edge > 0]
    return ", led by " + " and ".join(leaders[:LEADING_FACTORS]) if leaders else ""


_RISKY = frozenset(factor.name for factor in FACTORS if factor.risk_weight)


def _risk_assessment(risk_percent: float, voices: list[_Voice], pool_usd: float, trade_usd: float) -> str:
    level = next((name for least_percent, name in RISK_LEVELS if risk_percent >= least_percent), "Low")
    said = ": " + ", ".join([voice.said for voice in voices if voice.name in _RISKY]) if voices else ""
    return (
        f"{level} risk of {risk_percent:g} %{said}. A trade of the largest size, {trade_usd:,.2f} USD, is "
        f"{_share_text(trade_usd, pool_usd)} of the pool's {pool_usd:,.0f} USD."
    )


def _share_text(part_usd: float, whole_usd: float) -> str:
    """Return a part in percent of the whole, in words where digits would mislead."""
    if part_usd >= whole_usd:
        return "100 % or more"
    percent = 100.0 * part_usd / whole_usd
    return f"{percent:.2f} %" if percent >= 0.01 else "less than 0.01 %"


def _score_data(scores: Any) -> dict[str, Any]:
    opportunity_bp, risk_bp, confidence_bp = _OF_SIGNAL(scores)
    return {
        "opportunity_percent": opportunity_bp / 100,
        "risk_percent": risk_bp / 100,
        "confidence_percent": confidence_bp / 100,
        "factors": {name: bp / 10_000 for (name, *_), bp in zip(_SPEAKERS, _OF_FACTORS(scores), strict=True)},
    }


_USD_PER_NATIVE_Q = 10.0**12 / 2.0**NATIVE_SHIFT  # from micro-USD per wei to USD per coin of 10**18 wei


def _market_data(mid: Any, gas: Any, token: TokenInfo) -> dict[str, Any]:
    price_q, depth_micro_usd = _OF_MID(mid)
    base_fee_wei, priority_fee_wei, native_price_q = _OF_GAS(gas)
    return {
        "price_usd": token.price_usd(price_q),
        "pool_liquidity_usd": depth_micro_usd / 1e6,
        "pool_fee_percent": token.pools[0].fee_bp / 100,
        "venue": token.pools[0].venue,
        "base_fee_gwei": base_fee_wei / 1e9,
        "priority_fee_gwei": priority_fee_wei / 1e9,
        "native_price_usd": native_price_q * _USD_PER_NATIVE_Q,
    }


def _picker(dtype: np.dtype[np.void], *names: str) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that picks the fields of these names from ``record.item()``."""
    fields = dtype.names or ()
    return itemgetter(*(fields.index(name) for name in names))


_OF_DECISION = _picker(DECISION, *Decided._fields)
_OF_SIGNAL = _picker(SIGNAL, "opportunity_bp", "risk_bp", "confidence_bp")
_OF_FACTORS = _picker(SIGNAL, *(f"{factor.name}_bp" for factor in FACTORS))
_OF_MID = _picker(MID, "price_q", "depth_micro_usd")
_OF_GAS = _picker(GAS, "base_fee_wei", "priority_fee_wei", "native_price_q")
