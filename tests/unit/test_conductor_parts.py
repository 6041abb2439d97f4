"""The conductor and its parts over actors in this process, which die when a test says so."""

from __future__ import annotations

from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace

import pytest
from busy import busy_scenario
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ray.exceptions import ActorDiedError

from actors.autopilot import AutoPilot
from actors.market import Market
from actors.session import AccountSession
from cluster import commit_queue, conductor, market_feed, session_fleet
from cluster.commit_queue import IN_FLIGHT_MAX, CommitQueue
from cluster.conductor import Conductor
from cluster.market_feed import AHEAD_SEGMENTS_MAX, MarketFeed
from cluster.plan import plan_of
from cluster.remote_calls import RESTARTS_MAX, GaveUpError, Restarts
from storage.batch import Checkpoint
from storage.errors import SequenceGap, StaleOwner

PREFIX = 0xF00D


@dataclass(frozen=True)
class Reference:
    """What a call returned or raised."""

    value: object = None
    error: BaseException | None = None

    def get(self):
        if self.error is not None:
            raise self.error
        return self.value


class Call:
    """A method of an actor, called as Ray's are."""

    def __init__(self, actor, method, num_returns=1):
        self._actor, self._method, self._num_returns = actor, method, num_returns

    def options(self, num_returns):
        return Call(self._actor, self._method, num_returns)

    def remote(self, *arguments):
        try:
            given_values = [part.get() if isinstance(part, Reference) else part for part in arguments]
            value = self._actor.call(self._method, given_values)
        except Exception as error:  # noqa: BLE001 -- whatever an actor raises travels in the reference
            failed = Reference(error=error)
            return (failed,) * self._num_returns if self._num_returns > 1 else failed
        return tuple(Reference(part) for part in value) if self._num_returns > 1 else Reference(value)


class Actor:
    """A plain object behind calls; dead from the call on that its fate names."""

    def __init__(self, plain, fates):
        self._plain, self._fates, self.is_dead = plain, fates, False

    def __getattr__(self, method):
        return Call(self, method)

    def call(self, method, arguments):
        if self.is_dead:
            raise ActorDiedError
        fate = next(self._fates, None)
        self.is_dead = fate is not None
        if fate == "before":
            raise ActorDiedError
        value = getattr(self._plain, method)(*arguments)
        if fate == "after":
            raise ActorDiedError
        return value


class Ledger:
    """A store and its writer in one: what is committed is kept, exactly once and by the owner alone."""

    def __init__(self):
        self.batches = defaultdict(list)
        self.incarnations = defaultdict(int)

    def claim(self, session_id):
        self.incarnations[session_id] += 1
        return self.incarnations[session_id]

    def checkpoint(self, session_id):
        stored = self.batches[session_id]
        last = stored[-1] if stored else SimpleNamespace(seq=0, next_block=0, state=b"")
        return Checkpoint(self.incarnations[session_id], last.seq, last.next_block, last.state)

    def commit(self, *groups):
        for batch in (batch for group in groups for batch in group):
            stored = self.batches[batch.session_id]
            if batch.incarnation != self.incarnations[batch.session_id]:
                raise StaleOwner(session_id=batch.session_id, stored=0, given=batch.incarnation)
            if batch.seq > len(stored) + 1:
                raise SequenceGap(session_id=batch.session_id, stored=len(stored), given=batch.seq)
            if batch.seq == len(stored) + 1:
                stored.append(batch)

    def content(self):
        """Return all that was committed, whoever committed it."""
        return {key: [(batch.seq, batch.rows, batch.state) for batch in stored] for key, stored in self.batches.items()}


@dataclass
class House:
    """Where actors are spawned; ``fates`` says, by kind, what happens at each of its calls."""

    patch: pytest.MonkeyPatch
    fates: dict = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    spawned: list = field(default_factory=list)
    actors: list = field(default_factory=list)
    discarded: list = field(default_factory=list)

    def __post_init__(self):
        self._iterators = {kind: iter(fates) for kind, fates in self.fates.items()}
        for module in (conductor, market_feed, commit_queue, session_fleet):
            self.patch.setattr(module, "result_of", Reference.get)
            self.patch.setattr(module, "discard", self.discarded.append)
        self.patch.setattr(conductor.remote, "spawn_market", lambda *of: self.spawn("Market", Market(*of)))
        self.patch.setattr(conductor.remote, "spawn_autopilot", lambda *of: self.spawn("AutoPilot", AutoPilot(*of)))
        self.patch.setattr(conductor.remote, "spawn_writer", lambda _url: self.spawn("Writer", self.ledger))
        self.patch.setattr(session_fleet, "spawn_session", self.spawn_session)

    def spawn(self, kind, plain):
        self.spawned.append(kind)
        self.actors.append(Actor(plain, self._iterators.get(kind, iter(()))))
        return self.actors[-1]

    def spawn_session(self, contexts, owners, rules):
        return self.spawn(contexts[0].account.name, AccountSession(contexts, owners, rules))

    def conduct(self, plan, observe=lambda _progress: None):
        made = Conductor(plan, PREFIX, self.ledger, "postgresql:///nowhere", observe)
        made.run()
        return made


