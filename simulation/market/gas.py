"""The fee market: EIP-1559's integer rule, the random demand that drives it, and what a bid is worth in it.

Utilisation of a block is exp(-eta * (ln base fee - willingness) + noise) / elasticity, at most 1; willingness to pay
is the log of the base fee's level plus mean-reverting components over days, hours and minutes. A slot may go without a
block: its demand waits for the next one. docs/market/gas.md has the figures, their sources, and what is unrealistic.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulation.jit import compiled
from simulation.market.noise import draw, innovations, reversion
from simulation.rng import BELL_DEVIATION, Stream, bell, below
from simulation.settings.gas import GasRegime
from simulation.wei import U0, mul64, mul_div

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.settings.gas import Gas

WEI_PER_GWEI = 1_000_000_000

CHAIN = np.dtype(
    [
        ("base_fee_wei", np.int64),  # of the next block
        ("n_waiting", np.int64),  # missed slots whose demand waits for a block
        ("tide", np.float64),  # log demand that wanders over days
        ("slow", np.float64),  # over hours
        ("fast", np.float64),  # over minutes
        ("tip", np.float64),  # log of the priority fee against its level
        ("l1", np.float64),  # log of the layer 1's base fee against its level
        ("blob", np.float64),  # log of what blob space is worth against its level
    ],
    align=True,
)
"""What the fee market carries from block to block; shape ``(1,)``."""

FEES = np.dtype(
    [
        ("gas_limit", np.int64),
        ("gas_target", np.int64),
        ("denominator", np.int64),
        ("min_base_fee_wei", np.int64),
        ("missed_slots_bp", np.int64),
        ("l1_swap_bytes", np.int64),
        ("l1_base_fee_wei", np.float64),
        ("l1_blob_base_fee_wei", np.float64),
        ("log_base_fee", np.float64),
        ("priority_fee_wei", np.float64),
        ("eta", np.float64),
        ("noise", np.float64),  # of one unit of a bell
        ("bias", np.float64),  # takes the mean of the noise's lognormal factor back to 1
        ("tip_pressure", np.float64),
        ("tide_keep", np.float64),
        ("tide_spread", np.float64),
        ("slow_keep", np.float64),
        ("slow_spread", np.float64),
        ("fast_keep", np.float64),
        ("fast_spread", np.float64),
        ("tip_keep", np.float64),
        ("tip_spread", np.float64),
        ("l1_keep", np.float64),
        ("l1_spread", np.float64),
        ("blob_keep", np.float64),
        ("blob_spread", np.float64),
    ],
    align=True,
)
"""The constants of a fee market; shape ``(1,)``."""


class Wander(NamedTuple):
    """A mean-reverting component: its memory and its stationary standard deviation in log units."""

    half_life_minutes: float
    deviation: float


class Demand(NamedTuple):
    """How a regime asks for block space."""

    eta: float
    """How strongly demand answers a base fee above what it is willing to pay."""
    noise: float
    """Standard deviation of a block's log demand."""
    slow: Wander
    fast: Wander
    tip: Wander


DEMANDS: dict[GasRegime, Demand] = {
    GasRegime.CALM: Demand(3.0, 0.27, Wander(240, 0.20), Wander(30, 0.11), Wander(10, 0.40)),
    GasRegime.QUIET_2025: Demand(3.0, 0.42, Wander(240, 0.12), Wander(30, 0.05), Wander(10, 0.40)),
    GasRegime.CONGESTED: Demand(1.2, 0.85, Wander(300, 0.50), Wander(12, 0.25), Wander(10, 0.70)),
}
"""Fitted to mainnet: May 2023, July to November 2025, and the proof-of-work stretches of 2021 and 2022."""

REGIME_OF_MARKET: dict[str, GasRegime] = {
    "normal": GasRegime.CALM,
    "calm": GasRegime.CALM,
    "bull": GasRegime.CALM,
    "bear": GasRegime.CALM,
    "chop": GasRegime.CALM,
    "crash": GasRegime.CONGESTED,
    "congested": GasRegime.CONGESTED,
}
"""The gas regime that goes with a market's, where the scenario gives none."""

_MINUTES_PER_DAY = 24 * 60
_TIDE = Wander(_MINUTES_PER_DAY * math.log(0.5) / math.log(0.85), 0.37)
"""The level of a day: autocorrelation 0.85 a day."""

_L1 = Wander(_MINUTES_PER_DAY * math.log(0.5) / math.log(0.85), 0.37)
_BLOB = Wander(240.0, 1.0)

_TIP_PRESSURE = 0.8
"""Log of the priority fee in a full block against that in a block at its target."""

_TIP_LIFT = 0.5
"""The priority fee moves with this power of the base fee."""

_MARGINAL_SHARE = 0.4
"""What the least tip in a full block is of the typical one."""

FULL_PERCENT = 98
"""A block that uses this much of its gas limit is full."""

