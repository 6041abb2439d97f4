"""Ray's control service is watched: told of while it is away, and not waited for longer than Ray itself waits."""

from __future__ import annotations

import json

import pytest

from cluster.control_service import ASK_SECONDS, TELL_SECONDS, Vigil
from cluster.logs import log_of

PATIENCE_SECONDS = 48


class Watched:
    """A vigil over a control service of which a test says when it is there."""

    def __init__(self):
        self.is_there, self.said, self.left = True, [], []
        self._now = 1000.0
        self._vigil = Vigil(lambda: self.is_there, PATIENCE_SECONDS, self.said.append, self._leave)

    def _leave(self, why):
        self.left.append(why)

    def look(self, *, for_seconds, is_there):
        """Look once a second for so long."""
        self.is_there = is_there
        for _ in range(for_seconds // ASK_SECONDS):
            self._vigil.look(self._now)
            self._now += ASK_SECONDS


@pytest.fixture
def watched():
    return Watched()


def test_nothing_is_said_of_a_control_service_that_is_there(watched):
    watched.look(for_seconds=200, is_there=True)
    assert (watched.said, watched.left) == ([], [])


def test_it_is_told_at_once_that_it_is_away_and_now_and_then_for_how_long(watched):
    watched.look(for_seconds=3, is_there=True)
    watched.look(for_seconds=2 * TELL_SECONDS + 1, is_there=False)
    assert watched.said == [
        "Ray's control service is away. The actors that are there go on; those to be started wait for it, "
        f"{seconds} s so far."
        for seconds in (0, TELL_SECONDS, 2 * TELL_SECONDS)
    ]


def test_patience_begins_anew_once_it_has_been_back(watched):
    for _ in range(3):
        watched.look(for_seconds=PATIENCE_SECONDS, is_there=False)
        watched.look(for_seconds=1, is_there=True)
    assert watched.left == []


def test_without_it_for_too_long_a_conductor_leaves(watched):
    watched.look(for_seconds=PATIENCE_SECONDS + 1, is_there=False)
    assert watched.left == [f"Ray's control service has been away for {PATIENCE_SECONDS} s"]


def test_that_it_goes_and_comes_is_logged(watched, tmp_path, monkeypatch):
    monkeypatch.setenv("PAPERDEX_LOG_FILE", str(tmp_path / "log"))
    with log_of({}, None, print):
        watched.look(for_seconds=2, is_there=False)
        watched.look(for_seconds=2, is_there=True)
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["message"] for line in lines] == ["control service away", "control service back"]
    assert lines[-1]["waited_seconds"] == 2
