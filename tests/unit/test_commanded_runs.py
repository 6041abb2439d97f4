"""Sessions and runs that operators pause, resume and stop: what is commanded is part of what a run is, when is not."""

from __future__ import annotations

import signal
from dataclasses import replace
from functools import cache
from itertools import count

import pytest
from busy import busy_scenario
from house import PREFIX, House, resume

from cluster import operator
from cluster.conductor import COMPLETED, STOPPED
from cluster.endings import gracefully
from cluster.plan import plan_of
from cluster.start import beginning
from simulation.choices import Side
from simulation.cohort import Cohort
from simulation.settings.strategy import TradingConfig

TUNED, PLAIN, SMART = range(3)
PAUSED_AT, STOPPED_AT, RESUMED_AT = 250, 450, 850
COMMANDS = {PAUSED_AT: ("PAUSE", TUNED), STOPPED_AT: ("STOP", PLAIN), RESUMED_AT: ("RESUME", TUNED)}


@cache
def plan(segment_blocks):
    """Return the plan of the busy scenario, in which the orders of one account are long on their way."""
    tuned, plain, smart = busy_scenario().accounts
    plain = plain.model_copy(update={"trading": TradingConfig(execution_delay_ms=300_000)})
    return plan_of(busy_scenario(segment_blocks=segment_blocks, accounts=(tuned, plain, smart)), None)


def key_of(account):
    return plan(50).lines(PREFIX)[account][0].session_id


def commanded(house, segment_blocks=50):
    """Conduct a run whose operator acts as soon as it has come to the blocks before those of the commands."""

    def observe(progress):
        for block, command in COMMANDS.items():
            if progress.block == block - segment_blocks:
                house.ledger.command(*command)

    house.conduct(plan(segment_blocks), observe)
    return house


@cache
def whole():
    """Return what such a run comes to."""
    with pytest.MonkeyPatch.context() as patch:
        return commanded(House(patch)).ledger


def foreseen(house, segment_blocks):
    """Conduct a run in which the same has been accepted before it begins."""
    for block, command in COMMANDS.items():
        house.ledger.command(*command, block)
    house.conduct(plan(segment_blocks), start=replace(beginning(plan(segment_blocks)), cuts=tuple(COMMANDS)))
    return house.ledger


def states(ledger):
    """Return where each session ended."""
    return {key: (stored[-1].next_block, stored[-1].state) for key, stored in ledger.batches.items()}


def session(ledger, account, block):
    """Return the record of a session as it stood before a block."""
    (batch,) = [one for one in ledger.batches[key_of(account)] if one.next_block == block]
    return Cohort.from_bytes(batch.state).sessions[0], batch


def buys(ledger, account):
    """Return the blocks in which orders of a session were decided that are no sales."""
    blocks = set()
    for batch in ledger.batches[key_of(account)]:
        for line in batch.rows.get("paper_trades", b"").decode().splitlines():
            columns = line.split("\t")
            if Side.BUY.name.lower() in columns:
                blocks.add(int(columns[7]))
    return blocks


def test_a_paused_session_buys_nothing_until_it_is_resumed_and_the_others_trade_on():
    ledger = whole()
    assert [ledger.commands[at][2] for at in range(3)] == list(COMMANDS)
    bought = buys(ledger, TUNED)
    assert not [block for block in bought if PAUSED_AT <= block < RESUMED_AT]
    assert min(bought) < PAUSED_AT
    assert max(bought) >= RESUMED_AT
    paused, batch = session(ledger, TUNED, PAUSED_AT + 50)
    assert (paused["paused_by_operator"], paused["paused"]) == (1, 0)
    assert b"PAUSED\t" in batch.rows["paper_trading_sessions"]
    assert session(ledger, TUNED, 1_200)[0]["paused_by_operator"] == 0


def test_a_stopped_session_takes_its_orders_back_and_holds_what_it_holds():
    ledger = whole()
    last = ledger.batches[key_of(PLAIN)][-1]
    before = Cohort.from_bytes(ledger.batches[key_of(PLAIN)][-2].state)
    after = Cohort.from_bytes(last.state)
    assert last.next_block == STOPPED_AT
    assert ledger.stored(key_of(PLAIN), "status") == "STOPPED"
    assert before.sessions[0]["orders_in_flight"] > 0
    withdrawn = last.rows["paper_trades"].decode().splitlines()
    assert len(withdrawn) == before.sessions[0]["orders_in_flight"]
    assert all("SESSION_ENDED" in row and f"\t{STOPPED_AT - 1}\t" in row for row in withdrawn)
    assert after.sessions[0]["orders_in_flight"] == 0
    assert (after.holdings["quantity_lo"] == before.holdings["quantity_lo"]).all()
    assert session(ledger, SMART, 1_200)[1].next_block == 1_200


@pytest.mark.parametrize("segment_blocks", [70, 300])
def test_commands_are_cut_at_their_blocks_whatever_the_segments(house, segment_blocks):
    assert states(foreseen(house(), segment_blocks)) == states(whole())


