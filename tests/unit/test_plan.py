"""The plan of a run: where it is cut into segments, where it ends, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from busy import contexts_of
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import UsageError
from cluster.plan import plan_of
from cluster.runs import prepare
from simulation.market.replay import RecordedPool, RecordedToken, Recording
from simulation.market.segment import PoolInfo, price_shift_for
from simulation.scenario import AccountSpec, Scenario
from simulation.settings.market import ReplayMarket, SyntheticMarket, Token
from simulation.settings.strategy import Strategy
from simulation.state import POOL
from storage.beginning import scenario_hash

WETH = Token(symbol="WETH", name="Wrapped Ether", token_class="major", price_usd=3000, pools=[{"liquidity_usd": 1e8}])
TUNED = AccountSpec(name="tuned", strategy=Strategy(autopilot_enabled=True))
FIXED = AccountSpec(name="fixed")
RECORDED_AT = datetime(2023, 8, 17, tzinfo=UTC)


def scenario(*accounts, **fields):
    given_fields = {"market": SyntheticMarket(tokens=(WETH,)), "accounts": accounts or (FIXED,), **fields}
    return Scenario(**given_fields)


def replay(*accounts, **fields):
    return scenario(*accounts, market=ReplayMarket(source="replay", recordings=[{"path": "recorded.csv"}]), **fields)


def recording(bars=6, symbol="WETH"):
    """A pool of WETH, a bar a minute."""
    states = np.zeros(bars, POOL)
    states["other_lo"] = 10**13
    states["reserve_hi"], states["reserve_lo"] = divmod(10**22, 2**64)
    since_ms = int(RECORDED_AT.timestamp() * 1000) + np.arange(bars, dtype=np.int64) * 60_000
    token = RecordedToken(
        symbol, symbol, 18, price_shift_for(1000.0, 18), (RecordedPool(PoolInfo(), since_ms, states),)
    )
    return Recording((token,), int(since_ms[0]), int(since_ms[-1]))


def lengths(plan):
    return list(plan.segment_lengths())


def test_segments_are_of_the_length_asked_for_and_the_last_is_what_is_left():
    assert lengths(plan_of(scenario(blocks=700, segment_blocks=300), None)) == [300, 300, 100]


def test_segments_may_span_reviews_where_nothing_can_be_adjusted():
    assert lengths(plan_of(scenario(FIXED, blocks=700, segment_blocks=500, review_blocks=300), None)) == [500, 200]


def test_segments_may_span_reviews_when_the_run_says_no_auto_pilot():
    plan = plan_of(scenario(TUNED, blocks=700, segment_blocks=500, review_blocks=300, autopilot=False), None)
    assert lengths(plan) == [500, 200]
    assert not plan.adjusts()


def test_no_segment_spans_a_review_when_auto_pilot_can_act():
    plan = plan_of(scenario(FIXED, TUNED, blocks=700, segment_blocks=500, review_blocks=300), None)
    assert lengths(plan) == [300, 300, 100]


@given(st.integers(1, 5_000), st.integers(1, 700), st.integers(1, 700), st.booleans())
def test_segments_cover_the_run_exactly_and_stop_at_every_review(blocks, segment_blocks, review_blocks, tuned):
    account = TUNED if tuned else FIXED
    fields = {"blocks": blocks, "segment_blocks": segment_blocks, "review_blocks": review_blocks}
    plan = plan_of(scenario(account, **fields), None)
    ends = np.cumsum(lengths(plan)).tolist()
    assert ends[-1] == blocks
    assert max(lengths(plan)) <= segment_blocks
    assert not tuned or set(range(review_blocks, blocks, review_blocks)) <= set(ends)


def test_auto_pilot_looks_at_review_blocks_but_not_after_the_last_block():
    plan = plan_of(scenario(TUNED, blocks=600, review_blocks=300), None)
    assert [block for block in (150, 300, 450, 600) if plan.is_review(block)] == [300]


def test_auto_pilot_never_looks_when_no_strategy_enables_it():
    plan = plan_of(scenario(FIXED, blocks=600, review_blocks=300), None)
    assert not any(plan.is_review(block) for block in range(601))


def test_a_replay_ends_with_its_recording():
    plan = plan_of(replay(blocks=10_000), recording(bars=6))
    assert plan.blocks == 5 * 60 // 12 + 1
    assert sum(plan.segment_lengths()) == plan.blocks


def test_a_replay_may_end_before_its_recording():
    assert plan_of(replay(blocks=7), recording()).blocks == 7


def test_a_replay_may_begin_inside_its_recording():
    plan = plan_of(replay(blocks=10_000, start_block=20), recording(bars=6))
    assert plan.blocks == 5 * 60 // 12 + 1 - 20
    assert plan.scenario.begin_at == RECORDED_AT + timedelta(minutes=4)


def test_a_replay_that_begins_after_its_recording_is_refused():
    with pytest.raises(ValueError, match=r"^start_block 26 is after the recording, which covers 26 blocks$"):
        plan_of(replay(start_block=26), recording(bars=6))


def test_a_replay_begins_when_its_recording_does():
    plan = plan_of(replay(start_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=3)), recording())
    assert plan.scenario.start_at == RECORDED_AT


def test_a_replay_refuses_a_token_that_was_not_recorded():
    account = AccountSpec(name="one", strategy=Strategy(allowed_tokens=("PEPE",)))
    with pytest.raises(ValueError, match=r"accounts\.one\.strategy\.allowed_tokens: token PEPE has no pool.*has WETH"):
        plan_of(replay(account), recording())


def test_a_recording_that_is_not_there_is_one_sentence():
    with pytest.raises(UsageError, match=r"^recorded\.csv: can't be read \(No such file or directory\)"):
        prepare(replay())


BARS = "time,close\n2024-01-01,10\n2024-01-02,11\n2024-01-05,12\n"


def prepared_from(path, text=BARS, **fields):
    path.write_text(text)
    market = ReplayMarket(source="replay", recordings=[{"path": str(path)}], max_gap_hours=48, **fields)
    return prepare(scenario(market=market))


def test_a_run_of_a_recording_is_named_by_its_data_and_not_by_where_it_lies(tmp_path):
    one = prepared_from(tmp_path / "ethusd.csv").scenario
    moved = prepared_from(tmp_path / "ethusd_copy.csv").scenario
    other = prepared_from(tmp_path / "ethusd.csv", BARS.replace("12", "13")).scenario
    assert scenario_hash(one) == scenario_hash(moved)
    assert scenario_hash(one) != scenario_hash(other)


def test_a_plan_says_what_was_repaired(tmp_path):
    assert prepared_from(tmp_path / "ethusd.csv").repairs == (
        "WETH: 1 gap held, the longest of 2880 min until 2024-01-05 00:00:00 (at most 48 h are)",
    )


def test_each_session_knows_its_place_in_the_run():
    plan = plan_of(scenario(FIXED, TUNED), None)
    contexts = contexts_of(plan, prefix=7)
    assert [(context.session, context.account.name) for context in contexts] == [(0, "fixed"), (1, "tuned")]
    assert len({context.session_id for context in contexts}) == 2
