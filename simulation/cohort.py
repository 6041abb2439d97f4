"""Sessions that are stepped together: begun from a scenario, advanced over a segment, stored and restored."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np

from simulation import kernel
from simulation.autopilot.watching import Watched
from simulation.copies import contiguous, copied, read_only, stacked, taken
from simulation.market.concentrated import TICK
from simulation.market.tick_maps import MAP_TICKS
from simulation.state import DECISION, HOLDING, MARK, SESSION, TRADE
from simulation.trading.account import day_end_block
from simulation.trading.positions import derive_exits
from simulation.trading.rules import Rules, record_of
from simulation.trading.scene import COUNTS, Journal, World
from simulation.tuning import TUNING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from numpy.typing import NDArray

    from simulation.market.segment import Segment, Terms, TokenInfo
    from simulation.scenario import AccountSpec
    from simulation.settings.strategy import Strategy, TradingConfig

LAYOUT = sha256(repr((SESSION.descr, HOLDING.descr, TUNING.descr)).encode()).hexdigest()[:16]
"""Names the layout of the state, so that a checkpoint of another one is refused, not misread."""

MARKS_MAX = 65_536
"""A cohort of thousands makes them by the dozen in a long segment; so many are written at once, some 16 MB."""

NOTHING_HIGH = np.zeros(0, np.uint64)
"""The highest mids where nobody is watched."""

MICRO_USD = 1_000_000
BP_PER_PERCENT = 100


class ForeignCheckpointError(ValueError):
    """The checkpoint was written by a version of paperdex whose state has another layout."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """The whole state of some sessions, and of the twins of those whose latest adjustment is being judged.

    A twin is a session like any other, except that nothing of what it does is written down; ``TUNING.twin`` is its row.
    """

    sessions: NDArray[np.void]  # SESSION, (n_sessions,)
    holdings: NDArray[np.void]  # HOLDING, (n_sessions, n_tokens)
    tuning: NDArray[np.void]  # TUNING, (n_sessions,)
    twins: NDArray[np.void]  # SESSION, (n_twins,)
    twin_holdings: NDArray[np.void]  # HOLDING, (n_twins, n_tokens)

    def copy(self) -> Cohort:
        """Return a cohort that shares nothing with this one."""
        return Cohort(*map(copied, self._parts()))

    def one(self, row: int) -> Cohort:
        """Return the cohort of one session and its twin; the arrays are views where that needs no change."""
        tuning = copied(self.tuning[row : row + 1])
        twin = int(tuning["twin"][0])
        held = slice(twin, twin + 1) if twin >= 0 else slice(0)
        tuning["twin"] = min(twin, 0)
        return Cohort(
            self.sessions[row : row + 1],
            self.holdings[row : row + 1],
            tuning,
            self.twins[held],
            self.twin_holdings[held],
        )

    def some(self, rows: NDArray[Any]) -> Cohort:
        """Return the cohort of some sessions, by a mask or by their places, each with its twin; it shares nothing."""
        tuning = taken(self.tuning, rows)
        has_twin = tuning["twin"] >= 0
        twins = tuning["twin"][has_twin]
        tuning["twin"][has_twin] = np.arange(len(twins))
        return Cohort(
            taken(self.sessions, rows),
            taken(self.holdings, rows),
            tuning,
            taken(self.twins, twins),
            taken(self.twin_holdings, twins),
        )

    def to_bytes(self) -> bytes:
        """Return the state for a checkpoint."""
        shape = (*self.holdings.shape, len(self.twins))
        return bytes(msgpack.packb([LAYOUT, *shape, *(part.tobytes() for part in self._parts())]))

    def _parts(self) -> tuple[NDArray[np.void], ...]:
        return self.sessions, self.holdings, self.tuning, self.twins, self.twin_holdings

    @classmethod
    def from_bytes(cls, state: bytes) -> Cohort:
        """Return the cohort of a checkpoint."""
        layout, *rest = msgpack.unpackb(state)
        if layout != LAYOUT:
            raise ForeignCheckpointError(ForeignCheckpointError.__doc__)
        n_sessions, n_tokens, n_twins, sessions, holdings, tuning, twins, twin_holdings = rest
        return cls(
            copied(np.frombuffer(sessions, SESSION)),
            copied(np.frombuffer(holdings, HOLDING).reshape(n_sessions, n_tokens)),
            copied(np.frombuffer(tuning, TUNING)),
            copied(np.frombuffer(twins, SESSION)),
            copied(np.frombuffer(twin_holdings, HOLDING).reshape(n_twins, n_tokens)),
        )


def joined(cohorts: Sequence[Cohort]) -> Cohort:
    """Return the sessions of several cohorts as one, in order, each with its twin."""
    tunings, n_twins = [], 0
    for cohort in cohorts:
        tuning = copied(cohort.tuning)
        tuning["twin"][tuning["twin"] >= 0] += n_twins
        n_twins += len(cohort.twins)
        tunings.append(tuning)
    return Cohort(
        stacked([cohort.sessions for cohort in cohorts]),
        stacked([cohort.holdings for cohort in cohorts]),
        stacked(tunings),
        stacked([cohort.twins for cohort in cohorts]),
        stacked([cohort.twin_holdings for cohort in cohorts]),
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to a cohort over a segment."""

    trades: NDArray[np.void]  # TRADE
    decisions: NDArray[np.void]  # DECISION
    marks: NDArray[np.void]  # MARK


