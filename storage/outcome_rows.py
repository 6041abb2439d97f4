"""What the Auto Pilot's adjustments came to, as rows and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.autopilot.outcomes import PERIODS_MAX, OutcomeKind
from simulation.autopilot.words import judgement_of
from storage.row_types import OutcomeRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from simulation.autopilot.words import Judgement
    from storage.context import SessionContext

_BP = 1e4

_MEANS = {
    OutcomeKind.POSITIVE: "it helped",
    OutcomeKind.NEGATIVE: "it did harm and is undone",
    OutcomeKind.NEUTRAL: "that is no more than chance or noise",
}


def outcome_rows(context: SessionContext, judgements: NDArray[np.void]) -> Iterator[OutcomeRow]:
    """Yield what is filled into the log of the session at a review, from its JUDGEMENT records."""
    for judgement in map(judgement_of, judgements):
        assert judgement.session == context.session
        yield OutcomeRow(
            log_id=context.log_key(judgement.log_ordinal),
            outcome=judgement.outcome.name,
            outcome_evaluated_at=context.clock.at(judgement.block),
            outcome_notes=in_words(judgement),
            trades_since_adjustment=judgement.trades,
            performance_after={**judgement.performance_after, **_comparison(judgement)},
        )


def _comparison(judgement: Judgement) -> dict[str, float]:
    """Return the figures of session and twin that decide, returns being those of a review period."""
    return {
        "periods": judgement.periods,
        "mean_return_difference_bp": _BP * judgement.mean_difference,
        "standard_error_bp": _BP * judgement.standard_error,
    }


def in_words(judgement: Judgement) -> str:
    """Return how an adjustment was judged, as a sentence."""
    seen = f"{_counted(judgement.periods, 'review period')} and {_counted(judgement.trades, 'closed trade')}"
    if judgement.by_operator:
        return f"An operator's reversal ended the comparison with its twin after {seen}."
    if judgement.outcome is OutcomeKind.UNKNOWN:
        if judgement.periods < PERIODS_MAX:
            return f"A reaction for safety ended the comparison with its twin after {seen}."
        return f"In {seen} too little happened to judge it."
    mean_bp, error_bp = _BP * judgement.mean_difference, _BP * judgement.standard_error
    side = "below" if mean_bp < 0 else "above"
    return (
        f"Over {seen} the session's return was {abs(mean_bp):.2f} bp a period {side} that of its twin without it, with "
        f"a standard error of {error_bp:.2f} bp: {_MEANS[judgement.outcome]}."
    )


def why_off(session: np.void, tuning: np.void | None) -> str:
    """Return why Auto Pilot has switched itself off, as a sentence; nothing where it has not."""
    if tuning is None or not tuning["disabled"]:
        return ""
    failures, block = int(tuning["failures"]), int(session["last_adjustment_block"])
    judged = f"{failures} adjustments in a row were" if failures > 1 else "an adjustment was"
    return f"Auto Pilot switched itself off at block {block:,}: {judged} judged NEGATIVE."


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
