"""From reviews to a verdict: arrays in, the compiled review, arrays out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulation.autopilot.guardrails import REFUSALS, Refusal
from simulation.autopilot.records import ADJUSTMENT, JUDGEMENT, Changes, integers_of
from simulation.autopilot.reviewing import Found, Shown, review_all
from simulation.autopilot.triggers import Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.autopilot.guardrails import Calendar
    from simulation.autopilot.knowledge import Knowledge


@dataclass(frozen=True, slots=True)
class Review:
    """What the sessions of a cohort show the Auto Pilot: records from which every figure follows.

    Each array is in one piece.
    """

    ordinals: NDArray[np.int64]  # of the sessions in the run
    numbers: NDArray[np.int64]  # of the sessions among those of their accounts
    sessions: NDArray[np.void]  # SESSION
    tuning: NDArray[np.void]  # TUNING


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a review came to: what is to be carried out, and how often each reason spoke against an adjustment."""

    changes: Changes
    refused: NDArray[np.int64]  # how many, by REFUSALS

    @property
    def refusals(self) -> dict[Refusal, int]:
        """Return how many were refused for each reason that there was."""
        return {refusal: int(count) for refusal, count in zip(REFUSALS, self.refused, strict=True) if count}


@dataclass(frozen=True, slots=True)
class Policy:
    """What a review is decided by besides the sessions themselves."""

    policies: NDArray[np.void]  # POLICY, one a session shown
    calendar: Calendar
    knowledge: Knowledge


def review(shown: Review, policy: Policy, markets: NDArray[np.void]) -> Verdict:
    """Return the verdict on sessions at the end of a segment; ``markets`` are MARKET, what each analyst sees there."""
    n_sessions = len(shown.sessions)
    found = Found(
        np.zeros(len(Metric)),
        np.empty(n_sessions + 1, ADJUSTMENT),  # each record is written as a whole, and most pages of memory never
        np.empty(n_sessions, JUDGEMENT),
        np.zeros(len(REFUSALS), np.int64),
    )
    n_adjustments, n_judgements = review_all(arrays_of(shown, policy, markets), found)
    return Verdict(Changes(found.judgements[:n_judgements], found.adjustments[:n_adjustments]), found.refusals)


def arrays_of(shown: Review, policy: Policy, markets: NDArray[np.void]) -> Shown:
    """Return what compiled code reads."""
    return Shown(
        shown.ordinals,
        shown.sessions,
        integers_of(shown.sessions),
        shown.tuning,
        policy.policies,
        markets,
        policy.knowledge.confidence,
        policy.knowledge.speaks_against,
        policy.calendar.block_time_ms,
        policy.calendar.day_offset_ms,
    )
