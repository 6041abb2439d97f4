"""The conductor and its parts over actors in this process, which die when a test says so."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from itertools import count

import pytest
from busy import busy_scenario
from house import Actor, House
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ray.exceptions import ActorDiedError, GetTimeoutError, ObjectLostError

from actors.autopilot import AutoPilot
from actors.market import Market
from actors.writer import Committed
from cluster.commit_queue import IN_FLIGHT_MAX, CommitQueue, Commits
from cluster.latency import BOUNDS_SECONDS, RESOLUTION, Latencies
from cluster.market_feed import AHEAD_SEGMENTS_MAX, MarketFeed
from cluster.patience import Patience
from cluster.plan import plan_of
from cluster.remote_calls import (
    CALL_SECONDS_MAX,
    RESTARTS_MAX,
    RESTARTS_SECONDS,
    TELL_SECONDS,
    UNANSWERED_MAX,
    GaveUpError,
    Restarts,
    first_of,
    result_of,
    through_losses,
)
from cluster.tally import Tally
from simulation.autopilot.knowledge import IGNORANT, Knowledge
from storage.errors import DatabaseUnreachable, EmbeddedServerFailed, StaleOwner


@cache
def plan(**changes):
    return plan_of(busy_scenario(segment_blocks=100, **changes), None)


@cache
def undisturbed():
    """Return what an undisturbed run commits."""
    with pytest.MonkeyPatch.context() as patch:
        house = House(patch)
        house.conduct(plan())
        return house.ledger.content()


# The conductor.


def conducted(run, plan):
    """Run a plan and return what was counted."""
    run.conduct(plan)
    return run.tally


def test_auto_pilot_is_given_what_the_plan_knows(house):
    run, known = house(), Knowledge(3, IGNORANT.counts)
    run.conduct(replace(plan(), knowledge=known))
    (pilot,) = [actor for kind, actor in zip(run.spawned, run.actors, strict=True) if kind == "AutoPilot"]
    assert pilot._plain._knowledge == known


def test_auto_pilot_that_dies_is_replaced_by_one_that_knows_the_same(house):
    wiser = replace(plan(), knowledge=Knowledge(3, (9, 0, 0) * (len(IGNORANT.counts) // 3)))
    whole = house()
    whole.conduct(wiser)
    disturbed = house(AutoPilot=[None, "after", "before"])
    disturbed.conduct(wiser)
    assert disturbed.spawned.count("AutoPilot") > 1
    assert disturbed.ledger.content() == whole.ledger.content() != undisturbed()


def test_a_run_commits_every_segment_of_every_session(house):
    run = house()
    run.conduct(plan())
    assert run.spawned == ["Market", "Writer", "AutoPilot", "tuned", "plain", "smart"]
    assert [[batch.seq for batch in stored] for stored in run.ledger.batches.values()] == [list(range(1, 13))] * 3
    assert all(stored[-1].next_block == 1200 for stored in run.ledger.batches.values())


def test_a_run_with_several_writers_that_die_commits_what_one_that_lives_does(house):
    run = house(Writer=[None, "after", None, None, "before"])
    run.writers = 3
    run.conduct(plan())
    assert run.spawned.count("Writer") == 5
    assert (run.tally.written(3).writers, run.tally.written(3).commits) == (3, 36)
    assert run.ledger.content() == undisturbed()


def test_whoever_watches_sees_every_segment(house):
    seen = []
    run = house()
    run.conduct(plan(), seen.append)
    assert [progress.block for progress in seen] == [*range(100, 1300, 100), 1200]
    assert {progress.blocks for progress in seen} == {1200}
    assert [len(progress.receipts) for progress in seen] == [3] * 13
    assert [seen[-1].writer_lag_segments, seen[-1].written.commits] == [0, 12]  # in the end all is durable
    assert seen[-1].adjustments == run.tally.adjustments >= 1
    assert seen[-1].restarts == 0


def test_refusals_are_counted_by_their_reason(house):
    tally = conducted(house(), plan())
    assert tally.adjustments + tally.refusals.total() == 3 * 3  # sessions times reviews
    assert tally.refusals["Auto Pilot is off for this strategy"] == 2 * 3


def test_auto_pilot_is_not_asked_in_a_run_without_it(house):
    tally = conducted(house(), plan(autopilot=False))
    assert (tally.adjustments, tally.refusals.total()) == (0, 0)


KINDS = ("Market", "Writer", "AutoPilot", "tuned", "plain", "smart")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fate", ["before", "after"])
def test_an_actor_that_dies_once_changes_nothing(house, kind, fate):
    run, seen = house(**{kind: [None, fate]}), []
    run.conduct(plan(), seen.append)
    assert run.ledger.content() == undisturbed()
    assert seen[-1].restarts == 1
    assert run.spawned.count(kind) == 2


SURVIVABLE_FATES = st.lists(st.sampled_from([None, None, None, "before", "after"]), max_size=16).filter(
    lambda fates: len(fates) - fates.count(None) <= RESTARTS_MAX
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(KINDS), SURVIVABLE_FATES))
def test_whoever_dies_whenever_the_run_commits_what_it_would_have(house, fates):
    run = house(**fates)
    run.conduct(plan())
    assert run.ledger.content() == undisturbed()


def test_only_the_session_that_died_changes_its_owner(house):
    run = house(plain=[None, "before"])
    run.conduct(plan())
    by_name = dict(zip(("tuned", "plain", "smart"), run.ledger.incarnations.values(), strict=True))
    assert by_name == {"tuned": 1, "plain": 2, "smart": 1}


def test_an_actor_that_dies_over_and_over_ends_the_run(house):
    run = house(plain=["before"] * 50)
    with pytest.raises(GaveUpError, match=r"^AccountSession plain died 11 times; the last time: .*\.$"):
        run.conduct(plan())
    assert run.spawned.count("plain") == RESTARTS_MAX + 1


def test_a_mistake_in_an_actors_work_is_not_taken_for_its_death(house):
    run = house()
    run.patch.setattr(AutoPilot, "review", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run.conduct(plan())
    assert run.spawned.count("AutoPilot") == 1


@pytest.mark.parametrize(
    ("fates", "ending"),
    [([], nullcontext()), ([None, "before"], nullcontext()), (["before"] * 50, pytest.raises(GaveUpError))],
    ids=["nobody dies", "one dies once", "one dies too often"],
)
def test_no_actor_outlives_its_run(house, fates, ending):
    run = house(plain=fates)
    with ending:
        run.conduct(plan())
    assert {id(actor) for actor in run.actors} == {id(actor) for actor in run.discarded}


def test_a_session_that_another_run_has_claimed_ends_the_run(house):
    run = house()

    def observe(progress):
        if progress.block == 300:
            for session_id in run.ledger.incarnations:
                run.ledger.claim(session_id)

    with pytest.raises(StaleOwner):
        run.conduct(plan(), observe)


# The market feed.


def restarts(who, recoveries=None, say=pytest.fail):
    return Restarts(who, Counter() if recoveries is None else recoveries, say)


def feed(house, lengths, **fates):
    run = house(**fates)
    return run, MarketFeed(lambda: run.spawn("Market", Market(busy_scenario())), 0, iter(lengths), restarts("Market"))


def test_segments_come_in_order_and_in_the_lengths_asked_for(house):
    segments = list(feed(house, [5, 7, 3])[1].segments())
    assert [(block, reference.get().first_block) for block, reference in segments] == [(5, 0), (12, 5), (15, 12)]


def test_segments_are_made_a_little_ahead_and_no_more(house):
    asked = []
    lengths = (asked.append(number) or 5 for number in range(10))
    segments = feed(house, lengths)[1].segments()
    assert len(asked) == AHEAD_SEGMENTS_MAX + 1
    next(segments)
    assert len(asked) == AHEAD_SEGMENTS_MAX + 2


@pytest.mark.parametrize("call", range(7))
def test_a_new_market_goes_on_where_the_last_delivered_segment_ended(house, call):
    run, disturbed = feed(house, [5] * 6, Market=[None] * call + ["before"])
    found = [segment.get().pools.tobytes() for _, segment in disturbed.segments()]
    assert found == [segment.get().pools.tobytes() for _, segment in feed(house, [5] * 6)[1].segments()]
    assert run.spawned == ["Market"] * 2


# The commit queue.


class Inbox:
    """A writer that notes what it is given."""

    def __init__(self):
        self.calls = []

    def commit(self, *groups):
        self.calls.append(groups)
        return Committed(len(groups), seconds=0.004)


def queue(house, **fates):
    run, inbox = house(**fates), Inbox()
    tally = Tally()
    return inbox, tally, CommitQueue(lambda _: run.spawn("Writer", inbox), 0, Patience(lambda _: None), tally)


def test_a_bounded_number_of_segments_is_on_its_way(house):
    _, _, commits = queue(house)
    lags = []
    for number in range(3 * IN_FLIGHT_MAX):
        commits.put([number])
        lags.append(commits.lag)
    assert max(lags) == IN_FLIGHT_MAX == lags[-1]


def test_draining_waits_for_everything(house):
    inbox, _, commits = queue(house)
    for number in range(3):
        commits.put([number])
    commits.drain()
    assert commits.lag == 0
    assert inbox.calls == [(0,), (1,), (2,)]


def test_what_a_dead_writer_did_not_acknowledge_is_sent_again_in_order(house):
    inbox, tally, commits = queue(house, Writer=[None, "after"])
    for number in range(4):
        commits.put([number])
    commits.drain()
    assert inbox.calls == [(0,), (1,), (1,), (2,), (3,)]
    assert tally.recoveries == {"Writer": 1}


class Doors:
    """Where writers are spawned: what each shard's was given, and by shard when one dies."""

    def __init__(self, fates):
        self.inboxes = []
        self._fates = fates

    def __call__(self, shard):
        while len(self.inboxes) <= shard:
            self.inboxes.append(Inbox())
        return Actor(self.inboxes[shard], self._fates.get(shard, iter(())))


