"""What the Auto Pilot's outcomes, regimes and end are called."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from cluster.autopilot import regime_in_words
from simulation.autopilot.conditions import Conditions
from simulation.autopilot.outcomes import PERIODS_MAX, OutcomeKind
from simulation.autopilot.triggers import AdjustmentType
from simulation.autopilot.words import Judgement
from simulation.state import SESSION
from simulation.tuning import TUNING
from storage.outcome_rows import in_words, why_off

JUDGED = Judgement(
    session=0, block=3_000, log_ordinal=2, type=AdjustmentType.CONFIDENCE_INCREASE, regime=0,
    outcome=OutcomeKind.POSITIVE, periods=6, trades=12, mean_difference=1.234e-4, disables=False, standard_error=3e-5,
    performance_after={},
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {},
            (
                "Over 6 review periods and 12 closed trades the session's return was 1.23 bp a period above that of its "
                "twin without it, with a standard error of 0.30 bp: it helped."
            ),
        ),
        (
            {"outcome": OutcomeKind.NEGATIVE, "mean_difference": -2e-4},
            (
                "Over 6 review periods and 12 closed trades the session's return was 2.00 bp a period below that of its "
                "twin without it, with a standard error of 0.30 bp: it did harm and is undone."
            ),
        ),
        (
            {"outcome": OutcomeKind.NEUTRAL, "mean_difference": 0.0, "trades": 1_000},
            (
                "Over 6 review periods and 1,000 closed trades the session's return was 0.00 bp a period above that of its "
                "twin without it, with a standard error of 0.30 bp: that is no more than chance or noise."
            ),
        ),
        (
            {"outcome": OutcomeKind.UNKNOWN, "periods": PERIODS_MAX, "trades": 1},
            "In 24 review periods and 1 closed trade too little happened to judge it.",
        ),
        (
            {"outcome": OutcomeKind.UNKNOWN, "periods": 1, "trades": 0},
            "A reaction for safety ended the comparison with its twin after 1 review period and 0 closed trades.",
        ),
        (
            {"outcome": OutcomeKind.UNKNOWN, "periods": PERIODS_MAX, "trades": 12, "by_operator": True},
            "An operator's reversal ended the comparison with its twin after 24 review periods and 12 closed trades.",
        ),
    ],
)
def test_an_outcome_is_one_sentence_with_its_numbers(changes, words):
    assert in_words(replace(JUDGED, **changes)) == words


@pytest.mark.parametrize(
    ("disabled", "failures", "words"),
    [
        (0, 3, ""),
        (1, 5, "Auto Pilot switched itself off at block 6,300: 5 adjustments in a row were judged NEGATIVE."),
        (1, 1, "Auto Pilot switched itself off at block 6,300: an adjustment was judged NEGATIVE."),
    ],
)
def test_why_auto_pilot_is_off_is_one_sentence(disabled, failures, words):
    session, tuning = np.zeros(1, SESSION)[0], np.zeros(1, TUNING)[0]
    session["last_adjustment_block"], tuning["disabled"], tuning["failures"] = 6_300, disabled, failures
    assert why_off(session, tuning) == words


def test_every_regime_is_called_by_what_it_is():
    for volatility, trend, gas in product(("calm", "wild"), ("neutral", "bullish", "bearish"), ("cheap", "dear")):
        market = Conditions(
            trend={"neutral": 0.0, "bullish": 0.5, "bearish": -0.5}[trend],
            risk_percent=0.0,
            volatility_percent=80.0 if volatility == "wild" else 20.0,
            gas_percent=80.0 if gas == "dear" else 20.0,
            base_fee_gwei=1.0,
        )
        assert regime_in_words(market.regime) == f"{volatility}, {trend}, gas {gas}"
