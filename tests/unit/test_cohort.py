"""A cohort may be cut, stacked, stored and drained anywhere: what its sessions do stays the same."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import msgpack
import numpy as np
import pytest
from hand_made import MICRO_USD, RULES, account, stage
from hand_made import cut as part_of
from random_market import random_account, random_stage

from simulation import cohort as cohorts
from simulation.cohort import Cohort, ForeignCheckpointError, Outcome
from simulation.market.segment import terms_of
from simulation.state import DECISION, MARK, TRADE
from simulation.trading.scene import COUNTS, Journal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hand_made import Stage
    from numpy.typing import NDArray

    from simulation.market.segment import Segment
    from simulation.trading.rules import Rules

N_BLOCKS = 60
BUSY = RULES._replace(review_blocks=7, block_time_ms=400_000, day_offset_ms=86_400_000 - 10_000_000)
LUCK = Random(20)
MARKET = random_stage(LUCK, N_BLOCKS, 2)
TOKENS = terms_of(MARKET.infos)
ACCOUNTS = [random_account(LUCK, f"{row}", ["T0", "T1"]) for row in range(14)]
EVERYONE = range(len(ACCOUNTS))


def begun(ordinals: Sequence[int] = EVERYONE, rules: Rules = BUSY) -> Cohort:
    """Return the state of some of the sessions before block 0."""
    return cohorts.begin([ACCOUNTS[ordinal] for ordinal in ordinals], ordinals, MARKET.infos, rules)


def blocks(first: int, end: int) -> Segment:
    """Return some blocks of the market as a segment of their own."""
    return part_of(MARKET.segment, first, end)


def played(cohort: Cohort, cuts: Sequence[int] = (), rules: Rules = BUSY) -> tuple[Cohort, list[Outcome]]:
    """Step a cohort through the market in segments that end at ``cuts``; each time from a stored state."""
    outcomes = []
    borders = [0, *cuts, N_BLOCKS]
    for first, end in pairwise(borders):
        restored = Cohort.from_bytes(cohort.to_bytes())
        cohort, outcome = cohorts.advance(restored, blocks(first, end), TOKENS, rules)
        outcomes.append(outcome)
    return cohort, outcomes


def digests(cohort: Cohort, outcomes: list[Outcome]) -> dict[int, str]:
    """Return the digest of each session: its state, and all that it wrote in the order it was written."""
    found = {}
    for row, session in enumerate(cohort.sessions):
        digest = sha256(session.tobytes() + cohort.holdings[row].tobytes())
        for outcome in outcomes:
            for kind, ordinal in (("trades", "trade"), ("decisions", "decision"), ("marks", "mark")):
                digest.update(own_rows(getattr(outcome, kind), row, ordinal).tobytes())
        found[int(session["stream"])] = digest.hexdigest()
    return found


def own_rows(rows: NDArray[np.void], session: int, ordinal: str) -> NDArray[np.void]:
    """Return the rows of one session in the order of their ordinals, without its place in the cohort."""
    own = rows[rows["session"] == session]
    assert np.all(np.diff(own[ordinal]) > 0) or ordinal == "trade"
    ordered: NDArray[np.void] = own[np.argsort(own[ordinal])]
    ordered["session"] = 0
    return ordered


def joined(outcomes: list[Outcome]) -> list[Outcome]:
    """Return several segments' rows as if they had been one segment's."""
    return [
        Outcome(*(np.concatenate([getattr(o, kind) for o in outcomes]) for kind in ("trades", "decisions", "marks")))
    ]


@pytest.fixture(scope="module")
def reference() -> dict[int, str]:
    """The digests of all sessions, stepped together in one segment."""
    return digests(*played(begun()))


def test_the_market_of_these_tests_is_a_busy_one() -> None:
    _, (outcome,) = played(begun())
    assert len(outcome.trades) > 80
    assert len(outcome.decisions) > 500
    assert len(np.unique(outcome.trades["session"])) > 7


@pytest.mark.parametrize("width", [1, 2, 7])
def test_the_width_of_cohorts_changes_nothing(width: int, reference: dict[int, str]) -> None:
    found: dict[int, str] = {}
    for first in range(0, len(ACCOUNTS), width):
        found |= digests(*played(begun(range(first, first + width))))
    assert found == reference


def test_the_order_of_sessions_in_a_cohort_changes_nothing(reference: dict[int, str]) -> None:
    assert digests(*played(begun(EVERYONE[::-1]))) == reference


def test_a_checkpoint_at_any_block_changes_nothing(reference: dict[int, str]) -> None:
    for cut in range(1, N_BLOCKS):
        cohort, outcomes = played(begun(), [cut])
        assert digests(cohort, joined(outcomes)) == reference, f"cut before block {cut}"


def test_segments_of_a_single_block_change_nothing(reference: dict[int, str]) -> None:
    cohort, outcomes = played(begun(), range(1, N_BLOCKS))
    assert digests(cohort, joined(outcomes)) == reference


def test_a_journal_that_fills_in_every_block_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, reference: dict[int, str]
) -> None:
    stops = []
    drained = cohorts._drained

    def tiny(cohort: Cohort, _n_blocks: int, _rules: Rules) -> Journal:
        n_tokens = cohort.holdings.shape[1]
        trades, decisions, marks = np.zeros(n_tokens, TRADE), np.zeros(2 * n_tokens, DECISION), np.zeros(1, MARK)
        return Journal(trades, decisions, marks, np.zeros(1, COUNTS))

    def counted(journal: Journal) -> Outcome:
        stops.append(journal)
        return drained(journal)

    monkeypatch.setattr("simulation.cohort.journal_for", tiny)
    monkeypatch.setattr("simulation.cohort._drained", counted)
    assert digests(*played(begun())) == reference
    assert len(stops) > N_BLOCKS


def test_what_is_recorded_changes_only_what_is_written() -> None:
    ends = {}
    for name, (trades, decisions) in {"none": (False, False), "trades": (True, False), "all": (True, True)}.items():
        rules = BUSY._replace(write_trades=trades, write_decisions=decisions)
        cohort, (outcome,) = played(begun(), rules=rules)
        ends[name] = outcome
        assert cohort.to_bytes() == played(begun())[0].to_bytes()
        assert (len(outcome.trades) > 0, len(outcome.decisions) > 0) == (trades, decisions)
    assert ends["trades"].trades.tobytes() == ends["all"].trades.tobytes()
    assert ends["none"].marks.tobytes() == ends["trades"].marks.tobytes() == ends["all"].marks.tobytes()


def test_another_seed_gives_another_digest(reference: dict[int, str]) -> None:
    other = digests(*played(begun(), rules=BUSY._replace(seed=np.uint64(8))))
    assert sum(other[ordinal] != reference[ordinal] for ordinal in EVERYONE) > 7


def test_two_sessions_with_equal_accounts_have_luck_of_their_own() -> None:
    accounts = [account(f"{row}", trading={"base_slippage_percent": 5}) for row in range(2)]
    made = stage(10)
    made.signal(8_000, slice(None))
    first, second = made.run(*accounts).trades
    assert first["quote_lo"] == second["quote_lo"]
    assert first["out_lo"] != second["out_lo"]


def test_advancing_leaves_the_cohort_it_was_given_as_it_was() -> None:
    before = begun()
    bytes_before = before.to_bytes()
    cohorts.advance(before, blocks(0, N_BLOCKS), TOKENS, BUSY)
    assert before.to_bytes() == bytes_before


def test_a_checkpoint_of_another_layout_is_refused() -> None:
    _, *rest = msgpack.unpackb(begun().to_bytes())
    with pytest.raises(ForeignCheckpointError, match="another layout"):
        Cohort.from_bytes(msgpack.packb(["older", *rest]))


def test_a_session_begins_with_its_balance_and_nothing_else() -> None:
    cohort = cohorts.begin([account(balance_usd=123)], [5], MARKET.infos, RULES)
    session = cohort.sessions[0]
    for field in ("initial", "cash", "equity", "peak_equity", "mark_equity"):
        assert session[f"{field}_micro_usd"] == 123 * MICRO_USD
    assert session["stream"] == 5
    assert cohort.holdings["position"].tolist() == [[-1, -1]]


def test_changing_the_stop_of_a_session_moves_the_stops_of_its_positions() -> None:
    made = stage(6)
    made.signal(8_000, slice(0, 1))
    before = made.run(account()).cohort
    after = cohorts.set_field(before, 0, "stop_loss_bp", 200)
    assert before.holdings["stop_micro_usd"].tolist() == [[475 * MICRO_USD]]
    assert after.holdings["stop_micro_usd"].tolist() == [[490 * MICRO_USD]]


def test_a_session_listens_to_its_own_analyst_and_to_no_other() -> None:
    made = heard_by(stage(10), n_analysts=2)
    made.signal(8_000, slice(None), analyst=1)
    cohort = cohorts.begin([account("deaf"), account("keen")], [0, 1], made.infos, RULES, [0, 1])
    _, outcome = cohorts.advance(cohort, made.segment, terms_of(made.infos), RULES)
    assert set(outcome.trades["session"].tolist()) == {1}


def heard_by(made: Stage, n_analysts: int) -> Stage:
    """Return a stage on which so many analysts say what the only one said."""
    signals = np.repeat(made.segment.signals, n_analysts, axis=0)
    return replace(made, segment=replace(made.segment, signals=signals))
