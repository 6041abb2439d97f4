"""The week of a market: how much of its volatility an hour has.

Ether's hours, 2019 to 2025: volatility is 0.80 of its mean at 05:00 UTC and 1.25 at 14:00, when America opens; 0.78 on
Saturdays and 0.90 on Sundays (market model, section 4.1). Between these the day is two smooth halves of a cosine, and
between two days, and between two hours, volatility goes over in a straight line.

What is unrealistic: the clock knows no holidays, no summer time and no calendar of announcements.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simulation.jit import compiled

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

MS_PER_HOUR = 3_600_000
HOURS_PER_DAY = 24
HOURS_PER_WEEK = 7 * HOURS_PER_DAY
MS_PER_WEEK = HOURS_PER_WEEK * MS_PER_HOUR

QUIET_HOUR, QUIET = 5, 0.80
BUSY_HOUR, BUSY = 14, 1.25

DAYS = (1.064, 1.064, 1.064, 1.064, 1.064, 0.78, 0.90)
"""Of the mean, Monday first; working days share what the weekend leaves."""


def week() -> NDArray[np.float64]:
    """Return the volatility at each full hour of the week, from Monday 00:00 UTC, shape ``(169,)``.

    The last is the first again. The mean of the squares over the week, taken along the straight lines between the
    hours, is 1: the clock moves volatility about and adds none.
    """
    hours = [_of_day(at % HOURS_PER_DAY) * _of_week(at) for at in range(HOURS_PER_WEEK)]
    table = np.array([*hours, hours[0]])
    before, after = table[:-1], table[1:]
    mean_square = float((before * before + before * after + after * after).mean()) / 3.0
    return table / math.sqrt(mean_square)


def week_offset_ms(start_at: datetime) -> int:
    """Return how long after a Monday 00:00 UTC ``start_at`` is."""
    days_to_monday = 4  # 1970-01-01 was a Thursday
    since_epoch_ms = round(start_at.timestamp() * 1000)
    return (since_epoch_ms - days_to_monday * HOURS_PER_DAY * MS_PER_HOUR) % MS_PER_WEEK


@compiled
def at_time(table, week_ms):
    """Return the volatility at ``week_ms`` after a Monday 00:00 UTC; any integer, before it too."""
    hour, past_ms = divmod(week_ms % MS_PER_WEEK, MS_PER_HOUR)
    return table[hour] + (table[hour + 1] - table[hour]) * (past_ms / MS_PER_HOUR)


def _of_day(hour: int) -> float:
    """Return the volatility of an hour: one half of a cosine up to the busy hour, a longer one down again."""
    since_quiet = (hour - QUIET_HOUR) % HOURS_PER_DAY
    rise = BUSY_HOUR - QUIET_HOUR
    progress = since_quiet / rise if since_quiet <= rise else (HOURS_PER_DAY - since_quiet) / (HOURS_PER_DAY - rise)
    return QUIET + (BUSY - QUIET) * 0.5 * (1.0 - math.cos(math.pi * progress))


def _of_week(hour: int) -> float:
    """Return the volatility of a day; midnight stands between its two days."""
    day, hour_of_day = divmod(hour, HOURS_PER_DAY)
    return DAYS[day] if hour_of_day else 0.5 * (DAYS[day] + DAYS[day - 1])
