"""Constant product pools against the published numbers of Uniswap V2, compiled and in Python integers."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import twin_arithmetic as twin

from simulation import wei
from simulation.market import pools

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS = json.loads((Path(__file__).parent / "data" / "v2_amounts.json").read_text())
FEE_BP = 30


def compiled_result(function: Callable[..., tuple[int, int, int]], amounts: list[int], *fee_bp: int) -> int:
    """Call a compiled pool function; a refusal is raised as the twin raises it."""
    limbs = [np.uint64(limb) for amount in amounts for limb in wei.split(amount)]
    status, hi, lo = function(*limbs, *fee_bp)
    if status != pools.SwapStatus.OK:
        raise twin.SwapRefusedError(pools.SwapStatus(status).name)
    return wei.join(hi, lo)


def compiled_amount_out(*amounts: int) -> int:
    return compiled_result(pools.amount_out, list(amounts), FEE_BP)


def compiled_amount_in(*amounts: int) -> int:
    return compiled_result(pools.amount_in, list(amounts), FEE_BP)


def compiled_quote(*amounts: int) -> int:
    return compiled_result(pools.quote, list(amounts))


def twin_amount_out(*amounts: int) -> int:
    return partial(twin.amount_out, fee_bp=FEE_BP)(*amounts)


def twin_amount_in(*amounts: int) -> int:
    return partial(twin.amount_in, fee_bp=FEE_BP)(*amounts)


MAKERS: dict[str, dict[str, Callable[..., int]]] = {
    "compiled": {"get_amount_out": compiled_amount_out, "get_amount_in": compiled_amount_in, "quote": compiled_quote},
    "twin": {"get_amount_out": twin_amount_out, "get_amount_in": twin_amount_in, "quote": twin.quote},
}
FIELDS = {
    "get_amount_out": ("amount_in", "reserve_in", "reserve_out", "amount_out"),
    "get_amount_in": ("amount_out", "reserve_in", "reserve_out", "amount_in"),
    "quote": ("amount_a", "reserve_a", "reserve_b", "amount_b"),
}
CASES = [
    pytest.param(function, *(int(vector[field]) for field in fields), id=f"{function}-{number}")
    for function, fields in FIELDS.items()
    for number, vector in enumerate(VECTORS[function])
]
REFUSALS = [
    pytest.param(vector["fn"], [int(argument) for argument in vector["args"]], vector["error"], id=f"refusal-{number}")
    for number, vector in enumerate(VECTORS["reverts"])
]


def keeps_k(reserves: tuple[int, int], paid_in: tuple[int, int], taken_out: tuple[int, int]) -> bool:
    """Tell whether a swap passes the pair's own check: the product of the fee-adjusted balances does not fall."""
    left = [
        (reserve + paid - taken) * 1000 - paid * 3
        for reserve, paid, taken in zip(reserves, paid_in, taken_out, strict=True)
    ]
    return left[0] * left[1] >= reserves[0] * reserves[1] * 1000**2


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(("function", "amount", "reserve_a", "reserve_b", "expected"), CASES)
def test_the_published_amount_comes_out(
    maker: str, function: str, amount: int, reserve_a: int, reserve_b: int, expected: int
) -> None:
    assert MAKERS[maker][function](amount, reserve_a, reserve_b) == expected


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(("function", "arguments", "name"), REFUSALS)
def test_a_refusal_has_the_name_of_the_contract_s_revert(
    maker: str, function: str, arguments: list[int], name: str
) -> None:
    with pytest.raises(twin.SwapRefusedError, match=rf"^{name}$"):
        MAKERS[maker][function](*arguments)


@pytest.mark.parametrize("vector", VECTORS["pair_same_token_k_check"], ids=str)
def test_the_invariant_check_draws_the_published_line(vector: dict[str, str]) -> None:
    reserves = int(vector["reserve_same_token"]), int(vector["reserve_other"])
    paid_in, taken_out = int(vector["amount_in"]), int(vector["amount_out_same_token"])
    assert keeps_k(reserves, (paid_in, 0), (taken_out, 0))
    assert not keeps_k(reserves, (paid_in, 0), (taken_out + 1, 0))


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("vector", VECTORS["get_amount_out"], ids=str)
def test_one_unit_more_than_the_amount_out_would_break_the_invariant(maker: str, vector: dict[str, str]) -> None:
    paid_in, reserve_in, reserve_out = (int(vector[name]) for name in ("amount_in", "reserve_in", "reserve_out"))
    taken_out = MAKERS[maker]["get_amount_out"](paid_in, reserve_in, reserve_out)
    assert keeps_k((reserve_in, reserve_out), (paid_in, 0), (0, taken_out))
    assert not keeps_k((reserve_in, reserve_out), (paid_in, 0), (0, taken_out + 1))


def test_an_amount_of_112_bits_is_refused_by_name() -> None:
    with pytest.raises(twin.SwapRefusedError, match=r"^OVERFLOW$"):
        compiled_amount_out(1 << 112, 1 << 100, 1 << 100)
