"""Stored decisions: shown to a person, and made again from their own rows."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from cluster.decision import differences, shown
from cluster.errors import UsageError
from storage.errors import DecisionNotFound
from storage.store import Store


@pytest.fixture
def thoughts(finished, store, sql):  # noqa: ARG001 -- the run that is in the database
    """Return every decision of the finished run."""
    keys = sql("SELECT thought_id::text FROM paper_ai_thought_logs ORDER BY thought_id")
    return [store.thought(key) for (key,) in keys]


def printed(thought):
    console = Console(file=io.StringIO(), width=160, markup=False)
    console.print(shown(thought))
    return console.file.getvalue()


def test_every_decision_comes_out_the_same_when_it_is_made_again_from_its_row(thoughts):
    assert {"BUY", "SELL", "SKIP", "STOP_LOSS", "TAKE_PROFIT"} <= {thought.decision_type for thought in thoughts}
    assert [thought.thought_id for thought in thoughts if differences(thought)] == []


def test_a_number_altered_by_hand_is_named(thoughts):
    bought = next(thought for thought in thoughts if thought.decision_type == "BUY")
    doubtful = replace(bought, inputs={**bought.inputs, "confidence_bp": 1})
    assert any(
        said.startswith("decision_type is stored as 'BUY' and comes out as 'SKIP'") for said in differences(doubtful)
    )
    assert differences(replace(bought, primary_reasoning="I felt like it."))[0].startswith(
        "primary_reasoning is stored"
    )


def test_a_decision_from_before_inputs_were_kept_is_refused_in_a_sentence(thoughts):
    with pytest.raises(UsageError, match="that kept other inputs"):
        differences(replace(thoughts[0], inputs={}))


def test_a_person_sees_why_how_sure_on_what_numbers_and_what_came_of_it(thoughts):
    sold = next(thought for thought in thoughts if thought.net_pnl_usd is not None)
    told = printed(sold)
    assert told.startswith(sold.primary_reasoning)
    for part in (
        "confidence",
        "risk",
        "momentum",
        "price_usd",
        "held_blocks",
        "USD net",
        "which thinks for",
        sold.account,
    ):
        assert part in told


@pytest.mark.parametrize("name", ["latest", "0", "00000000-0000-8008-8000-000000000000"])
def test_a_decision_that_is_not_there_is_named(store, name):
    with pytest.raises(DecisionNotFound, match=f"There is no decision {name};"):
        store.thought(name)


@pytest.mark.usefixtures("finished")
def test_thoughts_say_how_long_their_lane_thinks(sql):
    assert sql("SELECT DISTINCT lane_used, analysis_time_ms FROM paper_ai_thought_logs") == [("FAST", 200)]


@pytest.mark.usefixtures("finished")
def test_a_token_is_held_or_skipped_aloud_at_most_every_five_minutes(sql):
    shortest = sql(
        """
        SELECT min(gap) FROM (
            SELECT created_at - lag(created_at) OVER (PARTITION BY session_id, token_address ORDER BY ordinal) AS gap,
                lag(decision_type) OVER (PARTITION BY session_id, token_address ORDER BY ordinal) AS before, decision_type
            FROM paper_ai_thought_logs
        ) AS gaps WHERE before IN ('HOLD', 'SKIP') AND decision_type IN ('HOLD', 'SKIP')
        """
    )
    assert shortest[0][0].total_seconds() >= 300


def test_a_store_of_nothing_has_no_decision(new_url, template):
    with pytest.raises(DecisionNotFound):
        Store(new_url(template)).thought("00000000-0000-8008-8000-000000000000")
