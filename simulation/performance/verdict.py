"""Whether luck is a sufficient explanation for the best trial of a sweep."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulation.performance.sharpe import expected_maximum, min_track_record_length, probability_above

if TYPE_CHECKING:
    from simulation.performance.moments import Moments

CONFIDENCE = 0.95
"""From this deflated Sharpe ratio on, luck is no longer sufficient."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said of a trial that was the best of many. Sharpe ratios are those of a period."""

    length: int
    """Returns in the track record, T."""
    sharpe: float
    n_trials: int
    """Trials looked at, by the rule of ``trials``."""
    n_effective: float
    """The independent ones among them, which deflate."""
    psr: float
    """Probability that the true Sharpe ratio is above zero, were it the only trial."""
    sr0: float
    """The Sharpe ratio to expect of the best of so many trials without skill."""
    dsr: float
    """Probability that the true Sharpe ratio is above ``sr0``: the deflated Sharpe ratio."""
    min_track_record_length: float | None
    """Returns needed for a Sharpe ratio above zero at the confidence; None where none are enough, it not being so."""
    long_enough: bool
    """Whether the track record has that length."""
    luck_is_sufficient: bool
    """Whether the deflated Sharpe ratio is below the confidence."""


def judge(
    track: Moments,
    variance_of_sharpes: float,
    n_trials: int,
    n_effective: float | None = None,
    confidence: float = CONFIDENCE,
) -> Verdict:
    """Return the verdict on the best trial, from the moments of its returns of each period.

    ``variance_of_sharpes`` is that (ddof 1) of the Sharpe ratios per period of all trials looked at, by the rule of
    ``trials``, not only of those kept; ``n_effective`` the independent ones among ``n_trials``, by default all.
    A track record that never moves has the probability 0.0 and luck as its explanation.
    """
    assert n_trials >= 1, "the best was looked at"
    n_effective = float(n_trials) if n_effective is None else n_effective
    sr0 = expected_maximum(variance_of_sharpes, n_effective)
    dsr = probability_above(track, sr0)
    needed = min_track_record_length(track.sharpe, 0.0, track.skewness, track.kurtosis, confidence)
    return Verdict(
        length=track.length,
        sharpe=track.sharpe,
        n_trials=n_trials,
        n_effective=n_effective,
        psr=probability_above(track, 0.0),
        sr0=sr0,
        dsr=dsr,
        min_track_record_length=None if math.isinf(needed) else needed,
        long_enough=track.length >= needed,
        luck_is_sufficient=dsr < confidence,
    )


def in_words(verdict: Verdict) -> str:
    """Return the verdict as sentences for a reader: what luck explains, and whether the track record is long enough."""
    answer = "Luck is a sufficient explanation" if verdict.luck_is_sufficient else "Luck is no sufficient explanation"
    chance = f"the deflated Sharpe ratio is {verdict.dsr:.4f}"
    trials = "trial" if verdict.n_trials == 1 else "trials"
    return f"{answer}: {chance}, the best of {verdict.n_trials:,} {trials}. {_length_in_words(verdict)}"


def _length_in_words(verdict: Verdict) -> str:
    has = f"the track record has {verdict.length:,}"
    if verdict.min_track_record_length is None:
        return f"No track record is long enough for a Sharpe ratio that is not above zero; {has} returns."
    needed = math.ceil(verdict.min_track_record_length)
    return f"It takes {needed:,} returns to show a Sharpe ratio above zero; {has}."
