"""Replay: a block shows the last bar that had ended, and nothing of what came after."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.market.replay import Recording, ReplaySource
from simulation.market.segment import NATIVE_SHIFT, price_shift_for
from simulation.market.sources import open_source
from simulation.market.synthetic import SyntheticSource
from simulation.scenario import AccountSpec, ReplayMarket, Scenario, SyntheticMarket, Token
from simulation.settings.gas import Gas

PRICES_USD = (2000, 2100, 1900)
MINUTE_MS = 60_000
LISTED = Token(symbol="LINK", name="Chainlink", token_class="mid", price_usd=15.0, pools=[{"liquidity_usd": 8e6}])


def record(symbol: str = "WETH", close_ms: tuple[int, ...] = (0, MINUTE_MS, 3 * MINUTE_MS)) -> Recording:
    """Three bars of a pool of a million USD."""
    units = [10**6 * 10**18 // price for price in PRICES_USD]
    return Recording(
        symbol=symbol,
        name=symbol,
        decimals=18,
        fee_bp=5,
        start_at=datetime(2024, 1, 5, tzinfo=UTC),
        close_ms=np.array(close_ms, np.int64),
        reserve_micro_usd=np.full(3, 10**12, np.uint64),
        reserve_hi=np.array([value >> 64 for value in units], np.uint64),
        reserve_lo=np.array([value & (2**64 - 1) for value in units], np.uint64),
        price_shift=price_shift_for(PRICES_USD[0], 18),
    )


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


@settings(deadline=None, max_examples=30)
@given(cut=st.integers(1, 29), symbol=st.sampled_from(["WETH", "SOL"]))
def test_replayed_blocks_are_the_same_however_they_are_cut(cut: int, symbol: str) -> None:
    source = ReplaySource(record(symbol), Gas(), 1, 12_000)
    whole = source.advance(source.begin(), -10, 30)
    first = source.advance(source.begin(), -10, cut)
    second = source.advance(first[0], -10 + cut, 30 - cut)
    skipped = source.advance(source.skip(source.begin(), -10, cut), -10 + cut, 30 - cut)
    for at in (0, 1, 2):
        assert np.concatenate([first[1][at], second[1][at]]).tobytes() == whole[1][at].tobytes()
        assert skipped[1][at].tobytes() == second[1][at].tobytes()


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
    source = open_source(scenario(ReplayMarket(source="replay", path="weth.csv")), record())
    assert source.n_blocks == 16


def test_a_replay_scenario_without_its_recording_is_refused() -> None:
    with pytest.raises(ValueError, match=r"weth\.csv has not been read"):
        open_source(scenario(ReplayMarket(source="replay", path="weth.csv")), None)
