"""The fee market: the integer rule on every step, and statistics like mainnet's."""

from __future__ import annotations

import numpy as np
import pytest

from simulation.market.gas import WEI_PER_GWEI, gas_used_by_demand, next_base_fee
from simulation.market.synthetic import SyntheticSource
from simulation.scenario import Gas, SyntheticMarket, Token

ONE_TOKEN = SyntheticMarket(
    tokens=(
        Token(
            symbol="WETH",
            name="Wrapped Ether",
            token_class="major",
            price_usd=3000.0,
            pools=[{"liquidity_usd": 1e8, "fee_bp": 5}],
        ),
    )
)
MEASURED_BLOCKS = 14_651
"""As many as in the mainnet stretch that the demand was fitted to."""


def make_gas(gas: Gas, seed: int = 1, n_blocks: int = MEASURED_BLOCKS) -> np.ndarray:
    source = SyntheticSource(ONE_TOKEN, gas, seed, 12_000)
    return source.advance(source.begin(), 0, n_blocks)[1].gas


def autocorrelation(values: np.ndarray, lag: int) -> float:
    centered = values - values.mean()
    return float((centered[lag:] * centered[:-lag]).mean() / (centered * centered).mean())


@pytest.fixture(scope="module")
def log_fees() -> list[np.ndarray]:
    return [np.log(make_gas(Gas(), seed)["base_fee_wei"]) for seed in range(6)]


def test_a_market_begins_at_the_base_fee_of_the_scenario() -> None:
    assert make_gas(Gas(base_fee_gwei=37.5), n_blocks=1)["base_fee_wei"][0] == 37.5 * WEI_PER_GWEI


@pytest.mark.parametrize("denominator", [8, 50, 250])
@pytest.mark.parametrize("elasticity", [2, 6])
def test_every_step_of_the_base_fee_is_one_that_the_rule_allows(elasticity: int, denominator: int) -> None:
    gas = Gas(elasticity=elasticity, denominator=denominator)
    fees = make_gas(gas)["base_fee_wei"]
    for now, then in zip(fees.tolist(), fees[1:].tolist(), strict=False):
        highest = next_base_fee(now, gas.gas_limit, gas.gas_limit, elasticity, denominator)
        assert next_base_fee(now, 0, gas.gas_limit, elasticity, denominator) <= then <= highest


def test_a_dear_block_is_emptier_than_a_cheap_one() -> None:
    cheap, dear = (gas_used_by_demand(fee, np.log(1e10), 0.0, 30_000_000, 2) for fee in (8 * 10**9, 12 * 10**9))
    assert dear < 15_000_000 < cheap <= 30_000_000


def test_the_base_fee_moves_as_much_as_mainnets(log_fees) -> None:
    for fees in log_fees:
        assert 0.033 < np.diff(fees).std() < 0.042


def test_the_base_fee_is_remembered_as_long_as_mainnets(log_fees) -> None:
    for lag, low, high in ((1, 0.94, 1.0), (10, 0.85, 0.99), (100, 0.5, 0.92)):
        assert low < np.mean([autocorrelation(fees, lag) for fees in log_fees]) < high


def test_a_fee_of_twelve_blocks_ago_is_stale_by_a_few_percent(log_fees) -> None:
    for fees in log_fees:
        median, p90 = np.quantile(np.abs(np.expm1(fees[12:] - fees[:-12])), [0.5, 0.9])
        assert 0.03 < median < 0.06
        assert 0.09 < p90 < 0.16


def test_the_base_fee_returns_to_the_level_of_the_scenario(log_fees) -> None:
    assert 6 < np.exp(np.median(np.concatenate(log_fees))) / WEI_PER_GWEI < 24


def test_priority_fees_scatter_around_that_of_the_scenario() -> None:
    tips = make_gas(Gas(priority_fee_gwei=2.0))["priority_fee_wei"] / WEI_PER_GWEI
    assert 1.6 < np.median(tips) < 2.5
    assert 0.25 < np.log(tips).std() < 0.7
    assert tips.min() > 0


def test_a_chain_without_priority_fees_has_none() -> None:
    assert not make_gas(Gas(priority_fee_gwei=0), n_blocks=50)["priority_fee_wei"].any()


@pytest.mark.parametrize("base_fee_gwei", [0.0011, 1_000])
def test_the_base_fee_stays_above_zero_and_below_overflow_at_the_bounds_of_the_scenario(base_fee_gwei: float) -> None:
    fees = make_gas(Gas(base_fee_gwei=base_fee_gwei))["base_fee_wei"]
    assert fees.min() > 0
    assert fees.max() < 2**53