@pytest.mark.parametrize("writers", [1, 2, 3, 5])
def test_batches_of_an_account_always_go_to_the_same_writer(house, writers):
    house()
    doors = Doors({})
    commits = Commits(doors, writers, Patience(lambda _: None), Tally())
    for segment in range(4):
        commits.put({account: (segment, account) for account in range(7)})
    commits.drain()
    for shard, inbox in enumerate(doors.inboxes[:writers]):
        sent = [batch for call in inbox.calls for batch in call]
        assert sent == [(segment, account) for segment in range(4) for account in range(shard, 7, writers)]


def test_a_writer_that_dies_is_replaced_and_the_others_notice_nothing(house):
    house()
    doors, tally = Doors({1: iter(["after"])}), Tally()
    commits = Commits(doors, 2, Patience(lambda _: None), tally)
    for segment in range(3):
        commits.put({0: (segment, 0), 1: (segment, 1)})
    commits.drain()
    assert doors.inboxes[0].calls == [((segment, 0),) for segment in range(3)]
    assert doors.inboxes[1].calls == [((segment, 1),) for segment in (0, 0, 1, 2)]
    assert (tally.recoveries["Writer"], commits.lag) == (1, 0)


def test_what_was_acknowledged_is_counted_once_though_it_was_sent_twice(house):
    house()
    doors, tally = Doors({0: iter([None, "after"])}), Tally()
    commits = Commits(doors, 2, Patience(lambda _: None), tally)
    for segment in range(3):
        commits.put({account: (segment, account) for account in range(4)})
    commits.drain()
    written = tally.written(2)
    assert (written.writers, written.rows, written.commits) == (2, 12, 6)
    assert written.latency.max_ms == pytest.approx(4.0)


