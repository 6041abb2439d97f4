"""EIP-1559's rule against published vectors and against a twin in plain Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.market.gas import next_base_fee, next_base_fee_for_target

VECTORS = json.loads((Path(__file__).parent / "data" / "eip1559_base_fee.json").read_text())["vectors"]


def slow_base_fee(base_fee_wei: int, gas_used: int, gas_target: int, denominator: int) -> int:
    """The rule as EIP-1559 states it, in integers of any width."""
    if gas_used == gas_target:
        return base_fee_wei
    if gas_used > gas_target:
        return base_fee_wei + max(base_fee_wei * (gas_used - gas_target) // gas_target // denominator, 1)
    return base_fee_wei - base_fee_wei * (gas_target - gas_used) // gas_target // denominator


def vector_target(vector: dict[str, int]) -> int:
    return vector.get("parent_gas_target", vector["parent_gas_limit"] // vector["elasticity"])


def test_there_are_103_vectors() -> None:
    assert len(VECTORS) == 103


@pytest.mark.parametrize("rule", [next_base_fee_for_target, slow_base_fee], ids=["compiled", "slow twin"])
def test_the_rule_gives_the_published_base_fees(rule) -> None:
    for vector in VECTORS:
        got = rule(vector["parent_base_fee"], vector["parent_gas_used"], vector_target(vector), vector["denominator"])
        assert got == vector["expected_base_fee"], vector


def test_the_target_is_the_gas_limit_over_the_elasticity() -> None:
    for vector in VECTORS:
        if "parent_gas_target" not in vector:
            arguments = (vector[name] for name in ("parent_base_fee", "parent_gas_used", "parent_gas_limit"))
            assert next_base_fee(*arguments, vector["elasticity"], vector["denominator"]) == vector["expected_base_fee"]


@given(
    base_fee_wei=st.integers(0, 10**15),
    gas_used=st.integers(0, 10**10),
    gas_limit=st.integers(10**6, 10**10),
    elasticity=st.integers(1, 10),
    denominator=st.integers(2, 1000),
)
def test_the_compiled_rule_is_the_slow_twin_where_products_pass_64_bits(
    base_fee_wei: int, gas_used: int, gas_limit: int, elasticity: int, denominator: int
) -> None:
    gas_used = min(gas_used, gas_limit)
    expected = slow_base_fee(base_fee_wei, gas_used, gas_limit // elasticity, denominator)
    assert next_base_fee(base_fee_wei, gas_used, gas_limit, elasticity, denominator) == expected
