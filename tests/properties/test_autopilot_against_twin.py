"""What Auto Pilot sees and what its gate says are those of their slow twins; no parameter leaves its bounds in a run."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import numpy as np
import played
import pytest
from carry_twin import carried_twin
from hand_made import RULES, account, stage
from hypothesis import given, settings
from hypothesis import strategies as st
from random_market import crowded, prey, random_account, random_stage
from review_twin import gated_twin
from reviewable import CALM, NOON, USD, adjusting, judging, review_of, reviewable, tuning, verdict_of
from watch_twin import exits_of, orders_of

from simulation import cohort as cohorts
from simulation.autopilot.carrying import carry_out
from simulation.autopilot.guardrails import Refusal, own_bounds
from simulation.autopilot.knowledge import IGNORANT, Knowledge
from simulation.autopilot.outcomes import OutcomeKind
from simulation.autopilot.records import UNCHANGED, Changes
from simulation.market.segment import terms_of
from simulation.settings.strategy import Aggressiveness, Strategy
from simulation.state import RECENT_TRADES
from simulation.tuning import PARAMETERS

MAKERS = (random_account, lambda luck, name, _: crowded(luck, name), lambda _luck, name, _symbols: prey(name))


def watched(seed, n_tokens):
    """Play some sessions of any settings on a market of any kind, all of them watched."""
    luck = Random(seed)
    made = random_stage(luck, 400, n_tokens, (7, 11))
    symbols = [info.symbol for info in made.infos]
    accounts = [luck.choice(MAKERS)(luck, f"a{number}", symbols) for number in range(4)]
    rules = RULES._replace(seed=np.uint64(seed))
    cohort = cohorts.begin(accounts, range(len(accounts)), made.infos, rules)
    cohort.tuning["is_watched"] = 1
    after, outcome = cohorts.advance(cohort, made.segment, terms_of(made.infos), rules)
    return after, outcome.trades, made.segment.mids["price_q"], rules


def check_watching(seed, n_tokens):
    """Compare what is remembered of every session with the twin's; return how many exits there were."""
    after, trades, prices_q, rules = watched(seed, n_tokens)
    seen = 0
    for row, remembered in enumerate(after.tuning):
        mine = trades[trades["session"] == row]
        exits = exits_of(mine, prices_q)
        assert int(remembered["watched_trades"]) == len(exits)
        for number, expected in list(enumerate(exits))[-RECENT_TRADES:]:
            place = number % RECENT_TRADES
            names = ("exit_reason", "peak_bp", "given_back_bp", "after_bp", "cost_micro_usd")
            assert tuple(int(remembered[name][place]) for name in names) == expected
        counted = tuple(int(remembered[name]) for name in ("orders", "slipped_orders", "late_orders"))
        assert counted == orders_of(mine, rules.block_time_ms)
        seen += len(exits)
    return seen