NOTHING_HAPPENED = Outcome(np.zeros(0, TRADE), np.zeros(0, DECISION), np.zeros(0, MARK))


def begin(
    accounts: Sequence[AccountSpec],
    ordinals: Sequence[int],
    tokens: Sequence[TokenInfo],
    rules: Rules,
    analyst_rows: Sequence[int] | None = None,
) -> Cohort:
    """Return the state of ``accounts`` before block 0; ``ordinals`` number their sessions within the run.

    ``analyst_rows`` are the rows of the segment's signals that they listen to, the first where it is None.
    """
    sessions = np.zeros(len(accounts), SESSION)
    sessions["analyst"] = 0 if analyst_rows is None else analyst_rows
    holdings = np.zeros((len(accounts), len(tokens)), HOLDING)
    for session, row, account, ordinal in zip(sessions, holdings, accounts, ordinals, strict=True):
        _begin_session(session, account, ordinal, rules)
        for holding, token in zip(row, tokens, strict=True):
            holding["tradable"] = is_tradable(account.strategy, token.symbol)
            holding["position"] = -1
    tuning = np.zeros(len(accounts), TUNING)
    tuning["changed_block"] = tuning["pending_log"] = tuning["twin"] = -1
    tuning["is_watched"] = [int(account.strategy.autopilot_enabled) for account in accounts]
    return Cohort(sessions, holdings, tuning, np.zeros(0, SESSION), np.zeros((0, len(tokens)), HOLDING))


def is_tradable(strategy: Strategy, symbol: str) -> bool:
    """Tell whether a strategy may trade a token: on the allowed list, if there is one, and not on the blocked one."""
    allowed = not strategy.allowed_tokens or symbol in strategy.allowed_tokens
    return allowed and symbol not in strategy.blocked_tokens


def advance(cohort: Cohort, segment: Segment, terms: Terms, rules: Rules) -> tuple[Cohort, Outcome]:
    """Return a cohort as it is at the end of a segment of the market with these terms, and what happened."""
    after = cohort.copy()
    return after, step(after, segment, terms, rules)


def step(cohort: Cohort, segment: Segment, terms: Terms, rules: Rules, journal: Journal | None = None) -> Outcome:
    """Step a cohort to the end of a segment of the market with these terms, in place, and return what happened.

    A session whose analyst fails in the segment is stepped to the block before, and from then on stays as it is.
    Twins are stepped alike, before the others, and leave nothing in the outcome; at a review the returns of both are
    compared. What happened is in the ``journal``, where one is given, until it is given again.
    """
    stops = segment.stops
    expected = np.minimum(stops[cohort.sessions["analyst"]], segment.first_block)
    assert (cohort.sessions["next_block"] >= expected).all(), "a segment was skipped"
    assert segment.signals.shape[1:] == segment.mids.shape, "compiled code reads beyond what is not there"
    is_watched = bool(cohort.tuning["is_watched"].any())
    written = rules._replace(write_trades=rules.write_trades or is_watched)
    world = World(
        first_block=segment.first_block,
        tokens=read_only(terms.tokens),
        pairs=read_only(terms.pairs),
        routes=read_only(terms.routes),
        mids=read_only(segment.mids),
        pools=read_only(segment.pools),
        gas=read_only(segment.gas),
        signals=read_only(contiguous(segment.signals)),
        stops=read_only(stops),
        rules=record_of(written),
        ticks=np.zeros(MAP_TICKS, TICK),
    )
    if journal is None:
        journal = journal_for(cohort, len(segment.gas), rules)
    if len(cohort.twins):
        silent = world._replace(rules=record_of(rules._replace(write_trades=False, write_decisions=False)))
        unwatched = Watched(cohort.tuning[:0], cohort.twins, NOTHING_HIGH, keeps_trades=False)
        _stepped(cohort.twins, cohort.twin_holdings, silent, unwatched, journal)
    highest_q = world.mids["price_q"].max(axis=0) if is_watched else NOTHING_HIGH
    tuning = cohort.tuning if is_watched else cohort.tuning[:0]
    watched = Watched(tuning, cohort.twins, highest_q, keeps_trades=rules.write_trades)
    return _stepped(cohort.sessions, cohort.holdings, world, watched, journal)


def _stepped(
    sessions: NDArray[np.void], holdings: NDArray[np.void], world: World, watched: Watched, journal: Journal
) -> Outcome:
    """Step sessions to the end of the segment, in place, and return what happened."""
    outcomes = []
    status = kernel.FULL
    while status == kernel.FULL:
        journal.counts[:] = 0
        status = kernel.advance(sessions, holdings, world, journal, watched)
        outcomes.append(_drained(journal) if status == kernel.FULL else _written(journal))
    return _joined(outcomes)


