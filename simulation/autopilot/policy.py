"""From reviews to a verdict: arrays in, the compiled review, arrays out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from simulation.autopilot.guardrails import REFUSALS, Refusal
from simulation.autopilot.records import ADJUSTMENT, JUDGEMENT, Changes, integers_of
from simulation.autopilot.reviewing import Found, Shown, review_all
from simulation.autopilot.triggers import WINDOW, Metric, trigger_records

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.autopilot.guardrails import Calendar
    from simulation.autopilot.knowledge import Knowledge


_TABLES = trigger_records(), trigger_records(lambda trigger: trigger.evidence != WINDOW)


@lru_cache(maxsize=8)
def _taught(knowledge: Knowledge) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    return knowledge.confidence(), knowledge.speaks_against()


@lru_cache(maxsize=2)
def _room(n_sessions: int) -> Found:
    """Return where a review of so many sessions writes, which is copied before the next one."""
    return Found(
        np.zeros(len(Metric)),
        np.empty(n_sessions + 1, ADJUSTMENT),  # each record is written as a whole
        np.empty(n_sessions, JUDGEMENT),
        np.zeros(len(REFUSALS), np.int64),
    )


@dataclass(frozen=True, slots=True)
class Review:
    """What the sessions of a cohort show the Auto Pilot: records from which every figure follows."""

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
    arrays, found = arrays_of(shown, policy, markets), _room(len(shown.sessions))
    found.refusals[:] = 0
    n_adjustments, n_judgements = review_all(arrays, found)
    made = found.adjustments[:n_adjustments].copy()
    made["market"] = arrays.markets[arrays.sessions["analyst"][made["row"]]]
    return Verdict(Changes(found.judgements[:n_judgements].copy(), made), found.refusals.copy())


def arrays_of(shown: Review, policy: Policy, markets: NDArray[np.void]) -> Shown:
    """Return what compiled code reads."""
    sessions = np.ascontiguousarray(shown.sessions)
    return Shown(
        np.ascontiguousarray(shown.ordinals),
        sessions,
        integers_of(sessions),
        np.ascontiguousarray(shown.tuning),
        policy.policies,
        markets,
        *_TABLES,
        *_taught(policy.knowledge),
        policy.calendar.block_time_ms,
        policy.calendar.day_offset_ms,
    )
