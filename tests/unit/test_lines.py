"""Progress off a terminal: lines at tenths of the work, and where a tenth takes long, each minute."""

from __future__ import annotations

from cluster.lines import SECONDS_MAX, Lines


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
