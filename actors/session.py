"""An account session: holds the state of its cohort in memory and trades it through one segment at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from actors.warming import compile_sessions, settle
from simulation import cohort as cohorts
from simulation.autopilot.carrying import carry_out
from simulation.autopilot.guardrails import Calendar
from simulation.autopilot.policy import Review
from simulation.autopilot.records import Changes
from simulation.instructions import stopped_rows
from simulation.market.segment import terms_of
from simulation.succession import NOTHING_BEFORE, Totals, withdraw_orders
from storage.batch import GOES_ON, STOPPED_BY_COMMAND, SessionEnd
from storage.errors import StaleOwner
from storage.rows import batch_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.market.segment import Segment
    from simulation.trading.rules import Rules
    from storage.batch import Batch
    from storage.context import SessionContext


@dataclass(frozen=True, slots=True)
class Owner:
    """By what right an actor writes for a session: its incarnation, and the number of its last committed batch."""

    incarnation: int
    seq: int = 0
    state: bytes | None = None
    """The checkpoint to go on from; None at the start of a run."""
    before: Totals = NOTHING_BEFORE
    """What earlier sessions of the account came to."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the conductor sees of a session after a segment: a few numbers for the live view."""

    session: int  # ordinal in the run
    seq: int
    next_block: int
    equity_micro_usd: int
    cash_micro_usd: int
    open_positions: int
    completed_trades: int  # of all sessions of the account, as are failed_trades
    failed_trades: int
    decisions: int
    number: int = 0  # of the session among those of its account
    error_message: str = ""
    """Why the session has ended in ERROR; nothing while it lives."""
    is_stopped: bool = False
    """Whether an operator has stopped it."""

    @property
    def has_ended(self) -> bool:
        """Whether it trades no more, and its account neither."""
        return self.is_stopped or self.error_message != ""


