"""Commands to pause, resume and stop: what is refused, what is accepted for which block, and what a check finds."""

from __future__ import annotations

import pytest

from simulation.cohort import set_field
from simulation.instructions import Instructed
from storage.batch import STOPPED_BY_COMMAND
from storage.errors import NothingSoCalled, SessionNotFound
from storage.records import Standing
from storage.steering import NotCommanded

STATES = "SELECT kind, status, block, status_reason FROM commands ORDER BY ordinal"


@pytest.fixture
def live(begin, store):
    """Begin a run whose sessions stand at block 300."""
    live = begin()
    store.commit(live.batches(300))
    return live


@pytest.fixture
def command(store, live):
    """Return a function that commands the run, or the session of an account."""

    def command(kind, account=None):
        return store.command(str(live.ids.run_id if account is None else live.ids.sessions[account]), kind)

    return command


@pytest.fixture
def take_up(store, live):
    """Return a function that takes up what is commanded before a block."""

    def take_up(block=300, standing=300, accounts=(0, 1, 2), conductor=1):
        living = {live.ids.sessions[account]: standing for account in accounts}
        return store.take_up_commands(live.ids.run_id, block, living, conductor)

    return take_up


def refused(command, *given):
    with pytest.raises(NotCommanded) as raised:
        command(*given)
    return str(raised.value)


@pytest.mark.parametrize("account", [None, 1])
@pytest.mark.parametrize(
    ("before", "kind", "why"),
    [
        ([], "RESUME", "is not resumed: no command has paused it."),
        (["PAUSE"], "PAUSE", "is not paused: command 0 of its run asks for that already."),
        (["STOP"], "PAUSE", "is not paused: command 0 of its run asks for its stop already."),
        (["STOP"], "STOP", "is not stopped: command 0 of its run asks for that already."),
        (["PAUSE", "RESUME"], "RESUME", "is not resumed: command 1 of its run asks for that already."),
    ],
)
def test_what_says_nothing_new_is_refused_in_a_sentence(command, account, before, kind, why):
    for earlier in before:
        command(earlier, account)
    said = refused(command, kind, account)
    assert said.endswith(why)
    assert said.startswith("Run " if account is None else "Session ")


@pytest.mark.parametrize(("kind", "done"), [("PAUSE", "paused"), ("STOP", "stopped")])
def test_what_has_been_done_is_not_done_again(command, take_up, kind, done):
    command(kind, 1)
    take_up()
    assert refused(command, kind, 1).endswith(f"is not {done}: command 0 of its run has {done} it.")


def test_only_what_goes_on_is_commanded(command, store, live):
    store.fail_session(live.ids.sessions[1], "It broke.")
    assert refused(command, "PAUSE", 1).endswith("is not paused: it has ended, ERROR.")
    store.finish_run(live.ids.run_id, "STOPPED", "Stopped by the user.")
    for account in (None, 0):
        assert "its run is STOPPED, and only one that is RUNNING can be commanded." in refused(command, "STOP", account)


def test_what_is_not_there_is_not_commanded(store, live):
    with pytest.raises(NothingSoCalled):
        store.command("nothing", "PAUSE")
    with pytest.raises(SessionNotFound):
        store.command(str(live.ids.sessions[0]).replace("abc", "abd"), "PAUSE")


def test_commands_are_accepted_with_their_block_in_the_order_in_which_they_were_given(
    command, store, live, take_up, sql
):
    for given in (("PAUSE", 0), ("STOP", 2), ("RESUME", 0), ("PAUSE",)):
        command(*given)
    assert store.asked_for(live.ids.run_id, 300) == {"PAUSE", "RESUME", "STOP"}
    for _ in range(2):  # whoever asks again before that block is told the same
        steered = take_up()
        assert steered.instructions == [(0, Instructed.PAUSE), (2, Instructed.STOP), (0, Instructed.RESUME)]
        assert steered.run == "PAUSE"
    assert sql(STATES) == [(kind, "ACCEPTED", 300, "") for kind in ("PAUSE", "STOP", "RESUME", "PAUSE")]
    assert store.asked_for(live.ids.run_id, 600) == set()
    assert take_up(block=600, standing=600) == ([], "")
    assert store.reopen_run(live.ids.run_id).cuts == (300,)


def test_a_command_waits_for_a_session_that_stands_beyond_and_is_refused_for_one_that_has_ended(command, take_up, sql):
    command("PAUSE", 0)
    assert take_up(standing=600).instructions == []
    assert sql(STATES) == [("PAUSE", "PENDING", None, "")]
    take_up(accounts=(1, 2))
    assert sql(STATES) == [("PAUSE", "REFUSED", None, "Its session had ended.")]


