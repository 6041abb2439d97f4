"""Constant product pools, to the base unit.

The integer formulas of Uniswap V2 (UniswapV2Library.getAmountOut, getAmountIn and quote), with the fee as a
parameter: the contract's 997/1000 is 9970/10000 here, which gives the same floors. Reserves and amounts are
below 2**112, as in the contract, so that no intermediate passes 256 bits.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from simulation import wei
from simulation.jit import compiled

FEE_BASE = np.uint64(10_000)
_U0 = np.uint64(0)
_U1 = np.uint64(1)
_RESERVE_TOP = np.uint64(1 << 48)


class SwapStatus(IntEnum):
    """Why a pool refuses a swap; the names are the contract's own."""

    OK = 0
    INSUFFICIENT_INPUT_AMOUNT = 1
    INSUFFICIENT_OUTPUT_AMOUNT = 2
    INSUFFICIENT_LIQUIDITY = 3
    INSUFFICIENT_AMOUNT = 4
    OVERFLOW = 5
    """The amount is not below 2**112."""


OK = np.int64(SwapStatus.OK)
_NO_INPUT = np.int64(SwapStatus.INSUFFICIENT_INPUT_AMOUNT)
_NO_OUTPUT = np.int64(SwapStatus.INSUFFICIENT_OUTPUT_AMOUNT)
_NO_LIQUIDITY = np.int64(SwapStatus.INSUFFICIENT_LIQUIDITY)
_NO_AMOUNT = np.int64(SwapStatus.INSUFFICIENT_AMOUNT)
_OVERFLOW = np.int64(SwapStatus.OVERFLOW)


@compiled
def amount_out(in_hi, in_lo, reserve_in_hi, reserve_in_lo, reserve_out_hi, reserve_out_lo, fee_bp):
    """Return (status, hi, lo) of what the pool gives for an exact input.

    ``out = in*(10000-fee)*reserve_out // (reserve_in*10000 + in*(10000-fee))``
    """
    if wei.is_zero(in_hi, in_lo):
        return _NO_INPUT, _U0, _U0
    if wei.is_zero(reserve_in_hi, reserve_in_lo) or wei.is_zero(reserve_out_hi, reserve_out_lo):
        return _NO_LIQUIDITY, _U0, _U0
    if in_hi >= _RESERVE_TOP:
        return _OVERFLOW, _U0, _U0
    kept_hi, kept_lo = wei.mul_small(in_hi, in_lo, FEE_BASE - np.uint64(fee_bp))
    base_hi, base_lo = wei.mul_small(reserve_in_hi, reserve_in_lo, FEE_BASE)
    sum_hi, sum_lo = wei.add(base_hi, base_lo, kept_hi, kept_lo)
    out_hi, out_lo = wei.mul_div(kept_hi, kept_lo, reserve_out_hi, reserve_out_lo, sum_hi, sum_lo)
    return OK, out_hi, out_lo


@compiled
def amount_in(out_hi, out_lo, reserve_in_hi, reserve_in_lo, reserve_out_hi, reserve_out_lo, fee_bp):
    """Return (status, hi, lo) of what the pool asks for an exact output.

    ``in = reserve_in*out*10000 // ((reserve_out-out)*(10000-fee)) + 1``
    """
    if wei.is_zero(out_hi, out_lo):
        return _NO_OUTPUT, _U0, _U0
    if wei.is_zero(reserve_in_hi, reserve_in_lo) or not wei.less(out_hi, out_lo, reserve_out_hi, reserve_out_lo):
        return _NO_LIQUIDITY, _U0, _U0
    left_hi, left_lo = wei.sub(reserve_out_hi, reserve_out_lo, out_hi, out_lo)
    d_hi, d_lo = wei.mul_small(left_hi, left_lo, FEE_BASE - np.uint64(fee_bp))
    base_hi, base_lo = wei.mul_small(reserve_in_hi, reserve_in_lo, FEE_BASE)
    n3, n2, n1, n0 = wei.mul(base_hi, base_lo, out_hi, out_lo)
    if not wei.less(n3, n2, d_hi, d_lo):
        return _OVERFLOW, _U0, _U0
    q_hi, q_lo, _, _ = wei.div(n3, n2, n1, n0, d_hi, d_lo)
    q_hi, q_lo = wei.add(q_hi, q_lo, _U0, _U1)
    if q_hi >= _RESERVE_TOP:
        return _OVERFLOW, _U0, _U0
    return OK, q_hi, q_lo


@compiled
def quote(a_hi, a_lo, reserve_a_hi, reserve_a_lo, reserve_b_hi, reserve_b_lo):
    """Return (status, hi, lo) of what ``a`` is worth in B at the pool's mid: ``a*reserve_b // reserve_a``."""
    if wei.is_zero(a_hi, a_lo):
        return _NO_AMOUNT, _U0, _U0
    if wei.is_zero(reserve_a_hi, reserve_a_lo) or wei.is_zero(reserve_b_hi, reserve_b_lo):
        return _NO_LIQUIDITY, _U0, _U0
    n3, n2, n1, n0 = wei.mul(a_hi, a_lo, reserve_b_hi, reserve_b_lo)
    if not wei.less(n3, n2, reserve_a_hi, reserve_a_lo):
        return _OVERFLOW, _U0, _U0
    q_hi, q_lo, _, _ = wei.div(n3, n2, n1, n0, reserve_a_hi, reserve_a_lo)
    return OK, q_hi, q_lo