@pytest.mark.parametrize("kind", ["tuned", "plain"])
@pytest.mark.parametrize("fate", ["before", "after"])
def test_a_session_that_dies_when_it_is_commanded_is_commanded_again(house, kind, fate):
    calls = {"tuned": PAUSED_AT, "plain": STOPPED_AT}[kind] // 50
    run = commanded(house(**{kind: [None] * calls + [fate]}))
    assert run.spawned.count(kind) == 2
    assert run.ledger.content() == whole().content()


@pytest.mark.parametrize("counts", [[5, 5, 5], [5, 9, 7], [9, 9, 9], [6, 10, 24], [17, 10, 20]])
def test_a_run_that_is_taken_up_again_finds_what_was_commanded(house, counts):
    run = house()
    run.ledger = whole().up_to(counts)
    resume(run, plan(50))
    assert run.ledger.content() == whole().content()


def test_what_is_commanded_of_a_session_that_stands_beyond_waits_until_the_run_is_there(house):
    with pytest.MonkeyPatch.context() as patch:
        ledger = House(patch)
        ledger.conduct(plan(50))
    run = house()
    run.ledger = ledger.ledger.up_to([4, 8, 4])
    run.ledger.command("STOP", PLAIN)
    resume(run, plan(50))
    assert run.ledger.commands == [["STOP", PLAIN, 400]]
    assert run.ledger.stored(key_of(PLAIN), "status") == "STOPPED"


def test_a_run_in_which_every_session_is_stopped_is_completed(house):
    run = house()
    run.conduct(plan(300), lambda _: [run.ledger.command("STOP", account) for account in range(3)])
    assert run.ending == COMPLETED
    assert {stored[-1].next_block for stored in run.ledger.batches.values()} == {600}


@pytest.fixture
def at_once(monkeypatch):
    """Let a run that is paused ask again without waiting."""
    monkeypatch.setattr(operator, "POLL_SECONDS", 0)


@cache
def undisturbed():
    with pytest.MonkeyPatch.context() as patch:
        house = House(patch)
        house.conduct(plan(100))
        return house.ledger.content()


@pytest.mark.usefixtures("at_once")
def test_a_paused_run_stands_still_with_everything_durable_until_it_is_resumed(house):
    run, said, paused = house(), [], []

    def observe(progress):
        paused.append((progress.block, progress.is_paused, progress.writer_lag_segments == 0))
        if progress.block == 300:
            run.ledger.command("PAUSE")

    def say(text):
        said.append(text)
        assert {stored[-1].next_block for stored in run.ledger.batches.values()} == {400}
        run.ledger.command("RESUME")

    run.say = say
    run.conduct(plan(100), observe)
    (sentence,) = said
    assert sentence.startswith("Paused before block 400; `paperdex resume ")
    assert [one for one in paused if one[0] == 400][-2:] == [(400, True, True), (400, False, True)]
    assert sum(is_paused for _, is_paused, _ in paused) == 1
    assert run.ledger.content() == undisturbed()


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("first", [["STOP"], ["PAUSE", "STOP"], ["PAUSE", "RESUME", "STOP"]], ids=", ".join)
def test_a_stopped_run_is_the_beginning_of_the_undisturbed_one(house, first):
    run = house()

    def observe(progress):
        if progress.block == 300:
            for kind in first:
                run.ledger.command(kind)

    run.conduct(plan(100), observe)
    assert run.ending == STOPPED
    assert {stored[-1].next_block for stored in run.ledger.batches.values()} == {400}
    assert {id(actor) for actor in run.actors} == {id(actor) for actor in run.discarded}
    again = house()
    again.ledger = run.ledger
    again.ledger.commands = []
    resume(again, plan(100))
    assert (again.ending, again.ledger.content()) == (COMPLETED, undisturbed())


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(("commands", "blocks"), [([], [100, 200, 300]), (["PAUSE"], [100, 200])])
def test_a_run_whose_process_is_asked_to_end_stops_after_its_segment(house, commands, blocks):
    run, seen, asked = house(), [], count(1)

    def observe(progress):
        seen.append(progress.block)
        for kind in commands:
            run.ledger.command(kind)

    run.is_interrupted = lambda: next(asked) >= 3
    run.conduct(plan(100), observe)
    assert (run.ending, list(dict.fromkeys(seen))) == (STOPPED, blocks)


@pytest.mark.usefixtures("interruptible")
def test_a_process_is_asked_once_and_interrupted_when_it_is_asked_again(capfd):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    answers = []
    with pytest.raises(KeyboardInterrupt):
        _asked_twice(answers)
    assert answers == [False, True]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert capfd.readouterr().err == "\nStopping after this segment; asked once more, at once.\n"


@pytest.fixture
def interruptible():
    """Answer SIGINT as Python does, also where the tests run in the background of a shell, which has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _asked_twice(answers):
    with gracefully("this segment") as is_asked:
        answers.append(is_asked())
        signal.raise_signal(signal.SIGINT)
        answers.append(is_asked())
        signal.raise_signal(signal.SIGINT)
