"""A run that is taken up again commits what it would have, wherever its sessions stood when it was interrupted."""

from __future__ import annotations

import pickle
from functools import cache

import pytest
from busy import busy_scenario
from eventful import CHANGES_AT, FAILS_AT, failing_plan, turning_plan
from house import House, resume, undisturbed
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from actors.market import Market
from actors.session import AccountSession, Owner
from cluster.endings import resumable
from cluster.errors import LeftRunning
from cluster.plan import plan_of
from cluster.start import Start, beginning, taken_up
from simulation.autopilot.records import UNCHANGED
from storage.errors import AccessRefused, StaleOwner

SEGMENTS = 12
LIVELY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)


@cache
def plan():
    return plan_of(busy_scenario(segment_blocks=100), None)


@cache
def whole(make=plan, **changes):
    """Return what a run commits that nobody interrupts."""
    return undisturbed(make(**changes))


class Interruption(Exception):
    """What ends a conductor."""


def interrupted_at(house, plan, block):
    """Conduct a run and stop after the segment that ends at a block."""

    def observe(progress):
        if progress.block == block:
            raise Interruption

    run = house()
    with pytest.raises(Interruption):
        run.conduct(plan, observe)
    return run


@LIVELY
@given(st.lists(st.integers(0, SEGMENTS), min_size=3, max_size=3))
@example([3, 3, 3])  # a review that nobody has acted on
@example([3, 9, 6])
@example([0, 0, 0])
@example([SEGMENTS] * 3)
def test_sessions_that_stand_wherever_they_do_end_as_they_would_have(monkeypatch, counts):
    run = House(monkeypatch, ledger=whole().up_to(counts))
    seen = []
    resume(run, plan(), seen.append)
    assert run.ledger.content() == whole().content()
    assert seen[-1].block == 1200
    assert seen[0].block == max(100 * min(counts), 100 * (min(counts) == 0))


@LIVELY
@given(
    st.lists(st.integers(1, 2), min_size=1, max_size=5),
    st.dictionaries(st.sampled_from(["Market", "AutoPilot", "tuned", "plain"]), st.just([None, "before"])),
)
def test_a_run_may_be_interrupted_again_and_again(house, monkeypatch, steps, fates):
    """Each conductor gets so many segments further, while actors die under it."""
    run, block = interrupted_at(house, plan(), 100), 100
    for step in steps:
        block += 100 * step
        run = House(monkeypatch, fates, ledger=run.ledger)
        with pytest.raises(Interruption):
            resume(run, plan(), stop_at(block))
    run = House(monkeypatch, ledger=run.ledger)
    resume(run, plan())
    assert run.ledger.content() == whole().content()


def test_sessions_that_outlived_their_conductor_are_taken_over_where_they_are_committed(house, monkeypatch):
    before = interrupted_at(house, plan(), 500)
    run = House(monkeypatch, ledger=whole().up_to([3, 4, 3]))
    kinds = ("tuned", "plain")  # who have traded on, unlike smart, who has died
    run.alive = {kind: actor for kind, actor in zip(before.spawned, before.actors, strict=True) if kind in kinds}
    resume(run, plan())
    assert [kind for kind in run.spawned if kind in (*kinds, "smart")] == ["smart"]
    assert run.ledger.content() == whole().content()


def test_one_that_dies_as_it_is_taken_over_is_replaced(house, monkeypatch):
    before = interrupted_at(house, plan(), 500)
    run = House(monkeypatch, ledger=before.ledger)
    run.alive = dict(zip(before.spawned, before.actors, strict=True))
    run.alive["plain"].is_dead = True
    resume(run, plan())
    assert [kind for kind in run.spawned if kind in ("tuned", "plain", "smart")] == ["plain"]
    assert run.ledger.content() == whole().content()


def test_what_an_earlier_conductor_had_asked_of_a_session_is_refused():
    market, context = Market(plan().scenario), plan().lines(1)[1][0]
    session = AccountSession([context], [Owner(1)], plan().rules)
    _, segment, _ = market.segment(market.begin(), 100)
    session.restore([context], [Owner(3)])
    with pytest.raises(StaleOwner, match=r"belongs to incarnation 3; a batch of incarnation 1 is refused\.$"):
        session.advance(segment, UNCHANGED, 1)
    with pytest.raises(StaleOwner):
        session.restore([context], [Owner(2)])
    assert session.advance(segment, UNCHANGED, 3)[1][0].incarnation == 3