@pytest.fixture
def house(monkeypatch):
    """Return a function that makes a house whose actors meet the given fates."""
    return lambda **fates: House(monkeypatch, fates)


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


def test_a_run_commits_every_segment_of_every_session(house):
    run = house()
    run.conduct(plan())
    assert run.spawned == ["Market", "Writer", "AutoPilot", "tuned", "plain", "smart"]
    assert [[batch.seq for batch in stored] for stored in run.ledger.batches.values()] == [list(range(1, 13))] * 3
    assert all(stored[-1].next_block == 1200 for stored in run.ledger.batches.values())


def test_whoever_watches_sees_every_segment(house):
    seen = []
    made = house().conduct(plan(), seen.append)
    assert [progress.block for progress in seen] == list(range(100, 1300, 100))
    assert {progress.blocks for progress in seen} == {1200}
    assert [len(progress.receipts) for progress in seen] == [3] * 12
    assert seen[-1].adjustments == made.tally.adjustments >= 2
    assert seen[-1].restarts == 0


def test_refusals_are_counted_by_their_reason(house):
    tally = house().conduct(plan()).tally
    assert tally.adjustments + tally.refusals.total() == 3 * 3  # sessions times reviews
    assert tally.refusals["Auto Pilot is off for this strategy"] == 2 * 3


def test_auto_pilot_is_not_asked_in_a_run_without_it(house):
    tally = house().conduct(plan(autopilot=False)).tally
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


def feed(house, lengths, **fates):
    run = house(**fates)
    return run, MarketFeed(lambda: run.spawn("Market", Market(busy_scenario())), iter(lengths))


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
    assert disturbed.restarts.count == 1
    assert run.spawned == ["Market"] * 2


# The commit queue.


class Inbox:
    """A writer that notes what it is given."""

    def __init__(self):
        self.calls = []

    def commit(self, *groups):
        self.calls.append(groups)


def queue(house, **fates):
    run, inbox = house(**fates), Inbox()
    return inbox, CommitQueue(lambda: run.spawn("Writer", inbox))


def test_a_bounded_number_of_segments_is_on_its_way(house):
    _, commits = queue(house)
    lags = []
    for number in range(3 * IN_FLIGHT_MAX):
        commits.put([number])
        lags.append(commits.lag)
    assert max(lags) == IN_FLIGHT_MAX == lags[-1]


def test_draining_waits_for_everything(house):
    inbox, commits = queue(house)
    for number in range(3):
        commits.put([number])
    commits.drain()
    assert commits.lag == 0
    assert inbox.calls == [(0,), (1,), (2,)]


def test_what_a_dead_writer_did_not_acknowledge_is_sent_again_in_order(house):
    inbox, commits = queue(house, Writer=[None, "after"])
    for number in range(4):
        commits.put([number])
    commits.drain()
    assert inbox.calls == [(0,), (1,), (1,), (2,), (3,)]
    assert commits.restarts.count == 1


# Restarts.


def test_an_actor_that_could_not_start_is_not_started_again():
    error = RuntimeError("first line\nstorage.errors.DatabaseUnreachable: nothing listens there.")
    error.actor_init_failed = True
    with pytest.raises(GaveUpError, match=r"^Writer could not start: .*nothing listens there\.$"):
        Restarts("Writer").note(error)


def test_restarts_are_bounded_and_the_last_reason_is_named_in_one_line():
    restarts = Restarts("Market")
    for _ in range(RESTARTS_MAX):
        restarts.note(ActorDiedError())
    with pytest.raises(GaveUpError) as raised:
        restarts.note(RuntimeError("it was killed.\n\tclass_name: Market"))
    assert str(raised.value) == "Market died 11 times; the last time: it was killed."
