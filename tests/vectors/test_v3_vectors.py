"""Concentrated liquidity against the published numbers of Uniswap V3, compiled and in Python integers."""

from __future__ import annotations

import json
from pathlib import Path

import concentrated_calls as compiled
import pytest
import twin_concentrated as twin

DATA = Path(__file__).parent / "data"
MAKERS = {"compiled": compiled, "twin": twin}
TICKS = json.loads((DATA / "v3_tickmath.json").read_text())
PRICES = json.loads((DATA / "v3_sqrtpricemath.json").read_text())["vectors"]
STEPS = json.loads((DATA / "v3_swapmath_compute_swap_step.json").read_text())["vectors"]
STEP_FIELDS = ("sqrt_price_x96", "sqrt_price_target_x96", "liquidity", "amount_remaining", "fee_pips")
STEP_RESULTS = ("sqrt_price_next_x96", "amount_in", "amount_out", "fee_amount")

both = pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)


def call(maker, vector):
    """Call the function that a vector names with its arguments in their order."""
    arguments = [int(value) for name, value in vector.items() if name not in ("fn", "result")]
    return getattr(maker, vector["fn"])(*arguments)


@both
@pytest.mark.parametrize("vector", TICKS["get_sqrt_ratio_at_tick"], ids=str)
def test_a_tick_has_the_published_sqrt_price(maker, vector):
    assert maker.get_sqrt_ratio_at_tick(vector["tick"]) == int(vector["sqrt_price_x96"])


@both
@pytest.mark.parametrize("vector", TICKS["get_tick_at_sqrt_ratio"], ids=str)
def test_a_sqrt_price_has_the_published_tick(maker, vector):
    assert maker.get_tick_at_sqrt_ratio(int(vector["sqrt_price_x96"])) == vector["tick"]


@both
@pytest.mark.parametrize("vector", TICKS["reverts"], ids=str)
def test_a_tick_or_price_out_of_range_is_refused(maker, vector):
    with pytest.raises(twin.RevertError):
        call(maker, vector)


@both
@pytest.mark.parametrize("vector", [vector for vector in PRICES if vector["result"] is not None], ids=str)
def test_prices_and_amounts_are_the_published_ones(maker, vector):
    assert call(maker, vector) == int(vector["result"])


@both
@pytest.mark.parametrize("vector", [vector for vector in PRICES if vector["result"] is None], ids=str)
def test_a_price_move_that_reverts_is_refused(maker, vector):
    with pytest.raises(twin.RevertError):
        call(maker, vector)


@both
@pytest.mark.parametrize("vector", STEPS, ids=lambda vector: vector["name"])
def test_a_step_comes_to_the_published_amounts(maker, vector):
    step = maker.compute_swap_step(*(int(vector[field]) for field in STEP_FIELDS))
    assert step == tuple(int(vector[field]) for field in STEP_RESULTS)
