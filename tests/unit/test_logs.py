"""The log: what a line says, where the file is, how it is rotated, and what may never be in it."""

from __future__ import annotations

import json
from collections import Counter
from uuid import UUID

import pytest
from busy import busy_scenario
from ray.exceptions import ActorDiedError

from cluster import logs
from cluster.endings import resumable
from cluster.errors import LeftRunning, UsageError
from cluster.logs import log_of, note, warn
from cluster.patience import Patience
from cluster.plan import plan_of
from cluster.remote_calls import Restarts
from cluster.watching import run_watched
from storage.errors import DatabaseUnreachable

RUN = UUID("0123abcd-4567-8001-8000-000000000000")
SECRET = "correct-horse"


@pytest.fixture
def file(monkeypatch, tmp_path):
    monkeypatch.setenv("PAPERDEX_LOG_FILE", str(tmp_path / "logs" / "mine.log"))
    return tmp_path / "logs" / "mine.log"


@pytest.fixture
def log(file):
    """Log to a file; return a function that reads its lines."""
    with log_of({"run": RUN}, None, pytest.fail):
        yield lambda: [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_line_says_when_how_grave_what_and_of_which_run(log):
    note("run begun", seed=9, why="")
    warn("session failed", session=UUID(int=5))
    first, second = log()
    assert first["time"].endswith("+00:00")
    assert {key: value for key, value in first.items() if key != "time"} == {
        "level": "INFO", "message": "run begun", "run": str(RUN), "seed": 9,
    }  # fmt: skip
    assert (second["level"], second["session"]) == ("WARNING", str(UUID(int=5)))


def test_nothing_is_said_on_the_terminal(log, capfd):
    warn("actor lost")
    assert log()
    assert capfd.readouterr() == ("", "")


def test_outside_a_run_nothing_is_said_anywhere(file, capfd):
    warn("actor lost")
    assert not file.exists()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "said",
    [
        f"could not connect to postgresql://paperdex:{SECRET}@db/paperdex",
        f"could not connect to postgresql+psycopg2://:{SECRET}@db/paperdex",
        f"FATAL: host=db password={SECRET} user=paperdex",
        f"Bearer token: {SECRET}, sent",
        f"postgresql:///paperdex?host=db&password={SECRET}&sslmode=require",
    ],
)
def test_a_password_is_never_logged(log, said):
    warn("database away", why=said)
    (line,) = log()
    assert SECRET not in json.dumps(line)
    assert "***" in line["why"]


def test_a_full_file_is_rotated_and_few_old_ones_are_kept(monkeypatch, file):
    monkeypatch.setattr(logs, "ROTATION_MAX_BYTES", 500)
    monkeypatch.setattr(logs, "ROTATION_BACKUP_COUNT", 2)
    with (
        log_of({"run": RUN}, None, pytest.fail),
        log_of({"run": UUID(int=0)}, None, pytest.fail),
    ):  # as of two processes
        for number in range(100):
            note("run begun", seed=number)
    kept = sorted(path.name for path in file.parent.iterdir() if not path.name.startswith("."))
    assert kept == ["mine.log", "mine.log.1", "mine.log.2"]
    seeds = [
        json.loads(line)["seed"] for name in reversed(kept) for line in (file.parent / name).read_text().splitlines()
    ]
    assert seeds == sorted(seeds)
    assert seeds[-2:] == [99, 99]


def test_without_a_name_the_log_is_in_paperdexs_home(monkeypatch, tmp_path):
    monkeypatch.delenv("PAPERDEX_LOG_FILE", raising=False)
    monkeypatch.setenv("PAPERDEX_HOME", str(tmp_path))
    with log_of({"run": RUN}, None, pytest.fail):
        note("run begun")
    assert (tmp_path / "log" / "paperdex.log").read_text().count("\n") == 1


def test_on_a_named_cluster_it_is_among_the_logs_of_ray(monkeypatch, tmp_path):
    monkeypatch.delenv("PAPERDEX_LOG_FILE", raising=False)
    monkeypatch.setattr(logs, "ray_log_folder", lambda: tmp_path)
    with log_of({"run": RUN}, "127.0.0.1:6379", pytest.fail):
        note("run begun")
    assert (tmp_path / "paperdex.log").read_text().count("\n") == 1


def test_a_file_that_cannot_be_written_is_refused_where_it_was_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PAPERDEX_LOG_FILE", str(tmp_path))
    refused = pytest.raises(
        UsageError, match=r"^PAPERDEX_LOG_FILE=\S+ can't be written \(Is a directory\); name another"
    )
    with refused, log_of({}, None, pytest.fail):
        pytest.fail("it began")


def test_a_folder_of_the_user_that_cannot_be_written_costs_the_log_and_not_the_run(monkeypatch, tmp_path):
    (tmp_path / "log").write_text("no folder")
    monkeypatch.delenv("PAPERDEX_LOG_FILE", raising=False)
    monkeypatch.setenv("PAPERDEX_HOME", str(tmp_path))
    said = []
    with log_of({}, None, said.append):
        note("run begun")
    (sentence,) = said
    assert sentence.startswith("No log is kept: ")


@pytest.mark.usefixtures("log")
def test_a_line_that_can_no_longer_be_written_stops_nothing(file):
    note("run begun")
    file.unlink()
    file.mkdir()
    note("run ended")


# What is logged.


def test_an_actor_that_is_lost_is_logged_with_the_reason_and_its_session(log):
    Restarts("AccountSession mine", Counter(), pytest.fail).note(ActorDiedError(), session=RUN)
    (line,) = log()
    assert (line["message"], line["actor"], line["session"], line["times"]) == (
        "actor lost", "AccountSession mine", str(RUN), 1,
    )  # fmt: skip
    assert line["kind"] == "ActorDiedError"
    assert "died" in line["why"]


def test_a_database_that_goes_and_comes_is_logged(log, monkeypatch):
    monkeypatch.setattr("cluster.patience.FIRST_WAIT_SECONDS", 0)
    failures = [DatabaseUnreachable(url="db/paperdex", why="nothing listens there")] * 3

    def ask():
        if failures:
            raise failures.pop()

    Patience(lambda _: None)(ask)
    assert [line["message"] for line in log()] == ["database away", "database back"]


def test_what_is_left_running_is_logged_with_the_command_that_goes_on(log):
    with pytest.raises(LeftRunning), resumable("paperdex run --resume 0123"):
        raise DatabaseUnreachable(url="db/paperdex", why="nothing listens there")
    (line,) = log()
    assert (line["message"], line["goes_on_with"]) == ("left running", "paperdex run --resume 0123")


def test_a_session_that_fails_is_logged_once_with_its_id_and_account(log, house, monkeypatch):
    from actors.session import AccountSession

    advance = AccountSession.advance

    def fails(self, segment, changes, incarnation):
        if self._contexts[0].account.name == "plain" and segment.first_block >= 300:
            raise RuntimeError("it broke")
        return advance(self, segment, changes, incarnation)

    monkeypatch.setattr(AccountSession, "advance", fails)
    monkeypatch.setattr("cluster.watching.Exporter", Silent)
    plan = plan_of(busy_scenario(segment_blocks=100), None)
    lines = plan.lines(0xF00D)
    with run_watched(RUN, lines, lambda _: None) as observe:
        house().conduct(plan, observe)
    (line,) = log()
    assert line["message"] == "session failed"
    assert (line["account"], line["session"]) == ("plain", str(lines[1][0].session_id))
    assert "it broke" in line["why"]


class Silent:
    """An exporter that tells nobody."""

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def show(self, _progress):
        pass