@pytest.mark.parametrize("kind", ["PAUSE", "STOP"])
def test_a_run_that_is_taken_up_by_the_user_goes_on(command, store, live, take_up, sql, kind):
    command(kind)
    assert take_up().run == kind
    command("STOP") if kind == "PAUSE" else None
    conductor = store.reopen_run(live.ids.run_id).conductor
    assert take_up(conductor=conductor).run == ""
    assert sql(STATES)[-1] == ("RESUME", "ACCEPTED", 300, "")
    pending = [row for row in sql(STATES) if row[1] == "REFUSED"]
    told = ("STOP", "REFUSED", None, "Its run was taken up again before it was.")
    assert pending == ([told] if kind == "PAUSE" else [])
    assert command("PAUSE").status == "PENDING"


@pytest.mark.parametrize("kind", ["PAUSE", "STOP"])
def test_a_run_that_nobody_asks_to_go_on_is_still_commanded_when_it_is_taken_up(command, store, live, take_up, kind):
    command(kind)
    take_up()
    conductor = store.reopen_run(live.ids.run_id, is_asked=False).conductor
    assert take_up(conductor=conductor).run == kind


def test_a_session_that_was_stopped_stays_so_when_its_run_is_taken_up_again(command, store, live, take_up, sql):
    command("STOP", 1)
    take_up()
    said = "UPDATE paper_trading_sessions SET status = 'STOPPED', status_reason = %s, stopped_at = last_activity"
    sql(f"{said} WHERE session_id = %s", STOPPED_BY_COMMAND.reason, str(live.ids.sessions[1]))
    store.finish_run(live.ids.run_id, "STOPPED", "Stopped by the user.")
    reopened = store.reopen_run(live.ids.run_id)
    standings = reopened.standings
    assert [standings[key] for key in live.ids.sessions] == [
        Standing(300, ""), Standing(300, "", is_stopped=True), Standing(300, ""),
    ]  # fmt: skip
    store.finish_run(live.ids.run_id, "COMPLETED", conductor=reopened.conductor)
    assert store.check() == []


def test_what_nobody_took_up_before_the_end_is_refused(command, store, live, sql):
    command("PAUSE", 0)
    command("STOP")
    store.finish_run(live.ids.run_id, "COMPLETED")
    assert {row[1:] for row in sql(STATES)} == {("REFUSED", None, "Its run ended before it was taken up.")}


def test_a_check_finds_commands_that_were_not_obeyed_and_stops_that_nobody_commanded(
    command, store, live, take_up, sql
):
    command("PAUSE", 0)
    command("STOP", 1)
    take_up()
    live.run()
    sql(
        "UPDATE paper_trading_sessions SET status = 'STOPPED', status_reason = %s WHERE session_id = %s",
        STOPPED_BY_COMMAND.reason, str(live.ids.sessions[2]),
    )  # fmt: skip
    found = [finding for finding in store.check(live.ids.run_id) if finding.table != "runs"]
    assert {(one.table, one.account, one.column) for one in found} == {
        ("commands", "trader 1", "block"),
        ("paper_trading_sessions", "trader 2", "status"),
        ("paper_trades", "trader 0", "decided_block"),
    }
    assert "no purchase while command 0 pauses its session" in str(
        next(one for one in found if one.table == "paper_trades")
    )


def test_a_check_finds_nothing_in_a_session_that_obeyed(command, store, live, take_up):
    command("PAUSE", 0)
    take_up()
    live.cohort = set_field(live.cohort, 0, "paused_by_operator", 1)
    store.commit(live.batches(300))
    command("RESUME", 0)
    take_up(block=600, standing=600)
    live.cohort = set_field(live.cohort, 0, "paused_by_operator", 0)
    live.run()
    assert store.check() == []


def test_a_session_says_who_has_paused_it(store, live, sql):
    live.cohort = set_field(set_field(live.cohort, 0, "paused", 1), 0, "paused_by_operator", 1)
    live.cohort = set_field(live.cohort, 1, "paused_by_operator", 1)
    store.commit(live.batches(100))
    said = sql("SELECT status, status_reason FROM paper_trading_sessions ORDER BY session_id")
    assert said[:2] == [
        ("PAUSED", "An operator and Auto Pilot have paused its buying; it holds and sells."),
        ("PAUSED", "An operator has paused its buying; it holds and sells."),
    ]


def test_an_operator_commands_and_sees_what_became_of_it(paperdex, url, live, take_up):
    session, where = str(live.ids.sessions[1]), ("--database-url", url)
    told = [paperdex(kind, session, *where) for kind in ("pause", "resume", "stop")]
    assert [status for status, _, _ in told] == [0, 0, 0]
    assert told[2][1].rstrip().endswith("stop the session of trader 1. The run takes it up at the end of its segment.")
    assert (
        paperdex("pause", "latest", *where)[1]
        .rstrip()
        .endswith("pause the run. The run takes it up at the end of its segment.")
    )
    assert paperdex("pause", session, *where)[::2] == (
        2,
        f"Session {session} is not paused: command 2 of its run asks for its stop already.\n",
    )
    take_up()
    shown = paperdex("show", "session", session, *where)[1]
    assert shown.count("It holds from block 300 on.") == 3
    assert "It was taken up before block 300." in paperdex("show", "run", "latest", *where)[1]
