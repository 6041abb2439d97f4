"""The trading modes: what each sets where a scenario is silent, and what it leaves alone."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.settings.strategy import MODE_PRESETS, Strategy, TradingMode

LIMITS = (
    "max_position_size_percent",
    "stop_loss_percent",
    "take_profit_percent",
    "max_daily_trades",
    "max_concurrent_positions",
    "max_slippage_percent",
    "confidence_threshold",
)
TABLE = {
    TradingMode.CONSERVATIVE: (3, 3, 6, 8, 3, Decimal("0.5"), 70),
    TradingMode.MODERATE: (5, 5, 10, 20, 5, 1, 60),
    TradingMode.AGGRESSIVE: (12, 8, 20, 60, 8, 3, 50),
    TradingMode.CUSTOM: (5, 5, 10, 20, 5, 1, 60),
}
"""By mode, the limits in the order of ``LIMITS``; CUSTOM begins from the defaults."""

SET = [(mode, name) for mode, preset in MODE_PRESETS.items() for name in preset]


@pytest.mark.parametrize("mode", TradingMode)
def test_a_mode_sets_the_limits_of_the_table(mode: TradingMode) -> None:
    strategy = Strategy(trading_mode=mode)
    assert tuple(getattr(strategy, name) for name in LIMITS) == TABLE[mode]


def test_the_table_holds_every_limit_that_a_mode_sets() -> None:
    assert {name for _, name in SET} == set(LIMITS)


@pytest.mark.parametrize("mode", TradingMode)
def test_a_mode_changes_nothing_but_its_limits(mode: TradingMode) -> None:
    untouched = Strategy().model_dump(exclude={"trading_mode", *MODE_PRESETS[mode]})
    assert Strategy(trading_mode=mode).model_dump(include=set(untouched)) == untouched


@pytest.mark.parametrize(("mode", "name"), SET)
def test_a_field_that_is_given_wins_over_its_mode(mode: TradingMode, name: str) -> None:
    strategy = Strategy.model_validate({"trading_mode": mode, name: 2})
    assert getattr(strategy, name) == 2
    others = set(LIMITS) - {name}
    assert strategy.model_dump(include=others) == Strategy(trading_mode=mode).model_dump(include=others)


@pytest.mark.parametrize("mode", TradingMode)
def test_a_default_that_is_given_wins_over_the_mode_too(mode: TradingMode) -> None:
    defaults = Strategy().model_dump(include=set(LIMITS))
    assert Strategy(trading_mode=mode, **defaults).model_dump(include=set(LIMITS)) == defaults


@pytest.mark.parametrize("mode", TradingMode)
def test_a_mode_may_be_named_in_text_as_files_do(mode: TradingMode) -> None:
    assert Strategy.model_validate({"trading_mode": mode.value}) == Strategy(trading_mode=mode)


@pytest.mark.parametrize("mode", TradingMode)
def test_a_mode_leaves_room_for_auto_pilot(mode: TradingMode) -> None:
    assert Strategy(trading_mode=mode, autopilot_enabled=True).trading_mode is mode


@pytest.mark.parametrize("name", LIMITS)
def test_modes_go_from_careful_to_daring_in_every_limit(name: str) -> None:
    ascending = [TradingMode.CONSERVATIVE, TradingMode.MODERATE, TradingMode.AGGRESSIVE]
    values = [getattr(Strategy(trading_mode=mode), name) for mode in ascending]
    if name == "confidence_threshold":
        values.reverse()
    assert all(low < high for low, high in pairwise(values))


@given(st.fixed_dictionaries({name: st.integers(1, 10) for name in LIMITS}))
def test_custom_takes_every_field_as_given(fields: dict[str, int]) -> None:
    strategy = Strategy.model_validate({"trading_mode": "CUSTOM", **fields})
    assert {name: getattr(strategy, name) for name in fields} == fields


@pytest.mark.parametrize("mode", TradingMode)
def test_a_strategy_that_was_written_down_is_read_back_as_it_was(mode: TradingMode) -> None:
    strategy = Strategy(trading_mode=mode, max_daily_trades=7)
    assert Strategy.model_validate(strategy.model_dump(mode="json")) == strategy