_FJORD_BASE_SCALAR = 2_269
_FJORD_BLOB_SCALAR = 1_055_762
"""The fee scalars of Base."""

_BLOB_RESERVE = 16
"""Blob gas costs at least this fraction of the base fee: EIP-7918, 2**13 gas a blob of 2**17 blob gas."""

_BP = 10_000
_GAS_STREAM = np.uint64(Stream.GAS)
_FJORD_UNIT = np.uint64(10**12)


@compiled
def next_base_fee_for_target(base_fee_wei, gas_used, gas_target, denominator):
    """Return the base fee after a block that used ``gas_used`` of a target; exact, EIP-1559."""
    if gas_used == gas_target:
        return np.int64(base_fee_wei)
    step = _scaled(np.uint64(base_fee_wei), np.uint64(abs(gas_used - gas_target)), np.uint64(gas_target)) // denominator
    if gas_used > gas_target:
        return np.int64(base_fee_wei + max(step, 1))
    return np.int64(base_fee_wei - step)


@compiled
def _scaled(value, numerator, denominator):
    """Return floor(value * numerator / denominator) of uint64; most products fit one, and are divided as one."""
    high, low = mul64(value, numerator)
    if high == U0:
        return np.int64(low // denominator)
    _, quotient = mul_div(U0, value, U0, numerator, U0, denominator)
    return np.int64(quotient)


@compiled
def next_base_fee(base_fee_wei, gas_used, gas_limit, elasticity, denominator):
    """Return the base fee in wei of the block after one that used ``gas_used`` of ``gas_limit``."""
    return next_base_fee_for_target(base_fee_wei, gas_used, gas_limit // elasticity, denominator)


@compiled
def price_paid(base_fee_wei, max_fee_wei, tip_wei):
    """Return the wei per gas that a transaction pays, for a fee cap not below the base fee; EIP-1559."""
    return base_fee_wei + min(tip_wei, max_fee_wei - base_fee_wei)


@compiled
def is_included(base_fee_wei, max_fee_wei, tip_wei, marginal_tip_wei, is_missed):
    """Tell whether a block takes a transaction: there is a block, and the bid meets its base fee and least tip."""
    if is_missed or max_fee_wei < base_fee_wei:
        return False
    return min(tip_wei, max_fee_wei - base_fee_wei) >= marginal_tip_wei


@compiled
def is_full(gas_used, gas_limit):
    """Tell whether a block has no room left."""
    return gas_used * 100 >= gas_limit * FULL_PERCENT


@compiled
def gas_used_by_demand(premium, shock, n_slots, fees):
    """Return the gas of a block whose log base fee is ``premium`` above what demand is willing to pay.

    ``shock`` is the log of the block's luck; ``n_slots`` is 1 and the missed slots whose demand has waited.
    """
    wanted = n_slots * math.exp(shock - fees.eta * premium) * fees.gas_target
    return np.int64(min(wanted, np.float64(fees.gas_limit)))


@compiled
def fjord_fee(fastlz_bytes, l1_base_fee_wei, blob_base_fee_wei):
    """Return the L1 data fee in wei of a transaction of ``fastlz_bytes`` on Base; exact, the Fjord formula.

    max(100e6, 836500 * bytes - 42585600) * (16 * base scalar * base fee + blob scalar * blob base fee) / 1e12. Base
    fees above 10**13 wei overflow.
    """
    size = np.uint64(max(100_000_000, 836_500 * fastlz_bytes - 42_585_600))
    price = np.uint64(16 * _FJORD_BASE_SCALAR * l1_base_fee_wei + _FJORD_BLOB_SCALAR * blob_base_fee_wei)
    _, fee = mul_div(U0, size, U0, price, U0, _FJORD_UNIT)
    return np.int64(fee)


@compiled
def step_chain(block_gas, chain, fees, seed, block):
    """Write the fees of ``block`` to ``block_gas`` and carry the chain to the next block."""
    shock, wander, tips, slot = draw(seed, _GAS_STREAM, block)
    _step_demand(chain, fees, wander)
    chain.tip, chain.l1, chain.blob = _step_others(chain, fees, tips)
    block_gas.base_fee_wei = chain.base_fee_wei
    block_gas.l1_fee_wei = _l1_fee(chain, fees)
    lead = math.log(np.float64(max(chain.base_fee_wei, 1))) - fees.log_base_fee
    if below(slot, _BP) < fees.missed_slots_bp:
        _miss(block_gas, chain, fees, lead)
    else:
        _propose(block_gas, chain, fees, lead, fees.noise * bell(shock) - fees.bias)


@compiled
def _step_demand(chain, fees, word):
    tide, slow, fast = innovations(word)
    chain.tide = fees.tide_keep * chain.tide + fees.tide_spread * tide
    chain.slow = fees.slow_keep * chain.slow + fees.slow_spread * slow
    chain.fast = fees.fast_keep * chain.fast + fees.fast_spread * fast


@compiled
def _step_others(chain, fees, word):
    tip, l1, blob = innovations(word)
    return (
        fees.tip_keep * chain.tip + fees.tip_spread * tip,
        fees.l1_keep * chain.l1 + fees.l1_spread * l1,
        fees.blob_keep * chain.blob + fees.blob_spread * blob,
    )


@compiled
def _miss(block_gas, chain, fees, lead):
    """Pass over a slot: nothing is included, the base fee stays, demand waits."""
    block_gas.is_missed = 1
    block_gas.gas_used = 0
    block_gas.marginal_tip_wei = 0
    block_gas.priority_fee_wei = np.int64(_typical_tip(chain, fees, lead, 1.0))
    chain.n_waiting += 1


@compiled
def _propose(block_gas, chain, fees, lead, shock):
    """Make a block of what demand there is, that of missed slots before it included.

    ``lead`` is the log of the base fee against its level.
    """
    used = gas_used_by_demand(lead - chain.tide - chain.slow - chain.fast, shock, 1 + chain.n_waiting, fees)
    tip = _typical_tip(chain, fees, lead, used / fees.gas_target)
    block_gas.is_missed = 0
    block_gas.gas_used = used
    block_gas.priority_fee_wei = np.int64(tip)
    block_gas.marginal_tip_wei = np.int64(_MARGINAL_SHARE * tip) if is_full(used, fees.gas_limit) else 0
    following = next_base_fee_for_target(chain.base_fee_wei, used, fees.gas_target, fees.denominator)
    chain.base_fee_wei = max(following, fees.min_base_fee_wei)
    chain.n_waiting = 0


@compiled
def _typical_tip(chain, fees, lead, targets):
    """Return the typical priority fee in a block of ``targets`` gas targets; it rises with the base fee."""
    return fees.priority_fee_wei * math.exp(chain.tip + _TIP_LIFT * lead + fees.tip_pressure * (targets - 1.0))


@compiled
def _l1_fee(chain, fees):
    if fees.l1_swap_bytes == 0:
        return 0
    base_fee_wei = fees.l1_base_fee_wei * math.exp(chain.l1)
    blob_wei = max(fees.l1_blob_base_fee_wei * math.exp(chain.blob), base_fee_wei / _BLOB_RESERVE)
    return fjord_fee(fees.l1_swap_bytes, np.int64(base_fee_wei), np.int64(blob_wei))


def gas_regime(gas: Gas, market_regime_name: str) -> GasRegime:
    """Return the regime of the demand for block space: the scenario's own, or the one that its market's brings."""
    return gas.regime or REGIME_OF_MARKET[market_regime_name]


def fee_records(gas: Gas, block_time_ms: int, market_regime_name: str = "normal") -> NDArray[np.void]:
    """Return the FEES record of ``gas``, shape ``(1,)``."""
    demand = DEMANDS[gas_regime(gas, market_regime_name)]
    records = np.zeros(1, FEES)
    record = records[0]
    record["gas_limit"] = gas.gas_limit
    record["gas_target"] = gas.gas_limit // gas.elasticity
    record["denominator"] = gas.denominator
    record["min_base_fee_wei"] = _wei(gas.min_base_fee_gwei)
    record["missed_slots_bp"] = int(gas.missed_slots_percent * 100)
    record["l1_swap_bytes"] = gas.l1_swap_bytes
    record["l1_base_fee_wei"] = gas.l1_base_fee_gwei * WEI_PER_GWEI
    record["l1_blob_base_fee_wei"] = gas.l1_blob_base_fee_gwei * WEI_PER_GWEI
    record["log_base_fee"] = math.log(gas.base_fee_gwei * WEI_PER_GWEI)
    record["priority_fee_wei"] = gas.priority_fee_gwei * WEI_PER_GWEI
    record["eta"] = demand.eta
    record["noise"] = demand.noise / BELL_DEVIATION
    record["bias"] = demand.noise**2 / 2  # keeps the base fee at its level whatever the noise is
    record["tip_pressure"] = _TIP_PRESSURE / max(gas.elasticity - 1, 1)
    components = {"tide": _TIDE, "slow": demand.slow, "fast": demand.fast, "tip": demand.tip, "l1": _L1, "blob": _BLOB}
    for name, (half_life_minutes, deviation) in components.items():
        half_life_days = half_life_minutes / _MINUTES_PER_DAY
        record[f"{name}_keep"], record[f"{name}_spread"] = reversion(half_life_days, deviation, block_time_ms)
    return records


def chain_at_start(gas: Gas) -> NDArray[np.void]:
    """Return the CHAIN record with which a market begins, shape ``(1,)``."""
    records = np.zeros(1, CHAIN)
    records[0]["base_fee_wei"] = max(_wei(gas.base_fee_gwei), _wei(gas.min_base_fee_gwei))
    return records


def _wei(gwei: float) -> int:
    return round(gwei * WEI_PER_GWEI)
