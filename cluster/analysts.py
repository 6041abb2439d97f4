"""A plug-in before it trades: tried on the run's own market, and refused with a sentence for what is wrong with it.

What is tried is what a run relies on: answers of the right form, the same answers to the same question, and answers
that know nothing of later blocks nor of where a segment begins. Built-in analysts are tried so by the tests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from actors.analysts import UnusableAnalystError, in_words, load
from actors.market import Market
from simulation.intelligence.analysts import ANALYSTS, HISTORY_BLOCKS, WrongScoresError, history_of, records_of
from simulation.intelligence.roster import AnalystSpec, PlugIn, roster_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cluster.plan import Plan
    from simulation.intelligence.analysts import MarketHistory, Scores

TRIED_BLOCKS = 240
"""How much of the run's market a plug-in is tried on: its first blocks."""

CUTS = (0.01, 0.2, 0.5, 0.77, 0.99)
"""Where that is cut, as shares of it: short enough that a look of one block ahead meets the end."""


def try_analysts(plan: Plan, others: Sequence[AnalystSpec] = ()) -> tuple[PlugIn, ...]:
    """Try every plug-in of a plan, and others, and return what each calls itself; raises UnusableAnalystError."""
    listed = (*roster_of(plan.scenario.accounts).analysts, *others)
    specs = [spec for spec in listed if spec.name not in ANALYSTS]
    if not specs:
        return ()
    market = first_blocks(plan, min(TRIED_BLOCKS, plan.blocks))
    return tuple(_tried(spec, load(spec), market) for spec in specs)


def _tried(spec: AnalystSpec, analyst: Any, market: MarketHistory) -> PlugIn:
    try_analyst(spec, analyst, market)
    return PlugIn(spec.name, analyst.version, spec.parameters)


def first_blocks(plan: Plan, n_blocks: int) -> MarketHistory:
    """Return the market of the first blocks of a run, with the past."""
    market = Market(plan.scenario, plan.recording)
    return history_of(*market.records(market.begin(), n_blocks), plan.tokens)


def try_analyst(spec: AnalystSpec, analyst: Any, market: MarketHistory) -> None:
    """Refuse an analyst that cannot be relied on in this market; raises UnusableAnalystError."""
    whole = _answer(spec, analyst, market)
    if _difference(whole, _answer(spec, analyst, market)) is not None:
        raise UnusableAnalystError(
            spec, "gives different answers to the same question; it may depend on nothing but the market it is shown"
        )
    for end in sorted({max(1, int(share * market.n_blocks)) for share in CUTS} - {market.n_blocks}):
        _try_without_later(spec, analyst, market, whole, end)
        _try_without_earlier(spec, analyst, market, whole, end)


def _try_without_later(spec: AnalystSpec, analyst: Any, market: MarketHistory, whole: Scores, end: int) -> None:
    shown = _rows(market, 0, HISTORY_BLOCKS + end)
    at = _difference(_part(whole, 0, end), _answer(spec, analyst, shown))
    if at is not None:
        raise UnusableAnalystError(
            spec, f"sees beyond block {at}: what it says of that block changes with the blocks after block {end - 1}"
        )


def _try_without_earlier(spec: AnalystSpec, analyst: Any, market: MarketHistory, whole: Scores, start: int) -> None:
    shown = _rows(market, start, len(market.price_usd))
    at = _difference(_part(whole, start, market.n_blocks), _answer(spec, analyst, shown))
    if at is not None:
        raise UnusableAnalystError(
            spec,
            f"says another thing of block {start + at} when the market begins {start} blocks later; it may look at "
            f"the {HISTORY_BLOCKS} blocks before a block only, and add up windows of a fixed length",
        )


def _answer(spec: AnalystSpec, analyst: Any, market: MarketHistory) -> Scores:
    """Return what an analyst says, of the right form."""
    try:
        scores: Scores = analyst.analyse(market)
        records_of(scores, market.shape)
    except WrongScoresError as error:
        raise UnusableAnalystError(spec, str(error)) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # it may ask to exit, too
        raise UnusableAnalystError(spec, f"raises {in_words(error)}") from error
    return scores


def _difference(one: Scores, other: Scores) -> int | None:
    """Return the first row in which two answers differ, to the bit; None where they are equal."""
    rows = [
        np.flatnonzero((a != b).any(axis=1)) for a, b in zip(_arrays(one), _arrays(other), strict=True)
    ]  # no NaN gets here
    return min((int(found[0]) for found in rows if len(found)), default=None)


def _arrays(scores: Scores) -> list[Any]:
    risk = np.full_like(scores.opportunity_percent, 50) if scores.risk_percent is None else scores.risk_percent
    return [scores.opportunity_percent, scores.confidence_percent, risk]


def _part(scores: Scores, first: int, end: int) -> Scores:
    return type(scores)(*(array[first:end] for array in _arrays(scores)))


def _rows(market: MarketHistory, first: int, end: int) -> MarketHistory:
    """Return some rows of a market, in arrays of their own: a view would let a plug-in reach the rest."""
    shown = {name: getattr(market, name)[first:end].copy() for name in ("price_usd", "liquidity_usd", "base_fee_gwei")}
    for array in shown.values():
        array.flags.writeable = False
    return replace(market, **shown)