def test_a_percentile_is_never_too_low_and_too_high_by_the_resolution_at_most():
    latencies, seconds = Latencies(), [0.001 * 1.01**step for step in range(1_000)]
    for one in seconds:
        latencies.note(one)
    told = latencies.percentiles()
    for percent, milliseconds in ((50, told.p50_ms), (95, told.p95_ms), (99, told.p99_ms)):
        true = 1_000 * seconds[percent * 10 - 1]
        assert true <= milliseconds * (1 + 1e-6) <= true * (1 + RESOLUTION) * (1 + 2e-6)
    assert told.max_ms == pytest.approx(1_000 * seconds[-1])


def test_latencies_take_no_more_room_however_many_there_are():
    latencies = Latencies()
    for seconds in (0.0, 0.5, 2 * BOUNDS_SECONDS[-1]) * 100:
        latencies.note(seconds)
    assert (len(latencies.counts), latencies.count) == (len(BOUNDS_SECONDS) + 1, 300)
    assert latencies.percentiles().p99_ms == 2_000 * BOUNDS_SECONDS[-1]


def test_without_commits_every_percentile_is_zero():
    assert set(Latencies().percentiles()) == {0.0}


# Restarts.


def test_an_actor_that_could_not_start_is_not_started_again():
    error = RuntimeError("first line\nstorage.errors.DatabaseUnreachable: nothing listens there.")
    error.actor_init_failed = True
    with pytest.raises(GaveUpError, match=r"^Writer could not start: .*nothing listens there\.$"):
        restarts("Writer").note(error)


