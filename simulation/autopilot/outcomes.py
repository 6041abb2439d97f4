"""The outcome of an adjustment: a paired t-test of its session against its twin, made once."""

from __future__ import annotations

from enum import IntEnum
from math import sqrt

import numpy as np

from simulation.jit import compiled


class OutcomeKind(IntEnum):
    """What an adjustment came to."""

    PENDING = 0
    POSITIVE = 1
    NEUTRAL = 2
    NEGATIVE = 3
    UNKNOWN = 4


PERIODS_MIN, PERIODS_MAX = 6, 24
TRADES_ENOUGH, TRADES_MIN = 10, 3
"""It is judged after 6 review periods and 10 closed trades, and in any case after 24; then 3 trades must be there."""

NOISE = 1e-5
"""A mean difference of returns a review period within this (0.1 bp) is noise, however significant."""

T_975 = np.array([
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
])  # fmt: skip
"""0.975 quantiles of Student's t for 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook, 1.3.6.7.2)."""

_PENDING, _POSITIVE, _NEUTRAL = int(OutcomeKind.PENDING), int(OutcomeKind.POSITIVE), int(OutcomeKind.NEUTRAL)
_NEGATIVE, _UNKNOWN = int(OutcomeKind.NEGATIVE), int(OutcomeKind.UNKNOWN)


@compiled
def judge(count, mean, m2, closed_trades):
    """Return the OutcomeKind of paired differences of returns a review period.

    ``count``, ``mean`` and ``m2`` (sum of squared deviations) are of the differences session minus twin,
    ``closed_trades`` of the session since the adjustment. With t = mean / sqrt(m2 / (count - 1) / count), beyond the
    noise band |t| > T_975[count - 1] is POSITIVE or NEGATIVE, two-sided at 5 %.
    """
    is_due = count >= PERIODS_MIN and closed_trades >= TRADES_ENOUGH
    if not is_due and count < PERIODS_MAX:
        return _PENDING
    if closed_trades < TRADES_MIN:
        return _UNKNOWN
    if abs(mean) <= NOISE or abs(mean) <= T_975[min(count - 1, len(T_975)) - 1] * standard_error(count, m2):
        return _NEUTRAL
    return _POSITIVE if mean > 0 else _NEGATIVE


@compiled
def standard_error(count, m2):
    """Return the standard error of the mean of at least two differences."""
    return sqrt(m2 / (count - 1) / count)


@compiled
def compare(session, twin, tuning):
    """Add the difference of a session's and its twin's returns in the review period that has just ended, in place.

    Mean and sum of squared deviations are running ones (Welford, 1962).
    """
    tuning.pending_trades = max(session.closed_trades, twin.closed_trades) - tuning.pending_closed
    mine = _return(tuning.equity_micro_usd, session.equity_micro_usd)
    difference = mine - _return(tuning.twin_equity_micro_usd, twin.equity_micro_usd)
    delta = difference - tuning.difference_mean
    tuning.difference_count += 1
    tuning.difference_mean += delta / tuning.difference_count
    tuning.difference_m2 += delta * (difference - tuning.difference_mean)
    tuning.equity_micro_usd, tuning.twin_equity_micro_usd = session.equity_micro_usd, twin.equity_micro_usd


@compiled
def _return(before, after):
    return after / before - 1.0 if before > 0 else 0.0