def stop_at(block):
    """Return an observer that ends the conductor once a block is reached."""

    def observe(progress):
        if progress.block >= block:
            raise Interruption

    return observe


@pytest.mark.parametrize("block", [500, CHANGES_AT, 700, 800, 900, 1000, 1200])
def test_a_run_whose_sessions_follow_one_another_is_taken_up_by_those_that_are_due(house, monkeypatch, block):
    plan = turning_plan(segment_blocks=100)
    ledger = interrupted_at(house, plan, block).ledger
    resume(run := House(monkeypatch, ledger=ledger), plan)
    assert run.ledger.content() == whole(turning_plan, segment_blocks=100).content()


@pytest.mark.parametrize("block", [600, 700, 750, 900])
def test_a_session_that_had_failed_stays_failed_and_its_analyst_silent(house, monkeypatch, block):
    plan = failing_plan(segment_blocks=50)
    ledger = interrupted_at(house, plan, block).ledger
    run, seen = House(monkeypatch, ledger=ledger), []
    resume(run, plan, seen.append)
    assert run.ledger.content() == whole(failing_plan, segment_blocks=50).content()
    (message,) = {progress.receipts[3].error_message for progress in seen if progress.block > FAILS_AT}
    assert message.startswith(f"Analyst {plan.scenario.accounts[3].strategy.analyst} failed at block {FAILS_AT}: ")


def test_what_is_to_be_seen_goes_on_where_it_stood(house, monkeypatch):
    seen = []
    house().conduct(plan(), seen.append)
    run, again = House(monkeypatch, ledger=whole().up_to([7, 7, 7])), []
    resume(run, plan(), again.append)
    assert [progress.block for progress in again] == [700, 800, 900, 1000, 1100, 1200, 1200]
    assert [progress.receipts for progress in again] == [progress.receipts for progress in seen[6:]]


def test_a_market_can_begin_at_any_block():
    market = Market(plan().scenario)
    _, _, carried = market.segment(market.begin(), 700)
    begun = market.begin(700)
    assert begun.next_block == 700
    assert pickle.dumps(market.segment(begun, 50)) == pickle.dumps(market.segment(carried, 50))


def test_a_run_that_nobody_has_conducted_starts_at_its_first_block():
    start = beginning(plan())
    assert (start.first_block, list(start.segment_lengths(plan()))) == (0, [100] * SEGMENTS)


def test_a_run_is_taken_up_with_the_last_block_that_every_session_has_traded():
    ledger = whole().up_to([5, 8, 5])
    start = taken_up(plan().lines(0xF00D), ledger.standings(plan()))
    assert start == Start(beginning(plan()).accounts, 500, conductor=2)
    assert (start.first_block, list(start.segment_lengths(plan()))) == (499, [1] + [100] * 7)


def test_a_session_shows_where_it_stands_without_a_batch():
    turning = turning_plan(segment_blocks=100)
    market = Market(turning.scenario)
    session = AccountSession([turning.lines(1)[0][0]], [Owner(1)], turning.rules)
    carried = market.begin()
    for _ in range(CHANGES_AT // 300):
        _, segment, carried = market.segment(carried, 300)
        receipts, _, reviews = session.advance(segment, UNCHANGED)
        shown = session.standing()
        assert (shown[0], shown[1]) == (receipts, [])
        assert pickle.dumps(shown[2]) == pickle.dumps(reviews)
    assert len(reviews.sessions) == 0  # its account goes on with another


def test_what_the_database_refuses_is_told_with_the_command_that_goes_on_with_the_run():
    with pytest.raises(LeftRunning) as told, resumable("paperdex run --resume 00000000-f00d"):
        raise AccessRefused(url="there/paperdex", why="permission denied for table paper_trades")
    assert str(told.value) == (
        "The database at there/paperdex refuses this login: permission denied for table paper_trades; nothing but another "
        "right, password or URL helps; `paperdex run --resume 00000000-f00d` goes on from "
        "what was committed last."
    )
