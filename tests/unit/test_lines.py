"""Progress off a terminal: lines at tenths of the work, and where a tenth takes long, each minute."""

from __future__ import annotations

from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

from cluster.facts import estimated
from cluster.lines import SECONDS_MAX, Lines
from cluster.sweeping.live import SweepView


def told(monkeypatch, lines, seconds_each, dones, total):
    """Return after which work there was a line, when each piece of it takes so many seconds."""
    clock = [0.0]
    monkeypatch.setattr("cluster.lines.time.monotonic", lambda: clock[0])
    made = lines()
    said = []
    for done in dones:
        clock[0] += seconds_each
        if made.is_due(done, total):
            said.append(done)
    return said


def test_a_line_is_said_at_each_tenth(monkeypatch):
    assert told(monkeypatch, lambda: Lines(0), 0.1, range(1, 101), 100) == [1, *range(10, 101, 10)]
    assert told(monkeypatch, lambda: Lines(1), 0.1, range(1, 101), 100) == [*range(10, 101, 10)]


def test_where_a_tenth_takes_long_a_line_is_said_each_minute(monkeypatch):
    every = SECONDS_MAX / 4
    assert told(monkeypatch, lambda: Lines(1), every, range(1, 13), 10**9) == [4, 8, 12]


def test_a_line_at_a_tenth_puts_off_the_next_minute(monkeypatch):
    assert told(monkeypatch, lambda: Lines(1), SECONDS_MAX / 2, [9, 10, 11, 12], 100) == [10, 12]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (104, "104 s"),
        (105, "some 2 minutes"),
        (6_299, "some 105 minutes"),
        (7_200, "some 2 hours"),
        (172_800, "some 2 days"),
        (40_000_000, "some 463 days"),
        (60_592_539, "some 2 years"),
        (1e12, "some 31,688 years"),
    ],
)
def test_an_estimate_is_told_in_the_largest_unit_of_which_there_are_nearly_two(seconds, said):
    assert estimated(seconds) == said


def test_a_sweep_says_in_words_how_long_it_still_takes(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("cluster.sweeping.live.time.monotonic", lambda: clock[0])
    monkeypatch.setattr(Lines, "is_due", lambda *_: True)
    console = Console(file=StringIO(), width=200)
    told = {"n_trials": 1_000_000, "skipped": 0, "failed": 0, "pruned": 0, "best": None, "restarts": 1}
    with SweepView(console) as view:
        for trials in (0, 60):
            clock[0] = float(trials)
            view.show(SimpleNamespace(trials=trials, session_blocks=6_000_000 * trials, **told))
    assert console.file.getvalue().splitlines()[1] == (
        "trial 60 of 1,000,000 · 1 trials/s · 6.0 million session-blocks/s · some 12 days left · 1 restart"
    )
