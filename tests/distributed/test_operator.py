"""A run that is commanded while it goes on, by real processes of which one dies: a function of the command and its block."""

from __future__ import annotations

import os
import signal
from contextlib import closing, suppress

import pytest
import ray
from busy import busy_scenario
from questions import questions
from watcher import Watcher

from storage.commands import NotReversed
from storage.store import Store

COMMANDED = busy_scenario(blocks=3_600)


class Operator(Watcher):
    """Reverses an adjustment as soon as one is stored that can be, and kills its session once that is accepted."""

    def __init__(self, url):
        super().__init__()
        self._url, self.accepted = url, None

    def show(self, _progress):
        if self.accepted is None:
            with questions(self._url) as sql:
                self._command(sql)

    def _command(self, sql):
        accepted = sql("SELECT arguments ->> 'log_id', block FROM commands WHERE status = 'ACCEPTED'")
        if accepted:
            (self.accepted,) = accepted
            actor = ray.get_actor("AccountSession tuned")
            os.kill(ray.get(actor.__ray_call__.remote(lambda _actor: os.getpid())), signal.SIGKILL)
        elif not sql("SELECT FROM commands WHERE status = 'PENDING'"):
            for (log,) in sql("SELECT log_id::text FROM autopilot_logs ORDER BY ordinal DESC LIMIT 1"):
                with closing(Store(self._url)) as store, suppress(NotReversed):
                    store.reverse_adjustment(log)


class Foreseen(Watcher):
    """Writes the same command, accepted for the same block, into another run before it comes there."""

    def __init__(self, url, accepted):
        super().__init__()
        self._url, self._log, self._block, self._is_done = url, *accepted, False

    def show(self, progress):
        if self._is_done:
            return
        assert progress.block < self._block
        with questions(self._url) as sql:
            ((run, session),) = sql(
                "SELECT run_id::text, session_id::text FROM paper_trading_sessions "
                "JOIN paper_trading_accounts AS accounts USING (account_id) JOIN runs USING (run_id) "
                "WHERE runs.status = 'RUNNING' AND accounts.ordinal = 0"
            )
            sql(
                "INSERT INTO commands (command_id, run_id, session_id, ordinal, kind, arguments, status, block) VALUES "
                "(gen_random_uuid(), %s, %s, 0, 'REVERSE_ADJUSTMENT', jsonb_build_object('log_id', %s), 'ACCEPTED', %s)",
                run, session, run[:13] + self._log[13:], self._block,
            )  # fmt: skip
        self._is_done = True


@pytest.mark.slow  # commands and deaths meet in test_life_cycle.py
def test_a_commanded_run_is_the_same_whoever_dies_and_whenever_it_was_told(run, url):
    operator = Operator(url)
    killed = run(COMMANDED, operator)
    again = run(COMMANDED, Foreseen(url, operator.accepted))
    assert killed.digest == again.digest
    with questions(url) as sql:
        rows = sql("SELECT block FROM autopilot_logs WHERE trigger_metric = 'operator'")
    assert rows == [(operator.accepted[1],)] * 2
    with closing(Store(url)) as store:
        assert store.check() == []
