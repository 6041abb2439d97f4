"""Real processes, killed where a schedule says: the run that is left in the end is the undisturbed one, to the last row.

The conductor is the command itself, ``paperdex run``; when it has been killed, ``paperdex run --resume`` goes on.
"""

from __future__ import annotations

import json
import re
import signal
from contextlib import closing
from itertools import count

import gates
import homes
import psutil
import pytest
from busy import busy_scenario
from command import Command
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from questions import questions

from storage import embedded
from storage.store import Store

SEGMENT_BLOCKS = 20
"""So that more segments are left after the last blow than may be on their way."""

LAST_BLOW = 7
"""The tenth after which no blow is dealt: it is to meet a run that still goes on."""


class Field:
    """Where a run takes place: the databases' server, the cluster, and the blows that can be dealt to both."""

    def __init__(self, folder):
        self._folder = folder
        self.server = embedded.start(folder)
        self.url = None

    def begin(self, database):
        """Make a database with gates for one run."""
        self.url = embedded.start(self._folder, database).url(database)
        with closing(Store(self.url)) as store:
            store.upgrade()
        with questions(self.url) as sql:
            gates.install(sql)

    def session(self):
        """Kill the process of a session."""
        newest("AccountSession").kill()

    def market(self):
        """Kill the market's process."""
        newest("Market").kill()

    def auto_pilot(self):
        """Kill the Auto Pilot's process."""
        newest("AutoPilot").kill()

    def writer(self):
        """Kill the writer's process, whatever it does."""
        newest("Writer").kill()

    def writer_before_commit(self):
        """Kill the writer's process in the middle of a COPY, whose rows are lost."""
        with gates.caught(self.url, gates.IN_COPY):
            newest("Writer").kill()

    def writer_after_commit(self):
        """Kill the writer's process once it has sent COMMIT: the rows are durable, and nobody is told."""
        with gates.caught(self.url, gates.AT_COMMIT):
            newest("Writer").kill()

    def connection_in_copy(self):
        """Cut the writer's connection in the middle of a COPY."""
        self._cut(gates.IN_COPY)

    def connection_at_commit(self):
        """Cut the writer's connection while it waits for its COMMIT, which does not happen."""
        self._cut(gates.AT_COMMIT)

    def server_killed(self):
        """Kill the database server and start it again."""
        self._restart(signal.SIGKILL)

    def server_stopped(self):
        """Stop the database server as ``pg_ctl stop -m immediate`` does, and start it again."""
        self._restart(signal.SIGQUIT)

    def _cut(self, gate):
        with gates.caught(self.url, gate) as pid, questions(self.url) as sql:
            assert sql("SELECT pg_terminate_backend(%s, 10000)", pid) == [(True,)]

    def _restart(self, blow):
        postmaster = psutil.Process(int((self._folder / "postmaster.pid").read_text().split()[0]))
        postmaster.send_signal(blow)
        postmaster.wait()
        embedded.start(self._folder)


def newest(actor):
    """Return the process of the youngest actor of a class in this test's own cluster."""
    alive = [child for child in psutil.Process().children(recursive=True) if f"ray::{actor}" in child.name()]
    return max(alive, key=psutil.Process.create_time)