@given(st.integers(0, 2**32), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_what_is_watched_is_what_its_slow_twin_sees(seed, n_tokens):
    check_watching(seed, n_tokens)


def test_the_markets_watched_have_exits_to_see():
    assert sum(check_watching(seed, 2) for seed in range(6)) > 30


# The gate.

TUNED = {"autopilot_enabled": True, "performance_window_trades": 5, "adjustment_cooldown_minutes": 60,
         "max_daily_adjustments": 2}  # fmt: skip
MEMORIES = st.fixed_dictionaries({
    "disabled": st.integers(0, 1), "pending_log": st.sampled_from((-1, -1, 3)), "pending_parameter": st.integers(0, 8),
    "pending_type": st.integers(0, 13), "pending_old": st.just(1), "pending_regime": st.integers(0, 11),
    "difference_count": st.integers(1, 30), "difference_mean": st.floats(-0.01, 0.01), "pending_trades": st.integers(0, 20),
    "difference_m2": st.floats(1e-9, 1e-3), "failures": st.integers(0, 6), "closed_then": st.integers(0, 12),
    "changed_block": st.integers(-1, 2_900), "orders": st.integers(0, 40), "late_orders": st.integers(0, 10),
    "cost_micro_usd": st.integers(0, 10**8), "after_bp": st.integers(0, 2_000), "exit_reason": st.integers(1, 4),
    "peak_bp": st.integers(0, 2_000), "given_back_bp": st.integers(0, 1_000),
})  # fmt: skip
SESSIONS = st.builds(
    reviewable, st.lists(st.floats(-50, 50), max_size=12), equity_micro_usd=st.integers(7_000 * USD, 10_000 * USD),
    paused=st.integers(0, 1), last_adjustment_block=st.sampled_from((-1, 2_000, 2_699, 2_700, 2_999)),
    adjustment_day=st.integers(0, 1), adjustments_today=st.integers(0, 3), return_count=st.integers(0, 300),
)  # fmt: skip
COUNTS = st.lists(st.integers(0, 9), min_size=14 * 12 * 3, max_size=14 * 12 * 3).map(tuple)
MARKETS = st.builds(
    CALM._replace, volatility_percent=st.floats(0, 100), gas_percent=st.floats(0, 100), trend=st.floats(-1, 1)
)


@given(SESSIONS, MEMORIES, MARKETS, st.builds(Knowledge, st.just(1), COUNTS) | st.just(IGNORANT))
@settings(deadline=None)
def test_a_verdict_is_its_slow_twins_with_all_gates_judgements_and_knowledge(record, memory, market, knowledge):
    strategy = Strategy(**TUNED)
    verdict = verdict_of(strategy, record, market=market, remembered=tuning(**memory), knowledge=knowledge)
    outcome, expected = gated_twin(record, tuning(**memory), strategy, NOON, market, knowledge)
    assert [judged.outcome for judged in verdict.judgements] == ([] if outcome is OutcomeKind.PENDING else [outcome])
    if isinstance(expected, Refusal):
        assert (verdict.adjustments, verdict.refusals) == ((), {expected: 1})
    else:
        (made,) = verdict.adjustments
        assert (made.type, made.field, made.old, made.new, made.is_reversal) == expected


# Bounds.

CYCLES = st.lists(
    st.sampled_from((
        played.WON, played.RAN_ON, played.STOPPED_TOO_SOON, played.STOPPED_IN_TIME, played.GAVE_BACK,
        played.SOLD_LOWER, played.FOR_NOTHING, played.RAN_AWAY, played.Cycle(((4, 0.5),), then=0.5),
        played.Cycle(((4, 2.0),), then=2.0),
    )), min_size=10, max_size=10,
)  # fmt: skip
STARTS = st.fixed_dictionaries({
    "max_position_size_percent": st.integers(1, 20), "max_concurrent_positions": st.sampled_from((1, 5, 20)),
    "stop_loss_percent": st.sampled_from((1, 5, 30)), "take_profit_percent": st.sampled_from((1, 5, 10, 60)),
    "decision_interval_blocks": st.sampled_from((1, 2, 10)), "max_slippage_percent": st.sampled_from((1, 10)),
    "learning_rate": st.sampled_from((Decimal("0.05"), Decimal("0.5"), Decimal(1))),
    "adaptation_aggressiveness": st.sampled_from(list(Aggressiveness)),
    "auto_disable_after_failures": st.sampled_from((1, 20)), "max_trade_size_usd": st.just(5_000),
})  # fmt: skip
LIMITS = st.fixed_dictionaries({
    "max_position_size_percent": st.sampled_from((100, 10, 1)), "stop_loss_percent": st.sampled_from((50, 4)),
})  # fmt: skip


def planting(seed, bounds, account_stop_bp):
    """Plant now and then a change of any parameter to any value within its bounds that is no dangerous combination."""
    luck = Random(seed)

    def plant(_number, session, is_pending):
        if is_pending or luck.random() < 0.5:
            return None
        parameter = luck.randrange(len(PARAMETERS))
        old, new = int(session[PARAMETERS[parameter]]), luck.randint(*bounds[parameter])
        changed = {name: int(session[name]) for name in PARAMETERS} | {PARAMETERS[parameter]: new}
        if new == old or danger(changed, account_stop_bp) > 0:
            return None
        return adjusting(session, PARAMETERS[parameter], new)

    return plant


def danger(values, account_stop_bp):
    """How far a combination is beyond what is allowed: size times positions above 100 %, a stop not below its target.

    Of the strategy's stop and the account's the nearer one counts, as when a position is left.
    """
    stop_bp = min(values["stop_loss_bp"], account_stop_bp)
    exposure = max(values["max_position_size_bp"] * values["max_concurrent_positions"] - 10_000, 0)
    return exposure + max(stop_bp - values["take_profit_bp"] + 1, 0)


@given(CYCLES, STARTS, LIMITS, st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_no_parameter_leaves_its_bounds_in_a_run_whatever_is_planted_judged_and_reversed(shapes, start, limits, seed):
    strategy = Strategy(autopilot_enabled=True, **start)
    bounds, account_stop_bp = own_bounds(strategy), 100 * limits["stop_loss_percent"]
    begun = {
        "max_position_size_bp": 100 * start["max_position_size_percent"], "stop_loss_bp": 100 * start["stop_loss_percent"],
        "max_concurrent_positions": start["max_concurrent_positions"],
        "take_profit_bp": 100 * start["take_profit_percent"],
    }  # fmt: skip
    most = danger(begun, account_stop_bp)

    def look(cohort):
        for record in (*cohort.sessions, *cohort.twins):
            values = {name: int(record[name]) for name in PARAMETERS}
            assert all(low <= values[name] <= high for name, (low, high) in zip(PARAMETERS, bounds, strict=True))
        now = danger({name: int(cohort.sessions[0][name]) for name in PARAMETERS}, account_stop_bp)
        assert now <= most  # a reversal may lead back to an adverse start, and nothing beyond it

    played.flown(
        played.cycles(*shapes * 6), trading=limits, plant=planting(seed, bounds, account_stop_bp), look=look, **start
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"equity_micro_usd": 9_400 * USD}, (2_000, 500)),  # the way to safety is taken in one step
        ({}, Refusal.DANGEROUS),
    ],
)
def test_a_start_with_size_times_positions_above_everything_moves_towards_safety_only(fields, expected):
    strategy = Strategy(**TUNED, max_position_size_percent=20, max_concurrent_positions=20,
                        max_position_size_percent_limit=50)  # fmt: skip
    record = reviewable((10,) * 5, max_position_size_bp=2_000, max_concurrent_positions=20, **fields)
    made = review_of(strategy, record)
    assert (made if isinstance(made, Refusal) else (made.old, made.new)) == expected


