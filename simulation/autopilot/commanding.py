"""What an operator's command to reverse an adjustment comes to: a record like that of Auto Pilot's own reversals.

A session that is commanded is not reviewed: what was being judged stays UNKNOWN, and its twin goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulation.autopilot.guardrails import clamp
from simulation.autopilot.policy import Policy, Review, Verdict, arrays_of, review
from simulation.autopilot.records import ADJUSTMENT, BY_OPERATOR, COLUMNS, JUDGEMENT, Changes
from simulation.autopilot.reviewing import interrupt
from simulation.autopilot.triggers import Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.autopilot.reviewing import Shown

DANGEROUS = "Its old value is out of bounds, or would make a dangerous combination with the parameters as they are now."


class Reversal(NamedTuple):
    """A command to undo one adjustment."""

    command: int  # number among those of the run
    session: int  # ordinal in the run
    log: int  # entry of the session's log
    type: int
    parameter: int
    value: int  # before that adjustment, in the unit of the SESSION field


class Answer(NamedTuple):
    """What became of a command at a review."""

    command: int
    why_not: str
    """A sentence; nothing where it is carried out."""


def obeyed(
    shown: Review, policy: Policy, markets: NDArray[np.void], reversals: Sequence[Reversal]
) -> tuple[Verdict, list[Answer]]:
    """Return the verdict on sessions of which some are commanded, and what became of the commands.

    Of several commands for one session the first is answered, and none for a session that is not shown.
    """
    arrays = arrays_of(shown, policy, markets)
    rows = {session: row for row, session in enumerate(shown.ordinals.tolist())}
    first = {reversal.session: reversal for reversal in reversed(reversals) if reversal.session in rows}
    asked = sorted(first.values())
    answers = [Answer(one.command, _why_not(arrays, rows[one.session], one)) for one in asked]
    done = [one for one, answer in zip(asked, answers, strict=True) if not answer.why_not]
    is_left = ~np.isin(shown.ordinals, [one.session for one in done])
    left = Review(*(getattr(shown, part)[is_left] for part in Review.__slots__))
    verdict = review(left, Policy(policy.policies[is_left], policy.calendar, policy.knowledge), markets)
    commanded = [rows[one.session] for one in done]
    changes = Changes(
        np.concatenate([_interrupted(arrays, commanded), verdict.changes.judgements]),
        np.concatenate([*(_record(arrays, rows[one.session], one) for one in done), verdict.changes.adjustments]),
    )
    return Verdict(changes, verdict.refused), answers


def _why_not(arrays: Shown, row: int, reversal: Reversal) -> str:
    value, _ = clamp(arrays.sessions[row], arrays.policies[row], reversal.parameter, reversal.value)
    return "" if value == reversal.value else DANGEROUS


def _interrupted(arrays: Shown, rows: Sequence[int]) -> NDArray[np.void]:
    """Return the judgements of what was being judged of sessions that are commanded."""
    pending = [row for row in rows if arrays.tuning[row]["pending_log"] >= 0]
    judgements, metrics = np.zeros(len(pending), JUDGEMENT), np.zeros(len(Metric))
    for place, row in enumerate(pending):
        interrupt(arrays, row, metrics, judgements, place)
    return judgements


def _record(arrays: Shown, row: int, reversal: Reversal) -> NDArray[np.void]:
    session = arrays.sessions[row]
    market = arrays.markets[session["analyst"]]
    record = np.zeros(1, ADJUSTMENT)
    fields = {
        "session": reversal.session, "row": row, "block": session["next_block"], "trigger": BY_OPERATOR,
        "type": reversal.type, "parameter": reversal.parameter,
        "old": arrays.integers[row, COLUMNS[reversal.parameter]],
        "wanted": reversal.value, "new": reversal.value, "regime": market["regime"], "market": market,
        "confidence": arrays.confidence[reversal.type, market["regime"]], "reverses": reversal.log,
    }  # fmt: skip
    for name, value in fields.items():
        record[name] = value
    return record
