"""The week: how much volatility each hour has, and when it is in a market."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from simulation.market import clock
from simulation.market.synthetic import SyntheticSource
from simulation.settings.gas import Gas
from simulation.settings.market import SyntheticMarket, Token

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
WETH = Token(symbol="WETH", name="Wrapped Ether", token_class="major", price_usd=3000, pools=({"liquidity_usd": 1e8},))


def volatility(week_ms: int) -> float:
    return float(clock.at_time(clock.week(), week_ms))


def test_the_mean_variance_of_a_week_is_one() -> None:
    times = np.arange(0, clock.MS_PER_WEEK, HOUR_MS // 20)
    assert np.mean([volatility(int(at)) ** 2 for at in times]) == pytest.approx(1.0, abs=1e-4)


def test_a_day_is_quiet_at_five_and_busy_at_fourteen() -> None:
    hours = [volatility(DAY_MS + at * HOUR_MS) for at in range(1, 24)]
    assert (1 + int(np.argmin(hours)), 1 + int(np.argmax(hours))) == (5, 14)
    assert max(hours) / min(hours) == pytest.approx(1.25 / 0.80)


def test_weekends_are_quieter() -> None:
    noons = [volatility(day * DAY_MS + DAY_MS // 2) for day in range(7)]
    assert noons[5] / noons[6] == pytest.approx(0.78 / 0.90)
    assert noons[:5] == pytest.approx([noons[0]] * 5)
    assert np.mean(noons) / noons[0] == pytest.approx(1 / 1.064, rel=1e-3)


def test_the_clock_goes_on_without_steps_and_without_an_end() -> None:
    minutes = np.array([volatility(at * 60_000) for at in range(-1440, 8 * 1440)])
    assert np.abs(np.diff(minutes)).max() < 0.005
    assert minutes[: 2 * 1440].tolist() == minutes[7 * 1440 : 9 * 1440].tolist()


@pytest.mark.parametrize(
    ("start_at", "offset"),
    [
        (datetime(2026, 1, 5, tzinfo=UTC), timedelta(0)),
        (datetime(2026, 1, 1, 14, 30, tzinfo=UTC), timedelta(days=3, hours=14, minutes=30)),
        (datetime(1965, 1, 3, 23, tzinfo=UTC), timedelta(days=6, hours=23)),
        (datetime(2026, 1, 5, 1, tzinfo=timezone(timedelta(hours=2))), timedelta(days=6, hours=23)),
    ],
    ids=["a Monday", "a Thursday", "a Sunday before 1970", "another time zone"],
)
def test_a_start_lies_in_its_week(start_at: datetime, offset: timedelta) -> None:
    assert clock.week_offset_ms(start_at) == offset // timedelta(milliseconds=1)


def test_a_market_keeps_the_hours() -> None:
    def shock(week_ms: int) -> float:
        source = SyntheticSource(SyntheticMarket(tokens=(WETH,)), Gas(), 1, 12_000, week_ms)
        return float(source.skip(source.begin(), 0, 1).noises["shock"][0])

    assert shock(14 * HOUR_MS) / shock(5 * HOUR_MS) == pytest.approx(1.25 / 0.80)
