"""Actors in this process, which die when a test says so, and the conductor over them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from ray.exceptions import ActorDiedError

from actors.autopilot import AutoPilot
from actors.market import Market
from actors.session import AccountSession
from actors.writer import Committed
from cluster import commit_queue, conductor, market_feed, session_fleet
from cluster.conductor import Conductor
from cluster.patience import Patience
from cluster.start import beginning, taken_up
from cluster.tally import Tally
from simulation.instructions import Instructed
from storage.batch import Checkpoint
from storage.errors import SequenceGap, StaleOwner
from storage.ids import ORDINAL_BITS
from storage.records import Reopened, Standing
from storage.row_types import SessionRow
from storage.steering import Steered

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = 0xF00D


@dataclass(frozen=True)
class Reference:
    """What a call returned or raised."""

    value: object = None
    error: BaseException | None = None

    def get(self, _tell=None):
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
        self.failed, self.begun, self.commands = {}, {}, []

    def claim(self, session_id, _conductor=1):
        self.incarnations[session_id] += 1
        return self.incarnations[session_id]

    def checkpoint(self, session_id):
        stored, begun = self.batches[session_id], self.begun.get(session_id, b"")
        last = stored[-1] if stored else SimpleNamespace(seq=0, next_block=0, state=begun)
        return Checkpoint(self.incarnations[session_id], last.seq, last.next_block, last.state)

    def commit(self, *groups):
        batches = [batch for group in groups for batch in group]
        for batch in batches:
            stored = self.batches[batch.session_id]
            if batch.incarnation != self.incarnations[batch.session_id]:
                raise StaleOwner(session_id=batch.session_id, stored=0, given=batch.incarnation)
            if batch.seq > len(stored) + 1:
                raise SequenceGap(session_id=batch.session_id, stored=len(stored), given=batch.seq)
            if batch.seq == len(stored) + 1:
                stored.append(batch)
        return Committed(len(batches), seconds=0.001)

    def command(self, kind, account=None, block=None):
        """Command the run, or the session of an account; with a block it has been accepted for that one."""
        self.commands.append([kind, account, block])

    def asked_for(self, _run_id, block):
        return frozenset(kind for kind, _, at in self.commands if at in {None, block})

    def take_up_commands(self, _run_id, block, living, _conductor):
        standing = {key.int >> ORDINAL_BITS & 0xFF: at for key, at in living.items()}
        instructions, run = [], ""
        for command in self.commands:
            kind, account, at = command
            if at not in {None, block} or standing.get(account, block) > block:
                continue
            command[2] = block
            if account is None:
                run = kind
            elif account in standing:
                instructions.append((account, Instructed[kind]))
        return Steered(instructions, "" if run == "RESUME" else run)

    def begin_session(self, context, state):
        self.begun[context.session_id] = state

    def fail_session(self, session_id, message, _conductor=1):
        self.claim(session_id)
        self.failed[session_id] = message

    def standings(self, plan):
        """Return where every session of a run stands that has begun."""
        begun = [line[0].session_id for line in plan.lines(PREFIX)] + list(self.begun)
        cuts = {at for _, account, at in self.commands if None not in {account, at}}
        return Reopened(2, {key: self._standing(key) for key in begun}, tuple(sorted(cuts)))

    def _standing(self, session_id):
        stopped = self.stored(session_id, "status") == "STOPPED"
        error = self.failed.get(session_id) or self.stored(session_id, "error_message")
        return Standing(self.checkpoint(session_id).next_block, error, stopped)

    def stored(self, session_id, column):
        """Return what the row of a session says, nothing before its first batch."""
        if not self.batches[session_id]:
            return ""
        row = self.batches[session_id][-1].rows["paper_trading_sessions"].decode().rstrip("\n").split("\t")
        return row[SessionRow._fields.index(column)]

    def up_to(self, counts):
        """Return a ledger with so many batches of each session, in the order in which sessions began."""
        part = Ledger()
        for (session_id, stored), count in zip(self.batches.items(), counts, strict=True):
            part.batches[session_id] = stored[:count]
            part.incarnations[session_id] = 1
        part.commands = self.commands
        return part

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
    ending: conductor.Ending | None = None
    alive: dict = field(default_factory=dict)
    """Actors of sessions that have outlived an earlier conductor, by their accounts."""
    writers: int = 1
    tally: Tally = field(default_factory=Tally)
    say: Callable[[str], None] = lambda _: None
    is_interrupted: Callable[[], bool] = conductor.never

    def __post_init__(self):
        self._iterators = {kind: iter(fates) for kind, fates in self.fates.items()}
        for module in (conductor, market_feed, commit_queue, session_fleet):
            self.patch.setattr(module, "result_of", Reference.get)
            self.patch.setattr(module, "discard", self.discarded.append)
        self.patch.setattr(conductor.remote, "spawn_market", lambda _home, *of: self.spawn("Market", Market(*of)))
        self.patch.setattr(
            conductor.remote, "spawn_autopilot", lambda _home, *of: self.spawn("AutoPilot", AutoPilot(*of))
        )
        self.patch.setattr(
            conductor.remote, "spawn_writer", lambda _home, _url, _shard: self.spawn("Writer", self.ledger)
        )
        self.patch.setattr(session_fleet, "spawn_session", self.spawn_session)
        self.patch.setattr(session_fleet, "find_session", self.find_session)

    def spawn(self, kind, plain):
        self.spawned.append(kind)
        self.actors.append(Actor(plain, self._iterators.get(kind, iter(()))))
        return self.actors[-1]

    def spawn_session(self, contexts, owners, rules):
        return self.spawn(contexts[0].account.name, AccountSession(contexts, owners, rules))

    def find_session(self, context):
        return self.alive.get(context.account.name)

    def conduct(self, plan, observe=lambda _progress: None, start=None):
        """Run a plan."""
        start = start or beginning(plan)
        made = Conductor(
            plan, PREFIX, start, self.ledger, "postgresql:///nowhere", self.writers, observe, self.tally,
            Patience(self.say), self.is_interrupted,
        )  # fmt: skip
        self.ending = made.run()


def resume(house, plan, observe=lambda _progress: None):
    """Go on with a run where its sessions stand in the ledger."""
    return house.conduct(plan, observe, taken_up(plan.lines(PREFIX), house.ledger.standings(plan)))


def undisturbed(plan):
    """Return what a run commits in which nobody dies."""
    with pytest.MonkeyPatch.context() as patch:
        house = House(patch)
        house.conduct(plan)
        return house.ledger
