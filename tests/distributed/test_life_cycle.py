"""Real runs that operators pause, resume and stop, from outside or by a signal: what they come to, whenever that was."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import closing

import pytest
import ray
from busy import busy_scenario
from command import Command
from questions import questions
from ray.exceptions import ObjectLostError
from watcher import Watcher

from cluster import session_fleet
from cluster.errors import Stopped
from storage.store import Store

GIVEN = {
    100: [("PAUSE", "tuned")],
    400: [("STOP", "plain"), ("RESUME", "tuned")],
}
"""By the block after which an operator acts; taken up at the end of the next segment."""


class Operator(Watcher):
    """Commands sessions while their run goes on, and kills the process of one as soon as its command is accepted."""

    def __init__(self, url):
        super().__init__()
        self._url, self.is_killed = url, False

    def show(self, progress):
        with questions(self._url) as sql, closing(Store(self._url)) as store:
            sessions = dict(
                sql(
                    "SELECT accounts.name, session_id::text FROM paper_trading_sessions "
                    "JOIN paper_trading_accounts AS accounts USING (account_id)"
                )
            )
            for kind, account in GIVEN.get(progress.block, ()):
                store.command(sessions[account], kind)
            if not self.is_killed and sql("SELECT 1 FROM commands WHERE status = 'ACCEPTED'"):
                actor = ray.get_actor("AccountSession tuned")
                os.kill(ray.get(actor.__ray_call__.remote(lambda _actor: os.getpid())), signal.SIGKILL)
                self.is_killed = True


class Foreseen(Watcher):
    """Writes the same commands, accepted for the same blocks, into another run before it comes there."""

    def __init__(self, url, run_id):
        super().__init__()
        self._url, self._run_id, self._is_done = url, str(run_id), False

    def show(self, _progress):
        if self._is_done:
            return
        with questions(self._url) as sql:
            ((latest,),) = sql("SELECT run_id::text FROM runs ORDER BY started_at DESC LIMIT 1")
            assert latest != self._run_id
            placed = "overlay({}::text placing %s from 1 for 13)::uuid"
            sql(
                "INSERT INTO commands (command_id, run_id, session_id, ordinal, kind, arguments, status, block) "
                f"SELECT {placed.format('command_id')}, {placed.format('run_id')}, {placed.format('session_id')}, "
                "ordinal, kind, arguments, status, block FROM commands WHERE run_id = %s",
                *[latest[:13]] * 3, self._run_id,
            )  # fmt: skip
        self._is_done = True


@pytest.mark.slow  # one that dies when it is commanded is in tests/unit/test_commanded_runs.py
def test_a_run_whose_sessions_are_commanded_is_the_same_whoever_dies_and_however_it_is_cut(run, url, store, sql):
    two = busy_scenario().accounts[:2]
    killed = run(busy_scenario(segment_blocks=50, accounts=two), operator := Operator(url))
    assert operator.is_killed
    blocks = sql("SELECT kind, block FROM commands ORDER BY ordinal")
    assert blocks == [("PAUSE", 150), ("STOP", 450), ("RESUME", 450)]
    again = run(busy_scenario(segment_blocks=75, accounts=two), Foreseen(url, killed.run_id))
    assert killed.digest == again.digest
    assert (killed.status, killed.failures) == ("COMPLETED", [])
    ended = {line.account: (line.status, line.status_reason) for line in store.sessions_of(killed.run_id)}
    assert ended["plain"] == ("STOPPED", "An operator stopped it by command.")
    assert ended["tuned"][0] == "COMPLETED"
    assert store.check() == []


class Whole:
    """A run that a command conducts, and what is asked of it from outside."""

    def __init__(self, url, ray_address, file):
        self._url, self._ray_address, self._file = url, ray_address, file

    def begin(self):
        return self._command(str(self._file))

    def again(self):
        return self._command("--resume", "latest")

    def _command(self, *what):
        return Command([*what, "--database-url", self._url, "--ray-address", self._ray_address])


@pytest.fixture
def whole(url, ray_address, tmp_path):
    """Return what runs the busy scenario in a process of its own."""
    file = tmp_path / "busy.yaml"
    file.write_text(json.dumps(busy_scenario(segment_blocks=10).model_dump(mode="json")))
    return Whole(url, ray_address, file)


def until(command, said):
    """Read what a command says until a line that matches."""
    return next(line for line in command.lines() if re.search(said, line))


def test_a_run_that_is_paused_and_resumed_then_stopped_and_taken_up_is_the_undisturbed_one(
    whole, paperdex, url, store, sql, undisturbed
):
    where = ("--database-url", url)
    first = whole.begin()
    until(first, "^block ")
    assert paperdex("pause", "latest", *where)[0] == 0
    until(first, r"^Paused before block \d+; `paperdex resume ")
    standing = sql("SELECT DISTINCT next_block FROM session_checkpoints")
    assert standing == sql("SELECT block FROM commands")
    assert paperdex("resume", "latest", *where)[0] == 0
    assert paperdex("stop", "latest", *where)[0] == 0
    status, stdout, stderr = first.end()
    assert (status, stdout) == (130, "")
    assert re.search(r"Run \S+ is stopped and keeps what it has; `paperdex run --resume \S+` goes on\.\n$", stderr)
    assert [(run.status, run.error_message) for run in [store.run(store.resolve_run("latest"))]] == [
        ("STOPPED", "Stopped by the user.")
    ]
    assert whole.again().summary()["digest"] == undisturbed.summary.digest
    assert store.check() == []


@pytest.mark.slow  # that a command holds where nobody asks for the run to go on is in tests/postgres/test_steering.py
def test_a_run_that_is_commanded_to_stop_does_so_though_a_node_takes_values_with_it(run, store, monkeypatch):
    result_of = session_fleet.result_of

    def lose(reference, _tell):
        monkeypatch.setattr(session_fleet, "result_of", result_of)
        raise ObjectLostError(reference.hex(), "", "")

    def stop():
        store.command("latest", "STOP")
        monkeypatch.setattr(session_fleet, "result_of", lose)

    with pytest.raises(Stopped):
        run(busy_scenario(segment_blocks=100), Watcher(300, stop))
    assert session_fleet.result_of is result_of
    (command,) = store.commands_of(store.resolve_run("latest"))
    assert (command.kind, command.status) == ("STOP", "ACCEPTED")


@pytest.mark.slow  # a job whose process is asked to stop is in test_jobs.py
def test_a_command_that_is_asked_once_stops_after_its_segment_and_goes_on_to_the_undisturbed_end(
    whole, store, undisturbed
):
    command = whole.begin()
    until(command, "^block ")
    command.signal(signal.SIGINT)
    status, stdout, stderr = command.end()
    assert (status, stdout) == (130, "")
    assert "Stopping after this segment; asked once more, at once.\n" in stderr
    assert whole.again().summary()["digest"] == undisturbed.summary.digest
    assert store.check() == []


@pytest.mark.slow  # one that goes on is stopped above
def test_a_run_that_is_stopped_while_it_is_paused_goes_on_to_the_undisturbed_end(
    whole, paperdex, url, store, undisturbed
):
    command = whole.begin()
    until(command, "^block ")
    assert paperdex("pause", "latest", "--database-url", url)[0] == 0
    until(command, "^Paused before block ")
    command.signal(signal.SIGTERM)
    assert command.end()[0] == 130
    assert whole.again().summary()["digest"] == undisturbed.summary.digest
    assert store.check() == []


@pytest.mark.slow  # asked twice, a process is interrupted: tests/unit/test_commanded_runs.py
def test_a_command_that_is_asked_twice_stops_at_once_and_keeps_what_was_committed(whole, store, undisturbed):
    command = whole.begin()
    for line in command.lines():
        if line.startswith("block "):
            command.pause()
            command.signal(signal.SIGINT)
            command.signal(signal.SIGTERM)
            break
    status, said = command.wake()
    assert (status, said) == (130, "Stopped; what was committed is kept.")
    assert store.run(store.resolve_run("latest")).status == "STOPPED"
    assert whole.again().summary()["digest"] == undisturbed.summary.digest
