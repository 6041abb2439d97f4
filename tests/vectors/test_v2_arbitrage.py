"""Arbitrage to a reference price against Uniswap's published numbers, and the clamp that the simulated pools use for it."""

from __future__ import annotations

import json
from math import isqrt
from pathlib import Path

import numpy as np
import pytest
import twin_arithmetic as twin

from simulation import wei
from simulation.market import pools

VECTORS = json.loads((Path(__file__).parent / "data" / "v2_arbitrage.json").read_text())
FEE_BP, GAMMA = 30, 0.997


def profitable_input(price_a: int, price_b: int, reserve_a: int, reserve_b: int) -> tuple[bool, int]:
    """Return (whether A is sold, the input that earns most) at true prices (UniswapV2LiquidityMathLibrary)."""
    sells_a = reserve_a * price_b // reserve_b < price_a
    if not sells_a:
        price_a, price_b, reserve_a, reserve_b = price_b, price_a, reserve_b, reserve_a
    left = isqrt(reserve_a * reserve_b * 1_000 * price_a // (price_b * 997))
    return sells_a, max(left - reserve_a * 1_000 // 997, 0)


def swapped(amount: int, reserve_in: int, reserve_out: int) -> int:
    """Return what the pool gives, the same from the compiled code and from its twin."""
    if amount == 0:
        return 0
    limbs = [np.uint64(limb) for value in (amount, reserve_in, reserve_out) for limb in wei.split(value)]
    status, hi, lo = pools.amount_out(*limbs, FEE_BP)
    assert status == pools.SwapStatus.OK
    assert wei.join(hi, lo) == twin.amount_out(amount, reserve_in, reserve_out, FEE_BP)
    return wei.join(hi, lo)


def after(vector: dict[str, str]) -> tuple[bool, int, int, int, int]:
    """Return (whether A was sold, input, output, reserve of A after, reserve of B after)."""
    reserve_a, reserve_b = int(vector["reserve_a"]), int(vector["reserve_b"])
    prices = int(vector["true_price_token_a"]), int(vector["true_price_token_b"])
    sells_a, amount = profitable_input(*prices, reserve_a, reserve_b)
    if sells_a:
        out = swapped(amount, reserve_a, reserve_b)
        return sells_a, amount, out, reserve_a + amount, reserve_b - out
    out = swapped(amount, reserve_b, reserve_a)
    return sells_a, amount, out, reserve_a - out, reserve_b + amount


@pytest.mark.parametrize("vector", VECTORS["reserves_after_arbitrage"], ids=lambda vector: vector["true_price_token_b"])
def test_arbitrage_leaves_the_published_reserves(vector) -> None:
    assert after(vector)[3:] == (int(vector["reserve_a_after"]), int(vector["reserve_b_after"]))


@pytest.mark.parametrize("vector", VECTORS["swap_to_price"], ids=lambda vector: vector["true_price_token_b"])
def test_the_swap_to_a_price_is_the_published_one(vector) -> None:
    sells_a, amount, out, _, _ = after(vector)
    assert (sells_a, amount, out) == (vector["a_to_b"], int(vector["amount_in"]), int(vector["amount_out"]))


@pytest.mark.parametrize("vector", VECTORS["reserves_after_arbitrage"], ids=lambda vector: vector["true_price_token_b"])
def test_arbitrage_ends_at_the_fee_around_the_true_price_as_the_clamp_does(vector) -> None:
    """The contract keeps its fee in the reserves, which moves the price a little further, by about the fee's half."""
    before = int(vector["reserve_b"]) / int(vector["reserve_a"])
    true_price = int(vector["true_price_token_b"]) / int(vector["true_price_token_a"])
    clamped = min(max(before, GAMMA * true_price), true_price / GAMMA)
    _, _, _, reserve_a, reserve_b = after(vector)
    assert reserve_b / reserve_a == pytest.approx(clamped, rel=1 - GAMMA)


@pytest.mark.parametrize(
    "vector", VECTORS["liquidity_value_after_arbitrage"], ids=lambda vector: str(vector["true_price"])
)
def test_a_share_of_the_pool_is_worth_the_published_amounts_after_arbitrage(vector) -> None:
    first = VECTORS["liquidity_value"][0]
    price_a, price_b = vector["true_price"]
    _, _, _, reserve_a, reserve_b = after(
        {**first, "true_price_token_a": str(price_a), "true_price_token_b": str(price_b)}
    )
    shares, supply = int(vector["shares"]), int(first["total_supply"])
    assert (reserve_a * shares // supply, reserve_b * shares // supply) == (
        int(vector["amount_a"]), int(vector["amount_b"]),
    )  # fmt: skip
