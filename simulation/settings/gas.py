"""The fee market of a scenario: the chain, its demand, and what each chain sets where the scenario is silent."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import Field, model_validator

from simulation.settings.base import Part, Percent


class Chain(StrEnum):
    """A preset of the fee market's fields and of the block time."""

    ETHEREUM = "ethereum"
    BASE = "base"
    ARBITRUM = "arbitrum"


class GasRegime(StrEnum):
    """The character of the demand for block space."""

    CALM = "calm"
    QUIET_2025 = "quiet_2025"
    CONGESTED = "congested"


CHAIN_BLOCK_TIME_MS: dict[Chain, int] = {Chain.ETHEREUM: 12_000, Chain.BASE: 2_000, Chain.ARBITRUM: 250}
"""Block time of each chain, where the scenario gives none."""

CHAIN_PRESETS: dict[Chain, dict[str, str | float]] = {
    Chain.ETHEREUM: {},
    Chain.BASE: {
        "base_fee_gwei": 0.02,
        "priority_fee_gwei": 0.001,
        "gas_limit": 132_000_000,
        "elasticity": 6,
        "denominator": 250,
        "missed_slots_percent": "0",
        "l1_swap_bytes": 250,
    },
    Chain.ARBITRUM: {
        "base_fee_gwei": 0.01,
        "min_base_fee_gwei": 0.01,
        "priority_fee_gwei": 0.0,
        "gas_limit": 32_000_000,
        "elasticity": 18,
        "denominator": 408,
        "missed_slots_percent": "0",
        "l1_swap_bytes": 250,
    },
}
"""What each chain sets where the scenario is silent; ETHEREUM is the defaults. docs/market/gas.md has the sources."""


class Gas(Part):
    """The chain's fee market: EIP-1559 with its integer rule, driven by random demand."""

    chain: Chain = Chain.ETHEREUM
    """Sets the other fields, and the scenario's block time, where they are not given."""
    regime: GasRegime | None = None
    """Character of the demand; follows the market's regime where it is not given."""
    base_fee_gwei: float = Field(12.0, ge=0.0001, le=1_000)
    """Base fee where the market begins and the level that demand returns to."""
    min_base_fee_gwei: float = Field(0.0, ge=0, le=1_000)
    """The base fee never falls below this."""
    priority_fee_gwei: float = Field(1.0, ge=0, le=1_000)
    """Typical tip of a block at its gas target, while the base fee is at its level."""
    gas_limit: int = Field(36_000_000, ge=1_000_000, le=10_000_000_000)
    elasticity: int = Field(2, ge=1, le=32)
    """The gas limit in units of the gas target."""
    denominator: int = Field(8, ge=2, le=1000)
    """A block of twice the target raises the base fee by 1 / denominator."""
    missed_slots_percent: Percent = Field(Decimal(1), ge=0, le=50)
    """Share of slots without a block; their demand waits for the next one."""
    l1_swap_bytes: int = Field(0, ge=0, le=100_000)
    """Compressed bytes of a swap transaction that a layer 2 posts to its layer 1; 0 for none."""
    l1_base_fee_gwei: float = Field(9.0, ge=0.001, le=1_000)
    """Level of the layer 1's base fee."""
    l1_blob_base_fee_gwei: float = Field(0.1, ge=0, le=10)
    """Level of what demand pays for a unit of blob gas; a sixteenth of the base fee is paid at least."""

    @model_validator(mode="before")
    @classmethod
    def _apply_chain(cls, data: Any) -> Any:
        chain = chain_of(data)
        return {**CHAIN_PRESETS[chain], **data} if chain and isinstance(data, dict) else data


def chain_of(gas: Any) -> Chain | None:
    """Return the chain that unvalidated ``gas`` names; None where it names none that is known."""
    name = gas.get("chain") if isinstance(gas, dict) else getattr(gas, "chain", None)
    return next((chain for chain in Chain if chain == name), None)
