"""The words for a decision: complete, true to the numbers, pleasant to read."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from simulation.choices import DecisionType, Lane, Reason
from simulation.intelligence.explanations import (
    Decided,
    Explanation,
    confidence_level,
    decided,
    explain,
    in_words,
    price_text,
)
from simulation.intelligence.signals import FACTORS
from simulation.market.segment import NATIVE_SHIFT, PoolInfo, TokenInfo, price_shift_for
from simulation.settings.strategy import Strategy
from simulation.state import DECISION, GAS, MID, SIGNAL, Case

WETH = TokenInfo("WETH", "Wrapped Ether", 18, price_shift_for(3000.0, 18), (PoolInfo(fee_bp=5),))
PEPE = TokenInfo("PEPE", "Pepe", 18, price_shift_for(1.23e-6, 18))
RISING = (5500, 8100, 1700, 7800, -300, 7900, 3420, 7210)
FALLING = (-5500, -8100, -2600, 7800, 3000, 2100, 5500, 6500)


def tell(
    kind: DecisionType,
    reason: Reason,
    observed: int = 0,
    limit: int = 0,
    signal: tuple[int, ...] = RISING,
    *,
    token: TokenInfo = WETH,
    price_usd: float = 3012.40,
    reserve_usd: int = 20_000_000,
    strategy: Strategy | None = None,
) -> Explanation:
    decision, scores, mid, gas = (np.zeros(1, dtype) for dtype in (DECISION, SIGNAL, MID, GAS))
    for name, value in (("type", kind), ("reason", reason), ("observed", observed), ("limit", limit), ("trade", -1)):
        decision[name] = value
    scores[0] = signal
    mid["price_q"] = round(price_usd * 10.0 ** (6 - token.decimals) * 2.0**token.price_shift)
    mid["depth_micro_usd"] = reserve_usd * 10**6
    gas["base_fee_wei"], gas["priority_fee_wei"] = 12 * 10**9, 10**9
    gas["native_price_q"] = round(3000e-12 * 2.0**NATIVE_SHIFT)
    rival = PEPE if reason == Reason.BETTER_CANDIDATE else None
    return explain(decided(decision[0]), scores[0], mid[0], gas[0], token, strategy or Strategy(), rival)


def test_a_purchase_names_its_price_its_confidence_and_the_factors_that_led_to_it() -> None:
    assert tell(DecisionType.BUY, Reason.SIGNAL, 7210, 6000).primary_reasoning == (
        "Buying WETH at 3,012.40 USD: confidence 72.1 % is above the threshold of 60 %, "
        "led by momentum (+0.81) and trend (+0.55)."
    )


def test_a_sale_is_led_by_the_factors_that_speak_against_the_token() -> None:
    assert tell(DecisionType.SELL, Reason.SIGNAL, 6500, 6000, FALLING).primary_reasoning == (
        "Selling WETH at 3,012.40 USD: confidence 65 % is above the threshold of 60 %, "
        "led by momentum (-0.81) and trend (-0.55)."
    )


def test_a_skip_says_which_limit_was_reached() -> None:
    told = tell(DecisionType.SKIP, Reason.CONCURRENT_POSITIONS, 5, 5, token=PEPE, price_usd=0.00000123)
    assert told.primary_reasoning == (
        "Skipping PEPE at 0.00000123 USD: 5 of at most 5 positions are open or being opened."
    )


def test_a_stop_loss_gives_the_value_and_the_stop_in_usd() -> None:
    told = tell(DecisionType.STOP_LOSS, Reason.STOP_LOSS, 474_120_000, 475_000_000)
    assert told.primary_reasoning == (
        "Stop loss, selling WETH at 3,012.40 USD: the position is worth 474.12 USD, below its stop of 475.00 USD."
    )


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    assert tell(DecisionType.SKIP, reason, 10**9, 2 * 10**9).primary_reasoning.endswith(".")


def test_no_two_reasons_are_told_alike_but_confidence_reached_and_missed() -> None:
    told = [tell(DecisionType.SKIP, reason, 1, 2).primary_reasoning for reason in Reason]
    assert len(set(told)) == len(Reason)


@pytest.mark.parametrize("kind", DecisionType)
def test_every_type_of_decision_has_words(kind: DecisionType) -> None:
    assert " WETH at 3,012.40 USD: " in tell(kind, Reason.PAUSED).primary_reasoning


@pytest.mark.parametrize(("observed", "relation"), [(4999, "below"), (5000, "at"), (5001, "above")])
def test_the_relation_in_a_sentence_is_that_of_its_numbers(observed: int, relation: str) -> None:
    told = tell(DecisionType.HOLD, Reason.NO_OPPORTUNITY, observed, 5000)
    assert told.primary_reasoning.endswith(f"opportunity {observed / 100:g} % is {relation} the neutral 50 %.")


def test_factors_come_loudest_first_with_the_weights_of_the_analyst() -> None:
    factors = tell(DecisionType.BUY, Reason.SIGNAL, 7210, 6000).key_factors
    assert factors[0] == {"name": "momentum", "weight": 0.48, "value": 0.81}
    assert {factor["name"] for factor in factors} == {factor.name for factor in FACTORS}
    loudness = [abs(float(factor["weight"]) * float(factor["value"])) for factor in factors]
    assert loudness == sorted(loudness, reverse=True)


def test_notable_factors_are_listed_as_positive_and_negative_signals() -> None:
    told = tell(DecisionType.SELL, Reason.SIGNAL, 6500, 6000, FALLING)
    assert told.positive_signals == ["deep pool (+0.78)", "gas cheaper than usual (+0.30)"]
    assert told.negative_signals == ["price falling (-0.81)", "price below its mean (-0.55)", "wild market (-0.26)"]


def test_the_risk_names_its_level_its_causes_and_the_share_of_the_pool() -> None:
    told = tell(DecisionType.SELL, Reason.SIGNAL, 6500, 6000, FALLING, reserve_usd=500_000)
    assert told.risk_assessment == (
        "High risk of 55 %: deep pool (+0.78), wild market (-0.26), gas cheaper than usual (+0.30). "
        "A trade of the largest size, 1,000.00 USD, is 0.20 % of the pool's 500,000 USD."
    )


@pytest.mark.parametrize(
    ("reserve_usd", "words"), [(0, "100 % or more"), (900, "100 % or more"), (20_000_000, "less than 0.01 %")]
)
def test_a_share_of_the_pool_that_has_no_useful_digits_is_told_in_words(reserve_usd: int, words: str) -> None:
    assert words in tell(DecisionType.SKIP, Reason.LOW_LIQUIDITY, reserve_usd=reserve_usd).risk_assessment


def test_the_market_data_hold_the_numbers_behind_the_text() -> None:
    data = tell(DecisionType.BUY, Reason.SIGNAL, 7210, 6000).market_data
    assert data["price_usd"] == pytest.approx(3012.40)
    assert data["native_price_usd"] == pytest.approx(3000.0)
    assert (data["pool_liquidity_usd"], data["base_fee_gwei"], data["priority_fee_gwei"]) == (20e6, 12.0, 1.0)
    assert (data["opportunity_percent"], data["risk_percent"], data["confidence_percent"]) == (79.0, 34.2, 72.1)
    assert data["factors"]["gas"] == -0.03
    assert (data["reason"], data["observed"], data["limit"]) == ("SIGNAL", 7210, 6000)


def test_an_explanation_survives_json() -> None:
    told = asdict(tell(DecisionType.BUY, Reason.SIGNAL, 7210, 6000))
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_a_signal_without_any_voice_is_explained_too() -> None:
    told = tell(DecisionType.SKIP, Reason.NO_OPPORTUNITY, 5000, 5000, (0, 0, 0, 0, 0, 5000, 5000, 0))
    assert told.positive_signals == told.negative_signals == []


@pytest.mark.parametrize(
    ("confidence_bp", "level"),
    [
        (10_000, "VERY_HIGH"),
        (9_000, "VERY_HIGH"),
        (8_999, "HIGH"),
        (7_000, "HIGH"),
        (6_999, "MEDIUM"),
        (5_000, "MEDIUM"),
        (4_999, "LOW"),
        (3_000, "LOW"),
        (2_999, "VERY_LOW"),
        (0, "VERY_LOW"),
    ],
)
def test_there_is_one_scale_of_confidence(confidence_bp: int, level: str) -> None:
    assert confidence_level(confidence_bp) == level


@pytest.mark.parametrize(
    ("price_usd", "text"),
    [
        (95_000.0, "95,000.00"),
        (3012.4, "3,012.40"),
        (10.0, "10.00"),
        (1.08345, "1.083"),
        (0.99999, "1.00"),
        (0.5, "0.50"),
        (0.001234, "0.001234"),
        (0.00000123, "0.00000123"),
        (0.0, "0.00"),
    ],
)
def test_prices_read_well_at_any_size(price_usd: float, text: str) -> None:
    assert price_text(price_usd) == text


def in_lane(size_usd: int, lane: Lane, *, smart: bool) -> str:
    case = Case(*range(len(Case._fields)))._replace(
        use_fast_lane=1, use_smart_lane=int(smart), size_micro_usd=size_usd * 10**6,
        fast_lane_threshold_micro_usd=100 * 10**6,
    )  # fmt: skip
    made = Decided(DecisionType.BUY, Reason.SIGNAL, lane, 7210, 6000, case)
    market = tell(DecisionType.BUY, Reason.SIGNAL, 7210, 6000).market_data
    return in_words(made, "WETH", market, 1000.0).primary_reasoning


def test_an_order_says_why_it_takes_its_lane_where_there_was_a_choice() -> None:
    assert in_lane(80, Lane.FAST, smart=True).endswith(
        " By the FAST lane: 80.00 USD is below the FAST lane's 100.00 USD."
    )
    assert in_lane(250, Lane.SMART, smart=True).endswith(
        " By the SMART lane: 250.00 USD is above the FAST lane's 100.00 USD."
    )
    assert "lane" not in in_lane(80, Lane.FAST, smart=False)


def test_the_words_follow_again_from_what_is_stored_with_a_decision() -> None:
    told = tell(DecisionType.SELL, Reason.SIGNAL, 6500, 6000, FALLING)
    stored = json.loads(json.dumps(told.market_data))
    made = Decided(DecisionType.SELL, Reason.SIGNAL, Lane.FAST, 6500, 6000, Case(*[0] * len(Case._fields)))
    assert in_words(made, "WETH", stored, 1000.0) == told


def test_an_analyst_without_factors_has_none_put_into_its_mouth() -> None:
    told = tell(DecisionType.BUY, Reason.SIGNAL, 7210, 6000, strategy=Strategy(analyst="momentum"))
    assert told.primary_reasoning == ("Buying WETH at 3,012.40 USD: confidence 72.1 % is above the threshold of 60 %.")
    assert told.key_factors == told.positive_signals == told.negative_signals == []
    assert told.market_data["factors"] == {}
    assert " %. A trade of the largest size" in told.risk_assessment
