"""The synthetic market: a function of its inputs, within its integers, and about as restless as the real one."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation import wei
from simulation.market.segment import NATIVE_SHIFT, Blocks, terms_of
from simulation.market.synthetic import NATIVE_TOKEN, SyntheticSource
from simulation.settings.gas import Gas
from simulation.settings.market import SyntheticMarket, Token

BLOCK_TIME_MS = 12_000


def token(
    symbol: str, token_class: str, price_usd: float, liquidity_usd: float, decimals: int = 18, **pool: Any
) -> Token:
    pools = ({"liquidity_usd": liquidity_usd, **pool},)
    return Token(
        symbol=symbol, name=symbol, token_class=token_class, price_usd=price_usd, decimals=decimals, pools=pools
    )


WETH = token("WETH", "major", 3000.0, 1e8, fee_bp=5)
WBTC = token("WBTC", "major", 60_000.0, 5e7, decimals=8, fee_bp=5)
LINK = token("LINK", "mid", 15.0, 8e6)
PEPE = token("PEPE", "meme", 1e-5, 1e6, fee_bp=100)
MARKET = SyntheticMarket(tokens=(WETH, WBTC, LINK, PEPE))


def open_market(*tokens: Token, seed: int = 1, block_time_ms: int = BLOCK_TIME_MS) -> SyntheticSource:
    market = SyntheticMarket(tokens=tokens) if tokens else MARKET
    return SyntheticSource(market, Gas(), seed, block_time_ms)


def make(source: SyntheticSource, n_blocks: int, first_block: int = 0) -> Blocks:
    return source.advance(source.begin(), first_block, n_blocks)[1]


@settings(deadline=None, max_examples=30)
@given(first_block=st.integers(-3000, 3000), cuts=st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_blocks_are_the_same_however_they_are_cut(first_block: int, cuts: list[int]) -> None:
    source = open_market()
    carried, block, parts = source.begin(), first_block, []
    for n_blocks in cuts:
        carried, part = source.advance(carried, block, n_blocks)
        block += n_blocks
        parts.append(part)
    whole = make(source, sum(cuts), first_block)
    for at in (0, 1, 2):
        assert np.concatenate([part[at] for part in parts]).tobytes() == whole[at].tobytes()


@settings(deadline=None, max_examples=30)
@given(first_block=st.integers(-3000, 3000), skipped=st.integers(0, 300), made=st.integers(1, 40))
def test_blocks_are_the_same_after_a_skip(first_block: int, skipped: int, made: int) -> None:
    source = open_market()
    carried = source.skip(source.begin(), first_block, skipped)
    _, after = source.advance(carried, first_block + skipped, made)
    whole = make(source, skipped + made, first_block)
    assert [part.tobytes() for part in after] == [part[skipped:].tobytes() for part in whole]


def test_the_same_seed_gives_the_same_bits() -> None:
    for first, second in zip(make(open_market(seed=9), 500), make(open_market(seed=9), 500), strict=True):
        assert first.tobytes() == second.tobytes()


def test_another_seed_gives_another_market() -> None:
    for first, second in zip(make(open_market(seed=1), 10), make(open_market(seed=2), 10), strict=True):
        assert first.tobytes() != second.tobytes()


def test_advancing_leaves_what_was_carried_as_it_was() -> None:
    source = open_market()
    carried = source.begin()
    before = pickle.dumps(carried)
    source.advance(carried, 0, 100)
    source.skip(carried, 0, 100)
    assert pickle.dumps(carried) == before


def test_a_market_goes_on_from_a_pickle() -> None:
    source = open_market()
    carried, _ = source.advance(source.begin(), 0, 50)
    copied_source, copied = pickle.loads(pickle.dumps((source, carried)))
    copies, originals = copied_source.advance(copied, 50, 50)[1], source.advance(carried, 50, 50)[1]
    assert [part.tobytes() for part in copies] == [part.tobytes() for part in originals]


def test_a_token_moves_the_same_whatever_else_is_listed() -> None:
    together, alone = make(open_market(), 200), make(open_market(LINK), 200)
    assert together.mids[:, 2].tobytes() == alone.mids[:, 0].tobytes()
    assert together.pools[:, 2].tobytes() == alone.pools[:, 0].tobytes()


def test_tokens_of_a_class_do_not_move_alike() -> None:
    mids = make(open_market(WETH, token("OTHER", "major", 3000.0, 1e8, fee_bp=5)), 200).mids
    assert not np.array_equal(mids["price_q"][:, 0], mids["price_q"][:, 1])


def test_a_market_begins_near_the_prices_and_reserves_of_the_scenario() -> None:
    source = open_market()
    mids, pools, _ = make(source, 1, -1800)
    for info, listed, mid, pool in zip(source.tokens, MARKET.tokens, mids[0], pools[0], strict=True):
        assert info.price_usd(int(mid["price_q"])) == pytest.approx(listed.price_usd, rel=0.05)
        assert mid["depth_micro_usd"] / 1e6 == pytest.approx(listed.pools[0].liquidity_usd, rel=0.05)
        assert wei.join(pool["other_hi"], pool["other_lo"]) / 1e6 == pytest.approx(
            listed.pools[0].liquidity_usd, rel=0.05
        )


def test_the_mid_is_the_price_of_the_first_pool() -> None:
    source = open_market()
    mids, pools, _ = make(source, 100)
    for row in range(100):
        for info, mid, pool in zip(source.tokens, mids[row], pools[row], strict=True):
            other, units = (wei.join(pool[f"{side}_hi"], pool[f"{side}_lo"]) for side in ("other", "reserve"))
            assert int(mid["price_q"]) == pytest.approx((other << info.price_shift) / units, rel=1e-9)


def test_a_concentrated_pool_has_one_price_and_one_liquidity() -> None:
    source = open_market()
    pools = make(source, 100).pools
    for column, (info, pair) in enumerate(zip(source.tokens, terms_of(source.tokens).pairs, strict=True)):
        for pool in pools[:, column]:
            other, units = (wei.join(pool[f"{side}_hi"], pool[f"{side}_lo"]) for side in ("other", "reserve"))
            root = ((int(pool["sqrt_2"]) << 128) + wei.join(pool["sqrt_1"], pool["sqrt_0"])) / 2**96
            price = other / units if pair["token_is_zero"] else units / other
            assert root**2 == pytest.approx(price, rel=1e-9), info.symbol
            assert wei.join(pool["liquidity_hi"], pool["liquidity_lo"]) ** 2 == pytest.approx(other * units, rel=1e-9)


def test_a_pool_against_another_token_prices_it_through_that_token() -> None:
    hop = Token(
        symbol="HOP", name="HOP", token_class="meme", price_usd=2.0,
        pools=({"liquidity_usd": 1e6, "against": "WETH", "venue": "uniswap_v2"}, {"liquidity_usd": 1e6}),
    )  # fmt: skip
    source = open_market(WETH, hop)
    mids, pools, _ = make(source, 300)
    for row in range(300):
        weth, units = (
            wei.join(pools[row, 1][f"{side}_hi"], pools[row, 1][f"{side}_lo"]) for side in ("other", "reserve")
        )
        through_weth = weth / units * source.tokens[0].price_usd(int(mids[row, 0]["price_q"]))
        assert source.tokens[1].price_usd(int(mids[row, 1]["price_q"])) == pytest.approx(through_weth, rel=0.0006)
        usd, units = (
            wei.join(pools[row, 2][f"{side}_hi"], pools[row, 2][f"{side}_lo"]) for side in ("other", "reserve")
        )
        assert usd / units * 1e12 == pytest.approx(through_weth, rel=0.008)


def test_a_pool_stays_within_its_fee_of_the_reference_price() -> None:
    source = open_market()
    carried = source.begin()
    bands = [-np.log1p(-listed.pools[0].fee_bp * 1e-4) for listed in MARKET.tokens]
    for block in range(2000):
        carried, _ = source.advance(carried, block, 1)
        assert (np.abs(carried.logs - carried.paths["price"]) <= np.array(bands) * (1 + 1e-9)).all()


def test_gas_is_priced_by_the_weth_that_is_traded() -> None:
    mids, _, gas = make(open_market(), 2000)
    traded = mids["price_q"][:, 0] * 2.0 ** (NATIVE_SHIFT - open_market().tokens[0].price_shift)
    assert np.abs(np.log(gas["native_price_q"] / traded)).max() <= 0.00051


def test_gas_has_a_price_in_a_market_without_weth() -> None:
    alone, beside = make(open_market(LINK), 10), make(open_market(LINK, NATIVE_TOKEN), 10)
    assert alone.gas.tobytes() == beside.gas.tobytes()


EXTREMES = [
    token("CHEAP", "meme", 2e-7, 1e6, venue="uniswap_v2"),
    token("DEAR", "meme", 1e6, 1e11, decimals=6),
    token("WHOLE", "meme", 0.01, 1e6, decimals=0, venue="uniswap_v2"),
    token("THIN", "meme", 100.0, 1e3),
    token("RUGGED", "new_meme", 1.0, 1e3),
]


def test_integers_hold_the_extremes_for_as_long_as_a_run_may_be() -> None:
    mids, pools, gas = make(open_market(*EXTREMES, seed=5, block_time_ms=600_000), 200_000)
    assert mids["price_q"].min() > 0
    assert mids["price_q"].max() < 2**63
    assert mids["depth_micro_usd"].max() < 2**63
    for side in ("other", "reserve"):
        assert pools[f"{side}_hi"].max() < 1 << 48
        assert ((pools[f"{side}_hi"] > 0) | (pools[f"{side}_lo"] >= 10_000)).all()
    assert gas["native_price_q"].max() < 2**63


@pytest.mark.parametrize(
    "refused", [token("DUST", "meme", 1e-6, 1e11), token("CHUNKY", "mid", 1e6, 1e6, decimals=0)], ids=lambda t: t.symbol
)
def test_a_pool_that_the_integers_cannot_hold_is_refused_by_name(refused: Token) -> None:
    with pytest.raises(ValueError, match=rf"token {refused.symbol}: .* base units of "):
        open_market(refused)
