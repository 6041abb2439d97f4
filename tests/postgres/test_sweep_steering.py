"""Commands to sweeps: what is refused, what is taken up and by whom, and what an operator sees of it."""

from __future__ import annotations

import pytest
from sweep_samples import SWEEP, Trials, sweep_of

from storage.errors import StaleSweep, SweepHasEnded
from storage.steering import NotCommanded

STATES = "SELECT kind, status, block, status_reason FROM commands ORDER BY ordinal"
ACCEPTED, PENDING = ("ACCEPTED", None, ""), ("PENDING", None, "")


@pytest.fixture
def sweep(store):
    """Begin a sweep of which nothing is traded yet."""
    detail = Trials(sweep_of(), None).sweep_detail()
    store.begin_sweep(SWEEP, "exits", detail.spec, detail.spec_hash, detail.markets, detail.points)
    return str(SWEEP)


@pytest.fixture
def command(store, sweep):
    """Return a function that commands the sweep."""
    return lambda kind: store.command(sweep, kind)


@pytest.fixture
def take_up(store):
    """Return a function that takes up what the sweep is commanded."""
    return lambda conductor=1: store.take_up_commands_of_sweep(SWEEP, conductor)


@pytest.mark.parametrize("name", ["exits", "latest-sweep", str(SWEEP)[:8]])
def test_a_sweep_is_commanded_by_whatever_it_goes_by(store, sweep, name):
    command = store.command(name, "PAUSE")
    assert (str(command.sweep_id), command.session_id, command.kind, command.status) == (
        sweep,
        None,
        "PAUSE",
        "PENDING",
    )


def test_commands_are_taken_up_in_their_order_and_the_latest_holds(command, take_up, sql):
    assert take_up() == ""
    for given, holds in (("PAUSE", "PAUSE"), ("RESUME", ""), ("PAUSE", "PAUSE"), ("STOP", "STOP")):
        command(given)
        assert [take_up(), take_up()] == [holds, holds]
    assert sql(STATES) == [(kind, *ACCEPTED) for kind in ("PAUSE", "RESUME", "PAUSE", "STOP")]


def test_of_two_commands_between_two_cohorts_both_are_taken_up_and_the_later_holds(command, take_up, sql):
    command("PAUSE")
    command("RESUME")
    assert take_up() == ""
    assert sql(STATES) == [("PAUSE", *ACCEPTED), ("RESUME", *ACCEPTED)]


@pytest.mark.parametrize(
    ("before", "kind", "why"),
    [
        ([], "RESUME", "is not resumed: no command has paused it."),
        (["PAUSE"], "PAUSE", "is not paused: command 0 of its sweep asks for that already."),
        (["STOP"], "RESUME", "is not resumed: command 0 of its sweep asks for its stop already."),
    ],
)
def test_what_says_nothing_new_is_refused_in_a_sentence(paperdex, url, sweep, command, before, kind, why):
    for earlier in before:
        command(earlier)
    status, stdout, stderr = paperdex(kind.lower(), sweep, "--database-url", url)
    assert (status, stdout, stderr) == (2, "", f"Sweep {sweep} {why}\n")


@pytest.mark.parametrize("ended", ["COMPLETED", "STOPPED", "ERROR"])
def test_only_a_sweep_that_goes_on_is_commanded(store, command, ended):
    store.finish_sweep(SWEEP, 1, ended)
    with pytest.raises(NotCommanded, match=f"its sweep is {ended}, and only one that is RUNNING can be commanded"):
        command("STOP")


def test_what_nobody_took_up_before_the_end_is_refused(store, command, sql):
    command("STOP")
    store.finish_sweep(SWEEP, 1, "COMPLETED")
    assert sql(STATES) == [("STOP", "REFUSED", None, "Its sweep ended before it was taken up.")]
    with pytest.raises(SweepHasEnded):
        store.reopen_sweep(SWEEP)


@pytest.mark.parametrize("kind", ["PAUSE", "STOP"])
def test_a_sweep_that_is_taken_up_by_the_user_goes_on(store, command, take_up, sql, kind):
    command(kind)
    assert take_up() == kind
    command("STOP") if kind == "PAUSE" else None
    conductor = store.reopen_sweep(SWEEP)
    assert take_up(conductor) == ""
    assert sql(STATES)[-1] == ("RESUME", *ACCEPTED)
    told = ("STOP", "REFUSED", None, "Its sweep was taken up again before it was.")
    assert [row for row in sql(STATES) if row[1] == "REFUSED"] == ([told] if kind == "PAUSE" else [])
    assert command("PAUSE").status == "PENDING"


@pytest.mark.parametrize("is_heard", [True, False])
def test_a_sweep_that_nobody_asks_to_go_on_is_still_commanded_when_it_is_taken_up(store, command, take_up, is_heard):
    command("STOP")
    if is_heard:
        take_up()
    assert take_up(store.reopen_sweep(SWEEP, is_asked=False)) == "STOP"


def test_a_conductor_that_has_been_replaced_takes_nothing_up(store, command, take_up, sql):
    store.reopen_sweep(SWEEP)
    command("PAUSE")
    with pytest.raises(StaleSweep):
        take_up(1)
    assert sql(STATES) == [("PAUSE", *PENDING)]


def test_an_operator_commands_and_sees_what_became_of_it(paperdex, url, sweep, take_up):
    where = ("--database-url", url)
    status, stdout, _ = paperdex("pause", "exits", *where)
    assert status == 0
    assert stdout.rstrip().endswith("pause the sweep. The sweep takes it up before its next cohort.")
    take_up()
    assert paperdex("resume", sweep, *where)[0] == 0
    shown = paperdex("show", "sweep", "exits", *where)[1].splitlines()
    assert [line.rpartition(": ")[2] for line in shown[-2:]] == [
        "pause the sweep. It was taken up.",
        "resume the sweep. The sweep takes it up before its next cohort.",
    ]
