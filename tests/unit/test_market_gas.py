"""The fee market: the integer rule on every step, statistics like mainnet's, and what a bid is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulation.jit import compiled
from simulation.market.gas import (
    REGIME_OF_MARKET,
    WEI_PER_GWEI,
    chain_at_start,
    fee_records,
    fjord_fee,
    gas_regime,
    gas_used_by_demand,
    is_full,
    is_included,
    next_base_fee,
    price_paid,
    step_chain,
)
from simulation.scenario import Scenario
from simulation.settings.gas import CHAIN_BLOCK_TIME_MS, Chain, Gas, GasRegime
from simulation.state import GAS

if TYPE_CHECKING:
    from collections.abc import Callable

MEASURED_BLOCKS = 14_651
"""As many as in the mainnet stretch that the calm demand was fitted to."""

SEEDS = range(1, 9)
WARM_UP_BLOCKS = 1_800
GWEI = WEI_PER_GWEI


@compiled
def run(records, chain, fees, seed, first_block):
    """Step a chain through as many blocks as there are records."""
    for row in range(len(records)):
        step_chain(records[row], chain[0], fees[0], seed, first_block + row)


def make(gas: Gas, seed: int = 1, n_blocks: int = MEASURED_BLOCKS, warm_up: int = WARM_UP_BLOCKS) -> np.ndarray:
    records = np.zeros(warm_up + n_blocks, GAS)
    block_time_ms = CHAIN_BLOCK_TIME_MS[gas.chain]
    run(records, chain_at_start(gas), fee_records(gas, block_time_ms), np.uint64(seed), -warm_up)
    return records[warm_up:]


def autocorrelation(values: np.ndarray, lag: int) -> float:
    centered = values - values.mean()
    return float((centered[lag:] * centered[:-lag]).mean() / (centered * centered).mean())


class Measured:
    """A few seeds of one regime, measured as the mainnet stretches were."""

    def __init__(self, regime: GasRegime) -> None:
        gas = Gas(regime=regime)
        self.blocks = [make(gas, seed) for seed in SEEDS]
        proposed = [blocks[blocks["is_missed"] == 0] for blocks in self.blocks]
        self.utilisation = [blocks["gas_used"] / gas.gas_limit for blocks in proposed]
        self.log_fees = [np.log(blocks["base_fee_wei"]) for blocks in self.blocks]

    def each(self, statistic: Callable[[Any], float], what: str = "utilisation") -> list[float]:
        return [statistic(values) for values in getattr(self, what)]

    def stale(self, quantile: float) -> list[float]:
        """Return a quantile of the relative error of a base fee that is twelve blocks old, for each seed."""
        fees = [blocks["base_fee_wei"] for blocks in self.blocks]
        return [float(np.quantile(np.abs(now[:-12] / now[12:] - 1), quantile)) for now in fees]


@pytest.fixture(scope="module")
def calm() -> Measured:
    return Measured(GasRegime.CALM)


@pytest.fixture(scope="module")
def quiet() -> Measured:
    return Measured(GasRegime.QUIET_2025)


@pytest.fixture(scope="module")
def congested() -> Measured:
    return Measured(GasRegime.CONGESTED)


def all_within(values: list[float], low: float, high: float) -> bool:
    return min(values) > low and max(values) < high


def full_share(utilisation: np.ndarray) -> float:
    return float((utilisation >= 0.98).mean())


def test_blocks_are_half_full_on_average_whatever_the_regime(calm, quiet, congested) -> None:
    for measured in (calm, quiet, congested):
        assert all_within(measured.each(np.mean), 0.50, 0.52)


def test_a_full_block_is_followed_by_an_emptier_one_as_on_mainnet(calm) -> None:
    assert all_within(calm.each(lambda utilisation: autocorrelation(utilisation, 1)), -0.35, -0.05)


def test_calm_blocks_scatter_as_mainnets_did_in_may_2023(calm) -> None:
    assert all_within(calm.each(np.std), 0.13, 0.18)
    assert all_within(calm.each(full_share), 0.01, 0.07)


def test_quiet_blocks_of_2025_scatter_more(quiet) -> None:
    assert all_within(quiet.each(np.std), 0.18, 0.24)
    assert all_within(quiet.each(full_share), 0.03, 0.07)


def test_congested_blocks_are_often_full(congested) -> None:
    assert all_within(congested.each(np.std), 0.29, 0.36)
    assert all_within(congested.each(full_share), 0.15, 0.25)


def test_the_base_fee_moves_as_much_as_mainnets(calm, quiet, congested) -> None:
    for measured, low, high in ((calm, 0.033, 0.042), (quiet, 0.045, 0.06), (congested, 0.07, 0.09)):
        assert all_within(measured.each(lambda fees: float(np.diff(fees).std()), "log_fees"), low, high)


@pytest.mark.parametrize(("lag", "low", "high"), [(1, 0.96, 1.0), (10, 0.88, 0.98), (100, 0.6, 0.85), (300, 0.4, 0.75)])
def test_the_base_fee_is_remembered_as_long_as_mainnets(calm, lag: int, low: float, high: float) -> None:
    assert low < np.mean(calm.each(lambda fees: autocorrelation(fees, lag), "log_fees")) < high


def test_a_fee_of_twelve_blocks_ago_is_stale_by_a_few_percent(calm) -> None:
    assert all_within(calm.stale(0.5), 0.03, 0.06)
    assert all_within(calm.stale(0.9), 0.09, 0.16)


def test_the_base_fee_returns_to_the_level_of_the_scenario(calm, quiet, congested) -> None:
    for measured in (calm, quiet, congested):
        assert 8 < np.exp(np.median(np.concatenate(measured.log_fees))) / GWEI < 18


def test_a_market_begins_at_the_base_fee_of_the_scenario() -> None:
    assert make(Gas(base_fee_gwei=37.5), n_blocks=1, warm_up=0)["base_fee_wei"][0] == 37.5 * GWEI


def test_how_blocks_are_cut_into_stretches_changes_nothing() -> None:
    gas = Gas(chain="base")
    chain, fees, parts = chain_at_start(gas), fee_records(gas, 2_000), np.zeros(300, GAS)
    for first in range(0, 300, 100):
        run(parts[first : first + 100], chain, fees, np.uint64(1), first)
    assert parts.tobytes() == make(gas, n_blocks=300, warm_up=0).tobytes()


@pytest.mark.parametrize("regime", list(GasRegime))
@pytest.mark.parametrize("chain", list(Chain))
def test_every_base_fee_follows_from_the_block_before_by_the_rule(chain: Chain, regime: GasRegime) -> None:
    gas = Gas(chain=chain, regime=regime)
    blocks = make(gas, n_blocks=3_000)
    floor = round(gas.min_base_fee_gwei * GWEI)
    for block, following in zip(blocks, blocks[1:]["base_fee_wei"].tolist(), strict=False):
        fee, used = int(block["base_fee_wei"]), int(block["gas_used"])
        by_rule = max(next_base_fee(fee, used, gas.gas_limit, gas.elasticity, gas.denominator), floor)
        assert following == (fee if block["is_missed"] else by_rule)


def test_a_dear_block_is_emptier_than_a_cheap_one() -> None:
    fees = fee_records(Gas(), 12_000)[0]
    cheap, dear = (gas_used_by_demand(premium, 0.0, 1, fees) for premium in (-0.2, 0.2))
    assert dear < 18_000_000 < cheap <= 36_000_000


def test_one_slot_in_a_hundred_is_missed_on_ethereum(calm) -> None:
    assert 0.007 < np.mean([blocks["is_missed"].mean() for blocks in calm.blocks]) < 0.013


@pytest.mark.parametrize("chain", [Chain.BASE, Chain.ARBITRUM])
def test_a_layer_2_misses_no_slot(chain: Chain) -> None:
    assert not make(Gas(chain=chain))["is_missed"].any()


def test_a_missed_slot_includes_nothing_and_leaves_the_base_fee(calm) -> None:
    for blocks in calm.blocks:
        missed = np.flatnonzero(blocks["is_missed"][:-1])
        assert not blocks["gas_used"][missed].any()
        assert not blocks["marginal_tip_wei"][missed].any()
        assert (blocks["base_fee_wei"][missed + 1] == blocks["base_fee_wei"][missed]).all()


def test_the_demand_of_a_missed_slot_fills_the_next_block(calm) -> None:
    blocks = np.concatenate(calm.blocks)
    after = np.flatnonzero(blocks["is_missed"][:-1]) + 1
    after = after[blocks["is_missed"][after] == 0]
    assert blocks["gas_used"][after].mean() > 1.6 * 18_000_000


def test_the_demand_of_several_missed_slots_waits_for_one_block() -> None:
    blocks = make(Gas(missed_slots_percent=50), n_blocks=5_000)
    third = (blocks["is_missed"][:-2] == 1) & (blocks["is_missed"][1:-1] == 1) & (blocks["is_missed"][2:] == 0)
    assert np.median(blocks["gas_used"][2:][third]) == 36_000_000


def test_priority_fees_scatter_around_that_of_the_scenario() -> None:
    tips = make(Gas(priority_fee_gwei=2.0))["priority_fee_wei"] / GWEI
    assert 1.5 < np.median(tips) < 2.7
    assert 0.3 < np.log(tips).std() < 0.7
    assert tips.min() > 0


def test_priority_fees_are_a_tenth_of_the_base_fee_in_calm(calm) -> None:
    for blocks in calm.blocks:
        assert 0.05 < np.median(blocks["priority_fee_wei"] / blocks["base_fee_wei"]) < 0.15


def test_full_blocks_and_high_base_fees_come_with_higher_tips(congested) -> None:
    blocks = np.concatenate(congested.blocks)
    tips, fees = blocks["priority_fee_wei"], blocks["base_fee_wei"]
    full = blocks["gas_used"] >= 0.98 * 36_000_000
    assert np.median(tips[full]) > 1.5 * np.median(tips[~full])
    assert np.median(tips[fees > np.quantile(fees, 0.8)]) > 1.5 * np.median(tips[fees < np.quantile(fees, 0.2)])


def test_congestion_makes_tips_scatter_more(calm, congested) -> None:
    spread = [np.log(np.concatenate(measured.blocks)["priority_fee_wei"]).std() for measured in (calm, congested)]
    assert spread[1] > 1.5 * spread[0]


def test_a_chain_without_priority_fees_has_none() -> None:
    assert not make(Gas(priority_fee_gwei=0), n_blocks=50)["priority_fee_wei"].any()


def test_only_full_blocks_ask_for_a_least_tip_and_it_is_below_the_typical_one(congested) -> None:
    blocks = np.concatenate(congested.blocks)
    full = blocks["gas_used"] >= 0.98 * 36_000_000
    assert ((blocks["marginal_tip_wei"] > 0) == full).all()
    assert (blocks["marginal_tip_wei"] < blocks["priority_fee_wei"]).all()


@pytest.mark.parametrize("base_fee_gwei", [0.0001, 1_000])
@pytest.mark.parametrize("regime", list(GasRegime))
def test_fees_stay_above_zero_and_below_overflow_at_the_bounds_of_the_scenario(base_fee_gwei, regime) -> None:
    blocks = make(Gas(base_fee_gwei=base_fee_gwei, priority_fee_gwei=1_000, regime=regime))
    assert blocks["base_fee_wei"].min() > 0
    assert blocks["base_fee_wei"].max() < 2**53
    assert 0 < blocks["priority_fee_wei"].min() <= blocks["priority_fee_wei"].max() < 2**53


def test_a_base_fee_rests_on_its_floor() -> None:
    fees = make(Gas(chain="arbitrum"), n_blocks=100_000)["base_fee_wei"]
    assert fees.min() == 0.01 * GWEI
    assert (fees == fees.min()).mean() > 0.05


def test_a_market_below_the_floor_begins_on_it() -> None:
    fees = make(Gas(base_fee_gwei=1, min_base_fee_gwei=3), n_blocks=20, warm_up=0)["base_fee_wei"]
    assert (fees == 3 * GWEI).all()


def test_ethereum_charges_no_data_fee() -> None:
    assert not make(Gas(), n_blocks=50)["l1_fee_wei"].any()


@pytest.mark.parametrize("chain", [Chain.BASE, Chain.ARBITRUM])
def test_a_layer_2_charges_a_data_fee_that_wanders_over_days(chain: Chain) -> None:
    fees = make(Gas(chain=chain), n_blocks=100_000)["l1_fee_wei"]
    assert 3e10 < np.median(fees) < 6e11
    assert len(np.unique(fees)) > 1_000


def test_a_data_fee_grows_with_the_bytes_of_a_swap() -> None:
    short, long = (make(Gas(chain="base", l1_swap_bytes=size), n_blocks=50)["l1_fee_wei"] for size in (150, 400))
    assert (long > 2.5 * short).all()


def slow_fjord_fee(fastlz_bytes: int, l1_base_fee_wei: int, blob_base_fee_wei: int) -> int:
    """The Fjord formula with the scalars of Base, in integers of any width."""
    weighted = 16 * 2_269 * l1_base_fee_wei + 1_055_762 * blob_base_fee_wei
    return max(100_000_000, 836_500 * fastlz_bytes - 42_585_600) * weighted // 10**12


@given(st.integers(0, 100_000), st.integers(0, 10**13), st.integers(0, 10**13))
def test_the_data_fee_is_the_slow_twin(fastlz_bytes: int, l1_base_fee_wei: int, blob_base_fee_wei: int) -> None:
    expected = slow_fjord_fee(fastlz_bytes, l1_base_fee_wei, blob_base_fee_wei)
    assert fjord_fee(fastlz_bytes, l1_base_fee_wei, blob_base_fee_wei) == expected


def test_the_memory_of_demand_is_in_time_and_not_in_blocks() -> None:
    half, whole = (fee_records(Gas(), block_time_ms)[0] for block_time_ms in (6_000, 12_000))
    for component in ("tide", "slow", "fast", "tip"):
        assert half[f"{component}_keep"] ** 2 == pytest.approx(whole[f"{component}_keep"], rel=1e-12)


def test_the_demand_for_block_space_follows_the_market() -> None:
    regimes = {name: gas_regime(Gas(), name) for name in REGIME_OF_MARKET}
    assert {name for name, regime in regimes.items() if regime == "congested"} == {"crash", "congested"}
    assert {name for name, regime in regimes.items() if regime == "calm"} == {"normal", "calm", "bull", "bear", "chop"}


def test_a_scenario_may_ask_for_another_demand_than_its_markets() -> None:
    assert gas_regime(Gas(regime="quiet_2025"), "crash") == GasRegime.QUIET_2025
    assert (fee_records(Gas(regime="calm"), 12_000, "crash") == fee_records(Gas(), 12_000)).all()
    assert fee_records(Gas(), 12_000, "crash")["eta"] < fee_records(Gas(), 12_000)["eta"]


@pytest.mark.parametrize(("chain", "block_time_ms"), [("ethereum", 12_000), ("base", 2_000), ("arbitrum", 250)])
def test_a_chain_sets_the_block_time(chain: str, block_time_ms: int) -> None:
    assert scenario(gas={"chain": chain}).block_time_ms == block_time_ms
    assert scenario(gas=Gas(chain=chain)).block_time_ms == block_time_ms
    assert scenario(gas={"chain": chain}, block_time_ms=5_000).block_time_ms == 5_000


def test_fields_that_are_given_win_over_those_of_the_chain() -> None:
    gas = Gas(chain="base", elasticity=4)
    assert (gas.elasticity, gas.denominator, gas.gas_limit, gas.missed_slots_percent) == (4, 250, 132_000_000, 0)


def test_a_scenario_without_a_chain_is_on_ethereum() -> None:
    assert scenario().gas == Gas(chain="ethereum")
    assert scenario().block_time_ms == 12_000


@pytest.mark.parametrize("chain", ["solana", ["base"], {}, None, 7])
def test_a_chain_that_is_not_known_is_refused(chain: Any) -> None:
    with pytest.raises(ValidationError, match=r"gas\.chain"):
        scenario(gas={"chain": chain})


def test_a_stored_scenario_is_read_back_as_it_was() -> None:
    written = scenario(gas={"chain": "arbitrum", "regime": "congested"})
    assert Scenario.model_validate(written.model_dump(mode="json")) == written


def scenario(**fields: Any) -> Scenario:
    token = {
        "symbol": "WETH",
        "name": "Ether",
        "token_class": "major",
        "price_usd": 3000,
        "pools": [{"liquidity_usd": 1e8}],
    }
    market = {"source": "synthetic", "tokens": [token]}
    return Scenario.model_validate({"market": market, "accounts": [{"name": "A"}], **fields})


@pytest.mark.parametrize(
    ("max_fee_gwei", "tip_gwei", "paid_gwei"), [(30, 2, 12), (11, 2, 11), (10, 2, 10), (30, 0, 10), (12, 2, 12)]
)
def test_a_transaction_pays_the_base_fee_and_as_much_of_its_tip_as_its_cap_allows(
    max_fee_gwei: int, tip_gwei: int, paid_gwei: int
) -> None:
    assert price_paid(10 * GWEI, max_fee_gwei * GWEI, tip_gwei * GWEI) == paid_gwei * GWEI


TAKEN = {
    "a bid above the base fee": (30, 1, 0),
    "a cap at the base fee": (10, 1, 0),
    "no tip where there is room": (30, 0, 0),
    "a tip at the least of a full block": (30, 2, 2),
}
WAITING = {
    "a cap below the base fee": (9, 1, 0),
    "a tip below the least of a full block": (30, 1, 2),
    "a tip that its cap cuts below the least": (11, 2, 2),
}


@pytest.mark.parametrize(("max_fee", "tip", "least_tip"), TAKEN.values(), ids=TAKEN)
def test_a_block_takes_a_bid_that_meets_its_base_fee_and_least_tip(max_fee: int, tip: int, least_tip: int) -> None:
    assert is_included(10, max_fee, tip, least_tip, 0)


@pytest.mark.parametrize(("max_fee", "tip", "least_tip"), TAKEN.values(), ids=TAKEN)
def test_a_missed_slot_takes_no_bid(max_fee: int, tip: int, least_tip: int) -> None:
    assert not is_included(10, max_fee, tip, least_tip, 1)


@pytest.mark.parametrize(("max_fee", "tip", "least_tip"), WAITING.values(), ids=WAITING)
def test_a_bid_that_is_too_low_waits(max_fee: int, tip: int, least_tip: int) -> None:
    assert not is_included(10, max_fee, tip, least_tip, 0)


@given(gas_used=st.integers(0, 10**10), gas_limit=st.integers(10**6, 10**10))
def test_a_block_is_full_from_98_percent_of_its_limit_on(gas_used: int, gas_limit: int) -> None:
    assert is_full(gas_used, gas_limit) == (100 * gas_used >= 98 * gas_limit)