class Fight:
    """The busy scenario, run by commands on a field, each run in a database of its own."""

    def __init__(self, field, file, ray_address):
        self._field, self._file, self._ray_address = field, file, ray_address
        self._numbers = count()
        self._writers = 1

    def begin(self, writers=1):
        """Start the run with so many writers."""
        self._writers = writers
        self._field.begin(f"fight_{next(self._numbers)}")
        return self._command(str(self._file))

    def again(self):
        """Go on with the run."""
        return self._command("--resume", "latest")

    def _command(self, *what):
        where = ["--database-url", self._field.url, "--ray-address", self._ray_address]
        return Command([*what, *where, "--writers", str(self._writers)])

    def under(self, schedule, writers=1):
        """Run to the end under a schedule of blows, (tenth, blow) each, and return the digest."""
        left = sorted(schedule)
        command = self.begin(writers)
        while command is not None:
            command = self._step(command, left)
        assert not left, "every blow has been dealt"
        return self.digest()

    def _step(self, command, left):
        """Follow a conductor to its end, which is None, or to its death, which is the next conductor."""
        for tenth in command.tenths():
            while left and left[0][0] <= tenth:
                _, blow = left.pop(0)
                if blow == CONDUCTOR:
                    command.kill()
                    return self.again()
                getattr(self._field, blow)()
        command.summary()
        return None

    def digest(self):
        """Return the digest of the run, taken anew, which has ended well and in which a check finds nothing."""
        with questions(self._field.url) as sql:
            gates.remove(sql)
        with closing(Store(self._field.url)) as store:
            assert store.check() == []
            (run,) = store.runs()
            assert run.status == "COMPLETED"
            return store.digest(store.resolve_run(run.run_id))


CONDUCTOR = "conductor"
BLOWS = (
    CONDUCTOR,
    "session",
    "market",
    "auto_pilot",
    "writer",
    "writer_before_commit",
    "writer_after_commit",
    "connection_in_copy",
    "connection_at_commit",
    "server_killed",
    "server_stopped",
)


@pytest.fixture(scope="module")
def field():
    """Start a server of this test's own, where the server's own user may enter."""
    with homes.a_home() as home:
        field = Field(home / "postgres")
        yield field
        embedded.start(home / "postgres").stop()


@pytest.fixture(scope="module")
def fight(field, ray_address, tmp_path_factory):
    """Return what runs the busy scenario while blows are dealt to it."""
    file = tmp_path_factory.mktemp("scenario") / "busy.yaml"
    scenario = busy_scenario(segment_blocks=SEGMENT_BLOCKS)
    file.write_text(json.dumps(scenario.model_dump(mode="json")))
    return Fight(field, file, ray_address)


def test_a_run_survives_blow_after_blow(fight, undisturbed):
    schedule = [
        (1, "writer_before_commit"), (3, "writer_after_commit"), (4, "connection_in_copy"), (5, CONDUCTOR),
        (6, "server_killed"),
    ]  # fmt: skip
    assert fight.under(schedule, writers=2) == undisturbed.summary.digest


@pytest.mark.slow  # a stale conductor is refused in tests/postgres/test_exactly_once.py
def test_a_conductor_that_wakes_up_when_another_has_taken_its_run_is_refused(fight, field, undisturbed):
    """It had lost its hold with its connection, while its process was asleep."""
    sleeper = fight.begin()
    for tenth in sleeper.tenths():
        if tenth >= 3:
            sleeper.pause()
            break
    with questions(field.url) as sql:
        held = "locktype = 'advisory' AND mode = 'ExclusiveLock'"
        assert sql(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE {held}") == [(True,)]
    assert fight.again().summary()["digest"] == undisturbed.summary.digest
    status, said = sleeper.wake()
    assert status == 2
    assert re.fullmatch(r"Session .* belongs to incarnation 2; a batch of incarnation 1 is refused\.", said), said
    assert fight.digest() == undisturbed.summary.digest


@pytest.mark.slow  # each example is a run or several
@pytest.mark.timeout(3600)
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # to shrink a failing schedule would take an hour
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.tuples(st.integers(0, LAST_BLOW), st.sampled_from(BLOWS)), min_size=1, max_size=4), st.integers(1, 2)
)
@example([(2, "session"), (6, "connection_at_commit"), (6, "server_killed"), (7, CONDUCTOR)], 2)
@example([(0, CONDUCTOR)], 1)
@example([(2, CONDUCTOR), (3, CONDUCTOR), (7, CONDUCTOR)], 2)
@example([(2, "server_stopped"), (4, "market"), (6, "auto_pilot"), (7, "writer")], 1)
def test_a_run_survives_any_schedule_of_blows(fight, undisturbed, schedule, writers):
    assert fight.under(schedule, writers) == undisturbed.summary.digest
