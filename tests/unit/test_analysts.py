"""The analysts beside the multi-factor one: what they say, and that no cut of a run changes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.intelligence.analysts import (
    ANALYSTS,
    HISTORY_BLOCKS,
    BuyAndHold,
    MarketHistory,
    MeanReversion,
    Momentum,
    MultiFactor,
    Scores,
    WrongScoresError,
    records_of,
    signals_of,
)
from simulation.intelligence.signals import analyse
from simulation.market.segment import TokenInfo
from simulation.state import GAS, MID

N_BLOCKS = 90
TOKENS = (TokenInfo("AAA", "A", 18, 47), TokenInfo("BBB", "B", 8, 20))


def market(paths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return MID and GAS records with prices that follow ``paths``."""
    mids, gas = np.zeros(paths.shape, MID), np.zeros(len(paths), GAS)
    mids["price_q"] = np.rint(paths * 2.0**47)
    mids["depth_micro_usd"] = 10**12
    gas["base_fee_wei"] = 12 * 10**9
    return mids, gas


def walk(seed: int, n_blocks: int = N_BLOCKS) -> tuple[np.ndarray, np.ndarray]:
    steps = np.random.default_rng(seed).normal(0.0, 0.001, (HISTORY_BLOCKS + n_blocks, 2))
    return market(np.exp(np.cumsum(steps, axis=0)))


def steady(percent: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a market that moves by so much over its history."""
    return market(np.linspace(1.0, 1.0 + percent / 100, HISTORY_BLOCKS + 1)[:, np.newaxis].repeat(2, axis=1))


@pytest.mark.parametrize("name", ANALYSTS)
@settings(max_examples=25, deadline=None)
@given(cut=st.integers(1, N_BLOCKS - 1), seed=st.integers(0, 50))
def test_every_built_in_analyst_says_the_same_however_a_run_is_cut(name: str, cut: int, seed: int) -> None:
    mids, gas = walk(seed)
    analyst = ANALYSTS[name]()
    seen = HISTORY_BLOCKS + cut
    parts = [signals_of(analyst, mids[:seen], gas[:seen], TOKENS), signals_of(analyst, mids[cut:], gas[cut:], TOKENS)]
    assert np.concatenate(parts).tobytes() == signals_of(analyst, mids, gas, TOKENS).tobytes()


@pytest.mark.parametrize("lookback_blocks", [2, 64, 1024])
def test_a_mean_is_the_same_to_the_bit_wherever_its_rows_began(lookback_blocks: int) -> None:
    mids, gas = walk(3)
    analyst = MeanReversion(lookback_blocks)
    later = signals_of(analyst, mids[40:], gas[40:], TOKENS)
    assert later.tobytes() == signals_of(analyst, mids, gas, TOKENS)[40:].tobytes()


def test_the_multi_factor_analyst_keeps_its_exact_path() -> None:
    mids, gas = walk(1)
    assert signals_of(MultiFactor(), mids, gas, TOKENS).tobytes() == analyse(mids, gas, N_BLOCKS).tobytes()


def test_momentum_buys_what_rises_and_mean_reversion_what_falls() -> None:
    for percent, sign in ((8.0, 1), (-8.0, -1)):
        mids, gas = steady(percent)
        follows, opposes = (signals_of(analyst, mids, gas, TOKENS)[-1, 0] for analyst in (Momentum(), MeanReversion()))
        assert (int(follows["opportunity_bp"]) - 5_000) * sign > 1_000 < follows["confidence_bp"]
        assert (int(opposes["opportunity_bp"]) - 5_000) * sign < -500 < 500 < opposes["confidence_bp"]


def test_a_longer_lookback_sees_an_older_move() -> None:
    paths = np.ones((HISTORY_BLOCKS + 1, 2))
    paths[-200:] = 1.05
    short, long = (signals_of(Momentum(blocks), *market(paths), TOKENS)[-1, 0] for blocks in (100, 300))
    assert short["opportunity_bp"] == 5_000 < long["opportunity_bp"]


def test_buy_and_hold_always_buys_and_never_doubts() -> None:
    said = signals_of(BuyAndHold(), *walk(5), TOKENS)
    assert (said["opportunity_bp"] == 10_000).all()
    assert (said["confidence_bp"] == 10_000).all()


def test_an_analyst_without_factors_leaves_them_zero_and_its_risk_neutral() -> None:
    said = signals_of(Momentum(), *walk(5), TOKENS)
    assert not any(said[f"{name}_bp"].any() for name in ("trend", "momentum", "volatility", "depth", "gas"))
    assert (said["risk_bp"] == 5_000).all()


def test_a_market_is_shown_in_usd_and_gwei_and_cannot_be_written_to() -> None:
    seen: list[MarketHistory] = []

    class Looks(BuyAndHold):
        def analyse(self, market: MarketHistory) -> Scores:
            seen.append(market)
            return super().analyse(market)

    signals_of(Looks(), *market(np.full((HISTORY_BLOCKS + 3, 2), 2.0)), TOKENS)
    (shown,) = seen
    assert shown.price_usd[0].tolist() == [2.0 * 10**12, 2.0 * 2**27 * 100.0]
    assert (shown.liquidity_usd[0, 0], shown.base_fee_gwei[0]) == (1e6, 12.0)
    assert (shown.shape, shown.symbols) == ((3, 2), ("AAA", "BBB"))
    with pytest.raises(ValueError, match="read-only"):
        shown.price_usd[0, 0] = 1.0


@pytest.mark.parametrize("wrong", [{"lookback_blocks": 0}, {"lookback_blocks": 1801}])
def test_a_span_beyond_the_history_is_refused(wrong: dict[str, int]) -> None:
    for kind in (Momentum, MeanReversion):
        with pytest.raises(ValueError, match="lookback_blocks"):
            kind(**wrong)


GOOD = np.full((3, 2), 60.0)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "answers with NoneType where Scores are expected"),
        (Scores([1.0], GOOD), "gives opportunity_percent as list where an array of numbers"),  # type: ignore[arg-type]
        (Scores(GOOD, GOOD.astype(str)), "gives confidence_percent as array of <U32"),  # type: ignore[arg-type]
        (Scores(GOOD, GOOD[:2]), r"gives confidence_percent of shape \(2, 2\) where \(blocks, tokens\) is \(3, 2\)"),
        (Scores(GOOD * np.nan, GOOD), "gives opportunity_percent nan at row 0, column 0; 0 to 100 is allowed"),
        (Scores(GOOD, GOOD, GOOD + 41), "gives risk_percent 101.0 at row 0"),
        (Scores(GOOD, -GOOD), "gives confidence_percent -60.0"),
        (Scores(GOOD, GOOD * np.inf), "gives confidence_percent inf"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused_with_a_sentence(answer: Any, sentence: str) -> None:
    with pytest.raises(WrongScoresError, match=sentence):
        records_of(answer, (3, 2))
