"""Gas of swaps: the published floors, the spread, the largest value, and a slow twin."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import twin_arithmetic
from hypothesis import given
from hypothesis import strategies as st

from simulation.market.swap_gas import (
    SwapKind,
    early_failure_gas,
    max_swap_gas,
    revert_gas,
    swap_gas,
)
from simulation.rng import BELL_DEVIATION, BELL_MAX, bell

PUBLISHED = json.loads((Path(__file__).parents[1] / "vectors" / "data" / "gas_used.json").read_text())

kinds = st.sampled_from(list(SwapKind))
words = st.integers(0, 2**64 - 1)
hops = st.integers(1, 4)


def published(group: str, what: str) -> int:
    return next(entry["gas"] for entry in PUBLISHED[group] if entry["what"] == what)


def draws(n_hops: int, kind: SwapKind) -> np.ndarray:
    luck = np.random.default_rng(1).integers(0, 2**64, 20_000, np.uint64)
    return np.array([swap_gas(n_hops, int(kind), word) for word in luck])


@given(words)
def test_a_bell_is_the_slow_twin(word: int) -> None:
    assert bell(np.uint64(word)) == twin_arithmetic.bell(word)
    assert abs(bell(np.uint64(word))) <= BELL_MAX


def test_a_bell_is_nearly_normal() -> None:
    luck = np.random.default_rng(2).integers(0, 2**64, 50_000, np.uint64)
    values = np.array([bell(word) for word in luck]) / BELL_DEVIATION
    assert math.isclose(values.std(), 1, rel_tol=0.01)
    assert abs(values.mean()) < 0.015
    assert 0.66 < (abs(values) < 1).mean() < 0.70
    assert 0.94 < (abs(values) < 1.96).mean() < 0.96


@given(hops, kinds, words)
def test_the_gas_of_a_swap_is_the_slow_twin_and_has_a_largest_value(n_hops: int, kind: SwapKind, word: int) -> None:
    used = swap_gas(n_hops, int(kind), np.uint64(word))
    assert used == twin_arithmetic.swap_gas(n_hops, kind, word)
    assert used <= max_swap_gas(n_hops, int(kind))


@given(hops, kinds)
def test_the_largest_value_is_reached(n_hops: int, kind: SwapKind) -> None:
    assert swap_gas(n_hops, int(kind), np.uint64(2**64 - 1)) == max_swap_gas(n_hops, int(kind))


FLOORS = {
    "a V2 swap": (1, SwapKind.UNISWAP_V2, "v2", "router02 swapExactTokensForTokens 1 hop"),
    "a Sushiswap swap": (1, SwapKind.SUSHISWAP, "v2", "router02 swapExactTokensForTokens 1 hop"),
    "a V3 swap": (1, SwapKind.UNISWAP_V3, "v3_router", "#exactInputSingle 0 -> 1"),
    "a V3 swap of two hops": (2, SwapKind.UNISWAP_V3, "v3_router", "#exactInput 0 -> 1 -> 2"),
}


@pytest.mark.parametrize(("n_hops", "kind", "group", "what"), FLOORS.values(), ids=FLOORS)
def test_no_swap_uses_less_than_test_networks_measured(n_hops: int, kind: SwapKind, group: str, what: str) -> None:
    assert swap_gas(n_hops, int(kind), np.uint64(0)) == published(group, what)


@pytest.mark.parametrize("kind", list(SwapKind))
def test_swaps_scatter_around_mainnets_figures(kind: SwapKind) -> None:
    mean, deviation, _, _ = twin_arithmetic.SWAP_GAS[kind]
    used = draws(1, kind)
    assert used.mean() == pytest.approx(mean, rel=0.01)
    assert used.std() == pytest.approx(deviation, rel=0.05)


def test_a_further_hop_costs_80_000() -> None:
    assert draws(2, SwapKind.UNISWAP_V3).mean() - draws(1, SwapKind.UNISWAP_V3).mean() == pytest.approx(
        80_000, rel=0.01
    )


@given(st.integers(21_000, 10**7), words)
def test_a_revert_is_the_slow_twin_and_uses_40_to_75_percent(gas_used: int, word: int) -> None:
    used = revert_gas(gas_used, np.uint64(word))
    assert used == gas_used * (4_000 + twin_arithmetic.below(word, 3_501)) // 10_000
    assert 0.4 * gas_used - 1 < used <= 0.75 * gas_used


@given(words)
def test_a_failure_before_the_pool_is_the_slow_twin_and_uses_25_to_45_thousand(word: int) -> None:
    used = early_failure_gas(np.uint64(word))
    assert used == 25_000 + twin_arithmetic.below(word, 20_001)
    assert 25_000 <= used <= 45_000
