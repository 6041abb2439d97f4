"""The built-in analyst: what it looks at, what it makes of it, and that cutting a run changes nothing."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.intelligence.features import measure
from simulation.intelligence.signals import FACTORS, HISTORY_BLOCKS, NEUTRAL_BP, analyse
from simulation.state import GAS, MID, SIGNAL

VOLATILITIES = np.array([0.0005, 0.0005, 0.0007, 0.001])  # per block: two majors, a mid, a meme
RESERVES_USD = np.array([50e6, 20e6, 5e6, 300e3])


def walk(seed: int, n_blocks: int, volatilities: np.ndarray = VOLATILITIES) -> tuple[np.ndarray, np.ndarray]:
    """Return mids and gas of ``n_blocks`` blocks after a past, with prices on random walks."""
    random = np.random.default_rng(seed)
    steps = random.standard_normal((HISTORY_BLOCKS + n_blocks, len(volatilities)))
    paths = np.exp(np.cumsum(steps * volatilities, axis=0))
    return market(paths, 12e9 * np.exp(0.1 * random.standard_normal(len(paths))))


def market(paths: np.ndarray, base_fee_wei: np.ndarray | float = 12e9) -> tuple[np.ndarray, np.ndarray]:
    mids, gas = np.zeros(paths.shape, MID), np.zeros(len(paths), GAS)
    mids["price_q"] = (paths * 2.0**47).astype(np.uint64)
    mids["depth_micro_usd"] = (RESERVES_USD[: paths.shape[1]] * 1e6).astype(np.uint64)
    gas["base_fee_wei"] = base_fee_wei
    return mids, gas


def only(n_blocks: int, tokens: int = 1) -> np.ndarray:
    return np.ones((HISTORY_BLOCKS + n_blocks, tokens))


def last(mids: np.ndarray, gas: np.ndarray) -> Any:
    return analyse(mids, gas, len(gas) - HISTORY_BLOCKS)[-1, 0]


LONG = walk(7, 120)


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 120), seed=st.integers(0, 50))
def test_two_adjoining_pieces_say_the_same_as_the_whole(cut: int, seed: int) -> None:
    mids, gas = walk(seed, 120)
    first = analyse(mids[: HISTORY_BLOCKS + cut], gas[: HISTORY_BLOCKS + cut], cut)
    second = analyse(mids[cut:], gas[cut:], 120 - cut)
    assert np.concatenate([first, second]).tobytes() == analyse(mids, gas, 120).tobytes()


@settings(max_examples=40, deadline=None)
@given(block=st.integers(0, 119))
def test_a_signal_knows_nothing_of_later_blocks(block: int) -> None:
    mids, gas = LONG
    seen = HISTORY_BLOCKS + block + 1
    assert analyse(mids[:seen], gas[:seen], block + 1)[-1].tobytes() == analyse(mids, gas, 120)[block].tobytes()


def test_a_signal_remembers_no_block_older_than_its_history() -> None:
    mids, gas = (records.copy() for records in LONG)
    before = analyse(mids, gas, 120)
    mids["price_q"][0] *= np.uint64(3)
    gas["base_fee_wei"][0] *= 3
    assert analyse(mids, gas, 120)[1:].tobytes() == before[1:].tobytes()


def test_each_token_is_judged_by_its_own_pool() -> None:
    mids, gas = LONG
    together = analyse(mids, gas, 120)
    for token in range(mids.shape[1]):
        alone = analyse(mids[:, token : token + 1], gas, 120)
        assert alone[:, 0].tobytes() == together[:, token].tobytes()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), bits=st.floats(0, 62))
def test_every_score_stays_within_its_bounds_whatever_the_market_does(seed: int, bits: float) -> None:
    random = np.random.default_rng(seed)
    mids, gas = market(only(40))
    for records, name in ((mids, "price_q"), (mids, "depth_micro_usd"), (gas, "base_fee_wei")):
        records[name] = 2.0 ** random.uniform(0, min(bits, 50 if name == "base_fee_wei" else bits), records.shape)
    signals = analyse(mids, gas, 40)
    for name in SIGNAL.names or ():
        assert signals[name].max() <= 10_000
        assert signals[name].min() >= (0 if name in {"opportunity_bp", "risk_bp", "confidence_bp"} else -10_000)


@pytest.mark.parametrize("price_q", [0, 1, 2**47, 2**64 - 1])
@pytest.mark.parametrize("depth_micro_usd", [0, 10**18])
@pytest.mark.parametrize("base_fee_wei", [0, 7, 10**14])
def test_a_market_that_stands_still_is_neutral(price_q: int, depth_micro_usd: int, base_fee_wei: int) -> None:
    mids, gas = market(only(5, 2), base_fee_wei)
    mids["price_q"], mids["depth_micro_usd"] = price_q, depth_micro_usd
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        signals = analyse(mids, gas, 5)
    assert (signals["opportunity_bp"] == NEUTRAL_BP).all()
    assert not signals["confidence_bp"].any()
    assert not signals["volatility_bp"].any()


def test_a_price_that_climbs_speaks_for_buying_and_one_that_falls_against_it() -> None:
    rise = np.exp(np.linspace(0, 0.05, HISTORY_BLOCKS + 1))[:, np.newaxis]
    up, down = last(*market(rise)), last(*market(1 / rise))
    assert up["trend_bp"] > 8000 < up["momentum_bp"]
    assert up["opportunity_bp"] > NEUTRAL_BP > down["opportunity_bp"]
    assert up["confidence_bp"] > 7000
    assert down["confidence_bp"] > 6000


def test_the_same_climb_means_less_in_a_wilder_market() -> None:
    climb = np.linspace(0, 0.02, HISTORY_BLOCKS + 1)
    noise = np.random.default_rng(3).choice([-1.0, 1.0], HISTORY_BLOCKS + 1)
    calm, wild = (last(*market(np.exp(climb + size * noise)[:, np.newaxis])) for size in (0.0001, 0.001))
    assert calm["trend_bp"] > wild["trend_bp"] > 0


def test_calm_markets_speak_for_buying_and_wild_ones_are_a_risk() -> None:
    calm, wild = (last(*walk(5, 1, np.array([volatility]))) for volatility in (0.0002, 0.004))
    assert calm["volatility_bp"] > 3000
    assert wild["volatility_bp"] < -3000
    assert calm["risk_bp"] < wild["risk_bp"]


def test_a_deeper_pool_is_a_smaller_risk() -> None:
    risks = []
    for reserve_usd in (10_000, 316_000, 10_000_000):
        mids, gas = market(only(1))
        mids["depth_micro_usd"] = reserve_usd * 10**6
        risks.append((last(mids, gas)["depth_bp"], last(mids, gas)["risk_bp"]))
    (thin, thin_risk), (middle, middle_risk), (deep, deep_risk) = risks
    assert thin < -6500
    assert middle == 0
    assert deep > 6500
    assert thin_risk > middle_risk > deep_risk


def test_gas_is_judged_against_its_own_mean() -> None:
    fees = np.full(HISTORY_BLOCKS + 1, 12e9)
    usual = last(*market(only(1), fees))["gas_bp"]
    fees[-1] = 24e9
    dear = last(*market(only(1), fees))["gas_bp"]
    fees[-1] = 6e9
    cheap = last(*market(only(1), fees))["gas_bp"]
    assert usual == 0
    assert dear < -5000
    assert cheap > 5000


def test_confidence_falls_when_the_factors_disagree() -> None:
    fall_after_rise = np.concatenate([np.linspace(0, 0.1, HISTORY_BLOCKS - 299), np.linspace(0.1, 0.09, 300)])
    torn = last(*market(np.exp(fall_after_rise)[:, np.newaxis]))
    assert torn["trend_bp"] > 0 > torn["momentum_bp"]
    assert torn["confidence_bp"] < 3000


def test_one_enormous_jump_does_not_blind_the_analyst() -> None:
    paths = only(1)
    paths[HISTORY_BLOCKS // 2 :] = 1000.0
    assert measure(*market(paths)).volatility[-1, 0] == pytest.approx(0.05 / np.sqrt(HISTORY_BLOCKS), rel=0.01)


def test_volatility_is_that_of_the_market_where_the_pool_follows_it_late() -> None:
    steps = np.random.default_rng(11).choice([-0.001, 0.001], HISTORY_BLOCKS + 1)
    prompt = np.exp(np.cumsum(steps))[:, np.newaxis]
    late = np.repeat(prompt[::5], 5, axis=0)  # the pool moves in every fifth block only
    seen = [measure(*market(paths)).volatility[-1, 0] for paths in (prompt, late[: len(prompt)])]
    assert seen[1] == pytest.approx(seen[0], rel=0.1)


def test_the_weights_of_each_score_add_up_to_one_hundred_percent() -> None:
    assert sum(factor.opportunity_weight for factor in FACTORS) == 100
    assert sum(factor.risk_weight for factor in FACTORS) == 100


def test_thresholds_from_50_to_70_percent_let_a_useful_share_of_moments_through() -> None:
    signals = np.concatenate([analyse(*walk(seed, 8000), 8000) for seed in range(5)])
    share = {
        bp: float(np.mean((signals["opportunity_bp"] > NEUTRAL_BP) & (signals["confidence_bp"] >= bp)))
        for bp in (5000, 6000, 7000)
    }
    assert 0.15 < share[5000] < 0.25
    assert 0.05 < share[6000] < 0.15
    assert 0.03 < share[7000] < 0.08


def test_a_sale_is_signalled_about_as_often_as_a_purchase() -> None:
    signals = np.concatenate([analyse(*walk(seed, 8000), 8000) for seed in range(5)])
    share = np.mean((signals["opportunity_bp"] < NEUTRAL_BP) & (signals["confidence_bp"] >= 6000))
    assert 0.03 < share < 0.15