def test_restarts_are_bounded_and_the_last_reason_is_named_in_one_line():
    market = restarts("Market")
    for _ in range(RESTARTS_MAX):
        market.note(ActorDiedError())
    with pytest.raises(GaveUpError) as raised:
        market.note(RuntimeError("it was killed.\n\tclass_name: Market"))
    assert str(raised.value) == "Market died 11 times; the last time: it was killed."


def test_restarts_that_are_spread_over_a_long_run_are_only_counted(monkeypatch):
    clock = count(step=RESTARTS_SECONDS / RESTARTS_MAX)
    monkeypatch.setattr("cluster.remote_calls.time.monotonic", lambda: next(clock))
    recoveries = Counter()
    market = restarts("Market", recoveries)
    for _ in range(5 * RESTARTS_MAX):
        market.note(ActorDiedError())
    assert recoveries == {"Market": 5 * RESTARTS_MAX}


def test_an_actor_that_does_not_answer_is_told_of_while_it_is_waited_for(monkeypatch):
    answers, waits, said = [GetTimeoutError(), GetTimeoutError(), "at last"], [], []

    def get(_reference, timeout):
        waits.append(timeout)
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        return answer

    monkeypatch.setattr("cluster.remote_calls.ray.get", get)
    session = restarts("AccountSession mine", say=said.append)
    assert result_of("reference", session.tell_of_silence) == "at last"
    assert [text.partition(", ")[0] for text in said] == [
        f"AccountSession mine has not answered for {seconds} s and is waited for"
        for seconds in (TELL_SECONDS, 2 * TELL_SECONDS)
    ]
    answers, waits[:] = [GetTimeoutError()] * (CALL_SECONDS_MAX // TELL_SECONDS), []
    with pytest.raises(GetTimeoutError):
        result_of("reference", session.tell_of_silence)
    assert sum(waits) == CALL_SECONDS_MAX


def test_while_no_actor_has_anything_to_say_that_is_told(monkeypatch):
    ready, said = [[], [], ["second"]], []
    monkeypatch.setattr("cluster.remote_calls.ray.wait", lambda *_, **__: (ready.pop(0), []))
    assert first_of(["first", "second"], said.append) == ["second"]
    assert said == [TELL_SECONDS, 2 * TELL_SECONDS]
    ready = [[]] * (CALL_SECONDS_MAX // TELL_SECONDS)
    assert first_of(["first"], said.append) == []
    assert not ready
    assert said[-1] == CALL_SECONDS_MAX


def test_an_actor_that_finds_no_place_is_told_of_and_given_up(monkeypatch):
    clock, said = count(step=CALL_SECONDS_MAX), []
    monkeypatch.setattr("cluster.remote_calls.time.monotonic", lambda: next(clock))
    session = restarts("AccountSession mine", say=said.append)
    for _ in range(UNANSWERED_MAX - 1):
        session.note(GetTimeoutError())
    assert said == [
        "AccountSession mine has not answered for 300 s. Another is started in its place.",
        "AccountSession mine has not answered for 600 s. Another is started in its place.",
    ]
    with pytest.raises(GaveUpError, match=r"^AccountSession mine has not answered for 900 s; `ray status` tells "):
        session.note(GetTimeoutError())


@pytest.mark.parametrize(
    ("losses", "apart_seconds"),
    [([GetTimeoutError(), ActorDiedError()], 1), ([GetTimeoutError(), GetTimeoutError()], 2 * CALL_SECONDS_MAX)],
    ids=["it died meanwhile", "long ago"],
)
def test_an_actor_that_sleeps_now_and_then_is_only_replaced(monkeypatch, losses, apart_seconds):
    clock, said = count(step=apart_seconds), []
    monkeypatch.setattr("cluster.remote_calls.time.monotonic", lambda: next(clock))
    session = restarts("AccountSession mine", say=said.append)
    for reason in losses * UNANSWERED_MAX:
        session.note(reason)
    assert set(said) == {"AccountSession mine has not answered for 300 s. Another is started in its place."}


def test_a_run_whose_values_are_lost_with_a_node_is_taken_up_and_conducted_again():
    outcomes, taken_up = iter([ObjectLostError("", "", ""), ObjectLostError("", "", ""), "the end"]), []

    def conduct():
        outcome = next(outcomes)
        if isinstance(outcome, ObjectLostError):
            raise outcome
        return outcome

    assert through_losses(conduct, lambda: taken_up.append(1), pytest.fail, pytest.fail) == "the end"
    assert len(taken_up) == 2


def test_a_run_whose_values_are_lost_again_and_again_gives_up():
    def conduct():
        raise ObjectLostError("", "", "")

    with pytest.raises(GaveUpError, match=r"^A node with segments or batches on their way died 11 times"):
        through_losses(conduct, lambda: None, pytest.fail, pytest.fail)


@pytest.mark.parametrize("brought", [True, False])
def test_a_run_whose_actor_dies_again_and_again_goes_on_once_its_node_is_brought_paperdex(brought):
    lacking, steps = iter([brought]), []

    def conduct():
        steps.append("conduct")
        if steps.count("bring") == 0:
            raise GaveUpError("No module named 'actors'.")
        return "the end"

    def bring():
        steps.append("bring")
        return next(lacking)

    with nullcontext() if brought else pytest.raises(GaveUpError, match="actors"):
        assert through_losses(conduct, lambda: steps.append("take up"), bring, pytest.fail) == "the end"
    assert steps == ["conduct", "bring", *["take up", "conduct"] * brought]


class Away(Inbox):
    """A writer whose database does not answer so many times."""

    def __init__(self, times):
        super().__init__()
        self.times = times

    def commit(self, *groups):
        if self.times:
            self.times -= 1
            raise DatabaseUnreachable(url="localhost/paperdex", why="nothing listens at that host and port")
        return super().commit(*groups)


def test_a_database_that_is_away_is_asked_again_and_given_everything_in_order(house):
    said, inbox, run = [], Away(times=12), house()
    commits = CommitQueue(lambda _: run.spawn("Writer", inbox), 0, Patience(said.append), Tally())
    for number in range(5):
        commits.put([number])
    commits.drain()
    assert [number for (number,) in inbox.calls[-5:]] == list(range(5))  # what came before it would refuse as gaps
    assert commits.lag == 0
    (sentence,) = said
    assert sentence.startswith("The database at localhost/paperdex cannot be reached: nothing listens at that host")
    assert sentence.endswith("The run waits for it, 0 s so far.")


def test_while_the_database_is_away_no_more_than_the_bound_is_in_flight(monkeypatch, house):
    monkeypatch.setattr("cluster.patience.LONGEST_WAIT_SECONDS", 0)
    inbox, run, sent = Away(times=40), house(), []
    commits = Commits(lambda _: run.spawn("Writer", inbox), 1, Patience(lambda _: sent.append(commits.lag)), Tally())
    lags = []
    for number in range(3 * IN_FLIGHT_MAX):
        commits.put({0: number})
        lags.append(commits.lag)
    assert sent == [IN_FLIGHT_MAX]  # what the run said that it waits for
    assert max(lags) == IN_FLIGHT_MAX


AWAY = DatabaseUnreachable(url="there/paperdex", why="no server listens on that socket")


def missed(mend, whole="run", times=1):
    """Wait for a database that does not answer so many times; return what is said."""
    said, answers = [], iter([AWAY] * times)

    def ask():
        if error := next(answers, None):
            raise error

    Patience(said.append, whole, mend)(ask)
    return said


@pytest.mark.parametrize("whole", ["run", "sweep"])
def test_a_server_of_our_own_that_has_died_is_started_again(whole):
    starts = iter([True])  # the second that does not answer was asked before
    assert missed(lambda away: away is AWAY and next(starts, False), whole, times=2) == [
        f"The embedded Postgres server at there/paperdex had died and is started again; the {whole} goes on."
    ]


def test_a_server_of_our_own_that_does_not_start_is_waited_for_and_the_reason_is_told(monkeypatch):
    monkeypatch.setattr("cluster.patience.FIRST_WAIT_SECONDS", 0)

    def fails(_):
        raise EmbeddedServerFailed(folder="there", why="no space left on device")

    (sentence,) = missed(fails, "sweep", times=3)
    assert sentence.startswith("The embedded Postgres server in there does not start: no space left on device. The ")
    assert sentence.endswith("The sweep waits for it, 0 s so far.")


def test_patience_with_a_database_ends(monkeypatch, house):
    monkeypatch.setattr("cluster.patience.PATIENCE_SECONDS", 0)
    commits = CommitQueue(lambda _: house().spawn("Writer", Away(times=10**6)), 0, Patience(lambda _: None), Tally())
    commits.put([1])
    with pytest.raises(DatabaseUnreachable):
        commits.drain()