# Carrying a verdict out.

SESSIONS = 5


def in_mid_run(luck):
    """Return sessions with all that a verdict counts on, and some that are being judged."""
    made = stage(1)
    cohort = cohorts.begin([account(str(at), autopilot_enabled=True) for at in range(SESSIONS)], range(SESSIONS),
                           made.infos, RULES)  # fmt: skip
    cohort.sessions["next_block"], cohort.sessions["adjustment_day"] = 7_200, luck.choice((0, 1))
    for session, record, holdings in zip(cohort.sessions, cohort.tuning, cohort.holdings, strict=True):
        for name in ("closed_trades", "next_adjustment", "adjustments_today"):
            session[name] = luck.randrange(9)
        for name in ("failures", "orders", "slipped_orders", "late_orders"):
            record[name] = luck.randrange(9)
        holdings["cost_micro_usd"] = luck.randrange(10**9)
    return cohort


def verdict_by_luck(cohort, luck):
    """Return judgements of those that are judged, and for some sessions an adjustment or a reversal."""
    judgements, adjustments = [UNCHANGED.judgements], [UNCHANGED.adjustments]
    for row, (session, record) in enumerate(zip(cohort.sessions, cohort.tuning, strict=True)):
        is_judged = record["pending_log"] >= 0 and luck.random() < 0.6
        if is_judged:
            kind = luck.choice(list(OutcomeKind)[1:])
            judgements.append(judging(kind, row=row, log=record["pending_log"], disables=luck.randrange(2)))
        if (is_judged or record["pending_log"] < 0) and luck.random() < 0.6:
            field, reverses = luck.choice(PARAMETERS), luck.choice((-1, -1, 3))
            adjustments.append(
                adjusting(session, field, luck.randrange(1, 2_000), row=row, reverses=reverses, regime=5)
            )
    return Changes(np.concatenate(judgements), np.concatenate(adjustments))


@given(st.integers(0, 2**32))
def test_a_verdict_is_carried_out_as_by_the_slow_twin(seed):
    luck = Random(seed)
    cohort = in_mid_run(luck)
    for _ in range(4):
        cohort.sessions["next_block"] += 300
        changes = verdict_by_luck(cohort, luck)
        wanted = carried_twin(cohort, changes, NOON)
        cohort = carry_out(cohort, changes, NOON)
        assert [cohort.one(row).copy().to_bytes() for row in range(SESSIONS)] == wanted