def set_field(cohort: Cohort, row: int, field: str, value: int) -> Cohort:
    """Return a cohort in which one session trades with another parameter from its next block on."""
    after = cohort.copy()
    after.sessions[row][field] = value
    derive_exits(after.sessions, after.holdings, np.array([row]))
    return after


def journal_for(cohort: Cohort, n_blocks: int, rules: Rules) -> Journal:
    """Return an empty journal with room for a busy stretch and the marks of so many blocks; it is drained when full."""
    n_sessions, n_tokens = cohort.holdings.shape
    n_marks = n_sessions * (n_blocks // rules.review_blocks + 1)
    capacity = max(min(4096, 256 * n_sessions), n_sessions, 8 * n_tokens)
    return Journal(
        np.zeros(capacity, TRADE),
        np.zeros(capacity, DECISION),
        np.zeros(max(n_sessions, min(n_marks, MARKS_MAX)), MARK),
        np.zeros(1, COUNTS),
    )


def _drained(journal: Journal) -> Outcome:
    """Return what is written in a journal that is written again."""
    written = _written(journal)
    return Outcome(copied(written.trades), copied(written.decisions), copied(written.marks))


def _written(journal: Journal) -> Outcome:
    trades, decisions, marks = journal.counts[0].tolist()
    return Outcome(journal.trades[:trades], journal.decisions[:decisions], journal.marks[:marks])


def _joined(outcomes: list[Outcome]) -> Outcome:
    if len(outcomes) == 1:
        return outcomes[0]
    return Outcome(
        stacked([outcome.trades for outcome in outcomes]),
        stacked([outcome.decisions for outcome in outcomes]),
        stacked([outcome.marks for outcome in outcomes]),
    )


def _begin_session(session: np.void, account: AccountSpec, ordinal: int, rules: Rules) -> None:
    initial = _scaled(account.initial_balance_usd, MICRO_USD)
    fields = {
        "stream": ordinal,
        "next_mark_block": rules.review_blocks - 1,
        "day_end_block": day_end_block(0, rules.block_time_ms, rules.day_offset_ms),
        "initial_micro_usd": initial,
        "cash_micro_usd": initial,
        "equity_micro_usd": initial,
        "mark_equity_micro_usd": initial,
        "peak_equity_micro_usd": initial,
        "drawdown_floor_micro_usd": initial * 9_999 // 10_000,
        "last_adjustment_block": -1,
        **strategy_fields(account.strategy, rules.block_time_ms),
        **account_fields(account.trading),
    }
    for name, value in fields.items():
        session[name] = value


def strategy_fields(strategy: Strategy, block_time_ms: int) -> dict[str, int]:
    """Return the fields of a SESSION record that a strategy sets."""
    return {
        "decision_interval_blocks": strategy.decision_interval_blocks,
        "use_fast_lane": int(strategy.use_fast_lane),
        "use_smart_lane": int(strategy.use_smart_lane),
        "fast_lane_threshold_micro_usd": _scaled(strategy.fast_lane_threshold_usd, MICRO_USD),
        "max_position_size_bp": _scaled(strategy.max_position_size_percent, BP_PER_PERCENT),
        "max_trade_size_micro_usd": _scaled(strategy.max_trade_size_usd, MICRO_USD),
        "stop_loss_bp": _scaled(strategy.stop_loss_percent, BP_PER_PERCENT),
        "take_profit_bp": _scaled(strategy.take_profit_percent, BP_PER_PERCENT),
        "max_hold_blocks": max(strategy.max_hold_hours * 3_600_000 // block_time_ms, 1),
        "max_daily_trades": strategy.max_daily_trades,
        "max_concurrent_positions": strategy.max_concurrent_positions,
        "min_liquidity_micro_usd": _scaled(strategy.min_liquidity_usd, MICRO_USD),
        "max_slippage_bp": _scaled(strategy.max_slippage_percent, BP_PER_PERCENT),
        "confidence_threshold_bp": _scaled(strategy.confidence_threshold, BP_PER_PERCENT),
        "gas_bid_bp": 10_000,
    }


def account_fields(trading: TradingConfig) -> dict[str, int]:
    """Return the fields of a SESSION record that an account's own settings set."""
    return {
        "account_max_position_size_bp": _scaled(trading.max_position_size_percent, BP_PER_PERCENT),
        "account_max_daily_trades": trading.max_daily_trades,
        "account_stop_loss_bp": _scaled(trading.stop_loss_percent, BP_PER_PERCENT),
        "base_slippage_bp": _scaled(trading.base_slippage_percent, BP_PER_PERCENT),
        "gas_price_multiplier_bp": _scaled(trading.gas_price_multiplier, 10_000),
        "execution_delay_ms": trading.execution_delay_ms,
        "simulate_network_issues": int(trading.simulate_network_issues),
        "simulate_mev": int(trading.simulate_mev),
        "failure_rate_bp": _scaled(trading.failure_rate_percent, BP_PER_PERCENT),
    }


def _scaled(value: Decimal, units: int) -> int:
    scaled = value * units
    assert scaled == int(scaled), f"{value} has more decimals than its field allows"
    return int(scaled)
