"""Replay: a block shows the last bar that had ended, and nothing of what came after."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation import wei
from simulation.market.replay import (
    RecordedFees,
    RecordedPool,
    RecordedToken,
    Recording,
    ReplaySource,
    concentrated,
)
from simulation.market.segment import NATIVE_SHIFT, PoolInfo, price_shift_for, terms_of
from simulation.market.sources import open_source
from simulation.market.synthetic import SyntheticSource
from simulation.scenario import AccountSpec, Scenario
from simulation.settings.gas import Gas
from simulation.settings.market import ReplayMarket, SyntheticMarket, Token
from simulation.state import POOL

START_MS = 1_704_412_800_000
V2 = PoolInfo("uniswap_v2", 5)
PRICES_USD = (2000, 2100, 1900)
MINUTE_MS = 60_000
LISTED = Token(symbol="LINK", name="Chainlink", token_class="mid", price_usd=15.0, pools=[{"liquidity_usd": 8e6}])


def pool(close_ms: tuple[int, ...], prices_usd: tuple[float, ...] = PRICES_USD, terms: PoolInfo = V2) -> RecordedPool:
    """A constant product pool of a million USD, or of other tokens, at each price."""
    states = np.zeros(len(prices_usd), POOL)
    states["other_lo"] = 10**12
    units = [wei.split(10**24 // round(price)) for price in prices_usd]
    states["reserve_hi"], states["reserve_lo"] = zip(*units, strict=True)
    return RecordedPool(terms, START_MS + np.array(close_ms, np.int64), states)


def token(symbol: str, *pools: RecordedPool) -> RecordedToken:
    return RecordedToken(symbol, symbol, 18, price_shift_for(PRICES_USD[0], 18), pools)


def record(symbol: str = "WETH", close_ms: tuple[int, ...] = (0, MINUTE_MS, 3 * MINUTE_MS), **how: Any) -> Recording:
    """Three bars of a pool of a million USD."""
    return Recording((token(symbol, pool(close_ms)),), START_MS, START_MS + close_ms[-1], **how)


def concentrated_pool(sqrt_prices: tuple[int, ...], *, token_is_zero: bool) -> RecordedPool:
    states = [concentrated(sqrt_price, 10**19, token_is_zero=token_is_zero) for sqrt_price in sqrt_prices]
    terms = PoolInfo("uniswap_v3", 5, token_is_zero=token_is_zero)
    return RecordedPool(terms, START_MS + np.arange(len(states)) * MINUTE_MS, np.array(states, POOL))


def prices_usd(source: ReplaySource, first_block: int, n_blocks: int) -> list[float]:
    _, blocks = source.advance(source.begin(), first_block, n_blocks)
    return [source.tokens[0].price_usd(int(price_q)) for price_q in blocks.mids["price_q"][:, 0]]


def scenario(market: SyntheticMarket | ReplayMarket) -> Scenario:
    return Scenario(market=market, accounts=(AccountSpec(name="one"),))


def test_a_block_shows_the_last_bar_that_ended_by_then() -> None:
    source = ReplaySource(record(), Gas(), 1, 12_000)
    expected = [2000] * 5 + [2100] * 10 + [1900]
    assert source.n_blocks == len(expected)
    assert prices_usd(source, 0, len(expected)) == pytest.approx(expected, rel=1e-12)


def test_a_bar_that_ends_inside_a_block_shows_from_the_next_one_on() -> None:
    source = ReplaySource(record(close_ms=(0, 12_001, 24_001)), Gas(), 1, 12_000)
    assert prices_usd(source, 0, 3) == pytest.approx([2000, 2000, 2100], rel=1e-12)


def test_the_warm_up_shows_the_first_bar() -> None:
    assert prices_usd(ReplaySource(record(), Gas(), 1, 12_000), -3, 4) == pytest.approx([2000] * 4, rel=1e-12)


TWO = Recording(
    (
        token("WETH", concentrated_pool((1662 * 10**30, 1665 * 10**30, 1660 * 10**30), token_is_zero=False)),
        token("SOL", pool((0, 5, 2 * MINUTE_MS), (3, 4, 2), PoolInfo("uniswap_v2", 30, "WETH")), pool((0, 7, 9))),
    ),
    START_MS,
    START_MS + 2 * MINUTE_MS,
    RecordedFees(START_MS + np.array([0, MINUTE_MS]), np.array([7, 9]) * 10**9),
    speed=1.5,
    repeat=3,
)
"""A hub and a token against it, played three times, with gas."""


@settings(deadline=None, max_examples=30)
@given(cut=st.integers(1, 39), recording=st.sampled_from([record(), record("SOL", speed=0.3), TWO]))
def test_replayed_blocks_are_the_same_however_they_are_cut(cut: int, recording: Recording) -> None:
    source = ReplaySource(recording, Gas(), 1, 12_000)
    whole = source.advance(source.begin(), -10, 40)
    first = source.advance(source.begin(), -10, cut)
    second = source.advance(first[0], -10 + cut, 40 - cut)
    skipped = source.advance(source.skip(source.begin(), -10, cut), -10 + cut, 40 - cut)
    for at in (0, 1, 2):
        assert np.concatenate([first[1][at], second[1][at]]).tobytes() == whole[1][at].tobytes()
        assert skipped[1][at].tobytes() == second[1][at].tobytes()


def test_twice_the_speed_shows_every_second_block() -> None:
    slow, fast = (ReplaySource(record(speed=speed), Gas(), 1, 12_000) for speed in (1.0, 2.0))
    assert prices_usd(fast, 0, 8) == prices_usd(slow, 0, 16)[::2]
    assert fast.n_blocks == 8


def test_a_second_pass_begins_at_the_price_where_the_first_ended() -> None:
    source = ReplaySource(record(repeat=2), Gas(), 1, 12_000)
    assert source.n_blocks == 31
    assert prices_usd(source, 14, 7) == pytest.approx([2100, 1900, 1900, 1900, 1900, 1900, 1995], rel=1e-9)
    assert prices_usd(source, 30, 1) == pytest.approx([1900 * 0.95], rel=1e-9)


@pytest.mark.parametrize("token_is_zero", [True, False])
def test_a_repeated_concentrated_pool_keeps_its_liquidity_and_moves_its_sqrt_price(token_is_zero: bool) -> None:  # noqa: FBT001
    roots = tuple(root // (1 if not token_is_zero else 10**9) for root in (1662 * 10**30, 1665 * 10**30, 1660 * 10**30))
    recorded = token("WETH", concentrated_pool(roots, token_is_zero=token_is_zero))
    source = ReplaySource(Recording((recorded,), START_MS, START_MS + 2 * MINUTE_MS, repeat=2), Gas(), 1, 60_000)
    states = source.advance(source.begin(), 0, 5)[1].pools[:, 0]
    shown = [(int(state["sqrt_2"]) << 128) + wei.join(state["sqrt_1"], state["sqrt_0"]) for state in states]
    assert shown[:2] == list(roots[:2])
    assert shown[2] == pytest.approx(roots[2], rel=1e-15)
    assert shown[3:] == pytest.approx([roots[1] * roots[2] / roots[0], roots[2] ** 2 / roots[0]], rel=1e-12)
    assert {wei.join(state["liquidity_hi"], state["liquidity_lo"]) for state in states} == {10**19}


def test_a_token_against_another_is_worth_what_the_other_is() -> None:
    source = ReplaySource(TWO, Gas(), 1, 12_000)
    hub, priced = source.advance(source.begin(), 0, 1)[1].mids["price_q"][0]
    hub_usd = source.tokens[0].price_usd(int(hub))
    reserve = 10**24 // 3
    assert hub_usd == pytest.approx(2**192 / (1662 * 10**30) ** 2 * 1e12, rel=1e-12)
    assert source.tokens[1].price_usd(int(priced)) == pytest.approx(10**12 / reserve * hub_usd, rel=1e-3)


def test_all_pools_of_a_token_are_multiplied_alike_in_a_later_pass() -> None:
    source = ReplaySource(TWO, Gas(), 1, 1)
    pools = source.advance(source.begin(), 0, source.n_blocks or 0)[1].pools
    own = pools["reserve_lo"][:, 2].astype(float) + pools["reserve_hi"][:, 2] * 2.0**64
    growth = [float(factor) / 2**96 for factor in TWO.growth_q96()]
    passed = 2 * MINUTE_MS * 2 // 3
    assert own[passed] == pytest.approx(own[0] / growth[1], rel=1e-9)


def test_a_recorded_base_fee_holds_until_the_next() -> None:
    source = ReplaySource(TWO, Gas(), 1, 20_000)
    gas = source.advance(source.begin(), 0, 4)[1].gas
    assert gas["base_fee_wei"].tolist() == [7 * 10**9] * 2 + [9 * 10**9] * 2


def test_the_recording_says_which_side_of_the_contract_the_token_is() -> None:
    for token_is_zero in (True, False):
        recorded = token("WETH", concentrated_pool((2**96,), token_is_zero=token_is_zero))
        source = ReplaySource(Recording((recorded,), START_MS, START_MS), Gas(), 1, 12_000)
        assert bool(terms_of(source.tokens).pairs[0]["token_is_zero"]) is token_is_zero


def test_the_recorded_ether_prices_the_gas() -> None:
    source = ReplaySource(record(), Gas(), 1, 12_000)
    gas = source.advance(source.begin(), 4, 2)[1].gas
    assert gas["native_price_q"] / 2.0**NATIVE_SHIFT * 1e12 == pytest.approx([2000, 2100], rel=1e-12)


def test_another_recording_prices_gas_by_a_made_up_ether() -> None:
    source = ReplaySource(record("SOL"), Gas(), 1, 12_000)
    gas = source.advance(source.begin(), 0, 16)[1].gas
    assert gas["native_price_q"] / 2.0**NATIVE_SHIFT * 1e12 == pytest.approx([2500] * 16, rel=0.2)
    assert len(set(gas["native_price_q"].tolist())) == 16


def test_gas_is_that_of_the_model_whatever_the_prices_come_from() -> None:
    replay = ReplaySource(record("SOL"), Gas(), 3, 12_000)
    synthetic = SyntheticSource(SyntheticMarket(tokens=(LISTED,)), Gas(), 3, 12_000)
    replayed, made = (source.advance(source.begin(), 0, 50)[1].gas for source in (replay, synthetic))
    assert replayed.tobytes() == made.tobytes()


def test_a_synthetic_scenario_opens_a_market_without_an_end() -> None:
    source = open_source(scenario(SyntheticMarket(tokens=(LISTED,))), None)
    assert source.n_blocks is None
    assert [token.symbol for token in source.tokens] == ["LINK"]


def test_a_replay_scenario_opens_its_recording() -> None:
    source = open_source(scenario(ReplayMarket(source="replay", recordings=[{"path": "weth.csv"}])), record())
    assert source.n_blocks == 16


def test_a_replay_scenario_without_its_recording_is_refused() -> None:
    with pytest.raises(ValueError, match=r"weth\.csv has not been read"):
        open_source(scenario(ReplayMarket(source="replay", recordings=[{"path": "weth.csv"}])), None)