class AccountSession:
    """The sessions of one cohort: one in a live run, thousands in a sweep."""

    def __init__(self, contexts: Sequence[SessionContext], owners: Sequence[Owner], rules: Rules) -> None:
        compile_sessions()
        self._rules = rules
        self._calendar = Calendar(rules.block_time_ms, rules.day_offset_ms)
        self._terms = terms_of(contexts[0].tokens)
        self._incarnations: list[int] = []
        self.restore(contexts, owners)
        settle()

    def restore(self, contexts: Sequence[SessionContext], owners: Sequence[Owner]) -> None:
        """Go on from what is committed, for later owners; whoever called before has died and is refused from now on."""
        if owners[0].incarnation < max(self._incarnations, default=0):
            raise self._stale(owners[0].incarnation)
        self._contexts = list(contexts)
        self._incarnations = [owner.incarnation for owner in owners]
        self._seqs = [owner.seq for owner in owners]
        self._before = [owner.before for owner in owners]
        self._cohort = _restored(self._contexts, owners, self._rules)

    def __repr__(self) -> str:
        first = self._contexts[0]
        others = f" and {len(self._contexts) - 1} more" if len(self._contexts) > 1 else ""
        return f"AccountSession({first.account.name}, {first.account.strategy.name}{others})"

    def advance(
        self, segment: Segment, changes: Changes, incarnation: int | None = None
    ) -> tuple[list[Receipt], list[Batch], Review]:
        """Apply what a verdict and operators change in this cohort, then trade it to the end of the segment.

        A session that is to stop leaves the cohort before the segment, and its orders are taken back. One whose analyst
        fails in the segment is traded up to the block before and ends there, in ERROR: its positions stay open and its
        orders on their way, as when a run ends. One whose account goes on with another session at the end of the
        segment is COMPLETED, and its orders are taken back. The last batch of each says so; it is not shown for review,
        and yields nothing in later segments. Where the caller says whose owner it is, an earlier one is refused.
        """
        if incarnation is not None and incarnation not in self._incarnations:
            raise self._stale(incarnation)
        applied = self._own(changes)
        self._cohort = carry_out(self._cohort, applied, self._calendar)
        stopped = self._stop(applied, segment)
        applied = self._own(changes)
        self._cohort, outcome = cohorts.advance(self._cohort, segment, self._terms, self._rules)
        rows = [row for row in range(len(self._contexts)) if not self._has_ended(row, segment)]
        ends = {row: self._end(row, segment) for row in rows}
        batches = [self._batch(row, segment, self._last(row, outcome, ends[row]), applied, ends[row]) for row in rows]
        receipts = [self._receipt(row, ends[row]) for row in rows]
        told, last = [receipt for receipt, _ in stopped], [batch for _, batch in stopped]
        return told + receipts, last + batches, self._shown([row for row in rows if ends[row] is None])

    def _stop(self, applied: Changes, segment: Segment) -> list[tuple[Receipt, Batch]]:
        """Let go of the sessions that are to stop before the segment; return their receipts and last batches."""
        rows, stopped = stopped_rows(applied.instructions), []
        for row in sorted(rows):
            self._cohort, outcome = withdraw_orders(self._cohort, row, cohorts.NOTHING_HAPPENED, self._rules)
            nothing = segment.until(segment.first_block)
            batch = self._batch(row, nothing, outcome, applied, STOPPED_BY_COMMAND)
            stopped.append((self._receipt(row, STOPPED_BY_COMMAND), batch))
        if rows:
            self._keep([row for row in range(len(self._contexts)) if row not in rows])
        return stopped

    def _keep(self, rows: list[int]) -> None:
        self._cohort = self._cohort.some(np.array(rows, np.intp))
        self._contexts = [self._contexts[row] for row in rows]
        self._incarnations = [self._incarnations[row] for row in rows]
        self._seqs = [self._seqs[row] for row in rows]
        self._before = [self._before[row] for row in rows]

    def _stale(self, incarnation: int) -> StaleOwner:
        stored = max(self._incarnations, default=0)
        return StaleOwner(session_id=self._contexts[0].session_id, stored=stored, given=incarnation)

    def standing(self) -> tuple[list[Receipt], list[Batch], Review]:
        """Return what ``advance`` did for the segment up to where the cohort stands, but for batches.

        Those have been committed, by an owner before this one. The review follows from the checkpoints alone.
        """
        rows = range(len(self._contexts))
        goes_on = [self._contexts[row].until_block != int(self._cohort.sessions[row]["next_block"]) for row in rows]
        return [self._receipt(row, None) for row in rows], [], self._shown([row for row in rows if goes_on[row]])

    def _shown(self, rows: list[int]) -> Review:
        return Review(
            np.array([self._contexts[row].session for row in rows], np.int64),
            np.array([self._contexts[row].number for row in rows], np.int64),
            self._cohort.sessions[rows],
            self._cohort.tuning[rows],
        )

    def _has_ended(self, row: int, segment: Segment) -> bool:
        """Tell whether a session's last batch belongs to an earlier segment."""
        context = self._contexts[row]
        failed = segment.breakdown(context.analyst)
        has_failed = failed is not None and max(failed.block, context.from_block) < segment.first_block
        return has_failed or (context.until_block is not None and context.until_block <= segment.first_block)

    def _end(self, row: int, segment: Segment) -> SessionEnd | None:
        """Return how a session ends in this segment, None where it goes on."""
        context = self._contexts[row]
        failed = segment.breakdown(context.analyst)
        if failed is not None:
            return SessionEnd("ERROR", str(failed))
        if context.until_block == segment.end_block:
            return GOES_ON
        return None

    def _last(self, row: int, outcome: cohorts.Outcome, end: SessionEnd | None) -> cohorts.Outcome:
        """Return what happened, the orders taken back where the account goes on with its next session."""
        if end is None or end.status != "COMPLETED":
            return outcome
        self._cohort, outcome = withdraw_orders(self._cohort, row, outcome, self._rules)
        return outcome

    def _own(self, changes: Changes) -> Changes:
        """Return those of the changes that are of this cohort's sessions, with the rows that these have here."""
        if not any(map(len, changes)):
            return Changes(*(records.copy() for records in changes))
        rows = {context.session: row for row, context in enumerate(self._contexts)}

        def own(records: NDArray[np.void]) -> NDArray[np.void]:
            mine = records[np.isin(records["session"], list(rows))]
            mine["row"] = [rows[session] for session in mine["session"].tolist()]
            return mine

        return Changes(*(own(records) for records in changes))

    def _batch(
        self,
        row: int,
        segment: Segment,
        outcome: cohorts.Outcome,
        applied: Changes,
        end: SessionEnd | None,
    ) -> Batch:
        self._seqs[row] += 1
        one = self._cohort.one(row)
        return batch_of(
            self._contexts[row],
            incarnation=self._incarnations[row],
            seq=self._seqs[row],
            session=one.sessions[0],
            holdings=one.holdings[0],
            trades=outcome.trades[outcome.trades["session"] == row],
            decisions=outcome.decisions[outcome.decisions["session"] == row],
            marks=outcome.marks[outcome.marks["session"] == row],
            adjustments=applied.adjustments[applied.adjustments["row"] == row],
            judgements=applied.judgements[applied.judgements["row"] == row],
            tuning=one.tuning[0],
            segment=segment.until(int(self._cohort.sessions[row]["next_block"])),
            state=one.to_bytes(),
            end=end,
            before=self._before[row],
        )

    def _receipt(self, row: int, end: SessionEnd | None) -> Receipt:
        context, session = self._contexts[row], self._cohort.sessions[row]
        error_message = end.reason if end is not None and end.status == "ERROR" else ""
        receipt = _receipt(context, session, self._seqs[row], self._before[row], error_message)
        return replace(receipt, is_stopped=end is STOPPED_BY_COMMAND)


def receipt_of(context: SessionContext, owner: Owner, rules: Rules) -> Receipt:
    """Return what is to be seen of a session before it is traded any further."""
    return _receipt(context, _cohort_of(context, owner, rules).sessions[0], owner.seq, owner.before)


def _receipt(context: SessionContext, session: np.void, seq: int, before: Totals, error_message: str = "") -> Receipt:
    totals = before.plus(Totals.of(session))
    return Receipt(
        session=context.session,
        seq=seq,
        next_block=int(session["next_block"]),
        equity_micro_usd=int(session["equity_micro_usd"]),
        cash_micro_usd=int(session["cash_micro_usd"]),
        open_positions=int(session["open_positions"]),
        completed_trades=totals.completed_trades,
        failed_trades=totals.failed_trades,
        decisions=int(session["next_decision"]),
        number=context.number,
        error_message=error_message,
    )


def _restored(contexts: Sequence[SessionContext], owners: Sequence[Owner], rules: Rules) -> cohorts.Cohort:
    """Return the cohort from the owners' checkpoints, begun anew where there is none."""
    return cohorts.joined([_cohort_of(context, owner, rules) for context, owner in zip(contexts, owners, strict=True)])


def _cohort_of(context: SessionContext, owner: Owner, rules: Rules) -> cohorts.Cohort:
    if owner.state is None:
        return cohorts.begin([context.account], [context.session], context.tokens, rules, [context.analyst])
    return cohorts.Cohort.from_bytes(owner.state)
