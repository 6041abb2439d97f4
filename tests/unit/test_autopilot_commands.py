"""What a review makes of an operator's commands."""

from __future__ import annotations

import numpy as np
import pytest
from reviewable import CALM, NOON, reviewable, told, tuning

from simulation.autopilot.commanding import DANGEROUS, Answer, Reversal, obeyed
from simulation.autopilot.guardrails import Refusal, policies_of
from simulation.autopilot.knowledge import IGNORANT
from simulation.autopilot.outcomes import OutcomeKind
from simulation.autopilot.policy import Policy, Review
from simulation.autopilot.records import MARKET
from simulation.autopilot.triggers import TYPES, AdjustmentType
from simulation.settings.strategy import Strategy, TradingConfig
from simulation.state import SESSION
from simulation.tuning import PARAMETERS, TUNING

SIZE = TYPES.index(AdjustmentType.POSITION_SIZE_DECREASE)
WINNING = (10,) * 20
"""Results of closed trades after which Auto Pilot makes positions larger."""


def commanded(*reversals, **remembered):
    """Return what a review of two winning sessions and the commands come to; they are 7 and 8 in their run."""
    sessions = np.array([reviewable(WINNING), reviewable(WINNING)], SESSION)
    shown = Review(
        np.array([7, 8]), np.zeros(2, np.int64), sessions, np.array([tuning(**remembered), tuning()], TUNING)
    )
    policies = policies_of([Strategy(autopilot_enabled=True)] * 2, [TradingConfig()] * 2)
    verdict, answers = obeyed(
        shown, Policy(policies, NOON, IGNORANT), np.array([(*CALM, CALM.regime)], MARKET), reversals
    )
    return told(verdict), answers


def reversal(command=0, session=7, field="max_position_size_bp", value=600):
    return Reversal(command, session, 3, SIZE, PARAMETERS.index(field), value)


def test_a_commanded_session_is_not_reviewed_and_the_others_are():
    verdict, answers = commanded(reversal())
    assert answers == [Answer(0, "")]
    by_command, own = verdict.adjustments
    assert (by_command.session, by_command.old, by_command.new, by_command.reverses_log_ordinal) == (7, 500, 600, 3)
    assert (by_command.type, by_command.trigger_metric) == (AdjustmentType.POSITION_SIZE_DECREASE, "operator")
    assert (own.session, own.is_reversal) == (8, False)


def test_what_was_being_judged_of_it_stays_unknown_and_says_why():
    verdict, _ = commanded(reversal(), pending_log=2, difference_count=3, pending_trades=1, twin=0)
    (judged,) = verdict.judgements
    assert (judged.session, judged.log_ordinal, judged.outcome) == (7, 2, OutcomeKind.UNKNOWN)
    assert judged.by_operator


@pytest.mark.parametrize(
    ("field", "value"), [("stop_loss_bp", 2_000), ("max_position_size_bp", 2_500), ("max_concurrent_positions", 30)]
)
def test_a_value_out_of_bounds_or_of_a_dangerous_combination_is_refused_and_the_session_reviewed(field, value):
    verdict, answers = commanded(reversal(field=field, value=value))
    assert answers == [Answer(0, DANGEROUS)]
    assert [made.is_reversal for made in verdict.adjustments] == [False, False]


def test_of_several_commands_for_a_session_one_is_answered_at_a_review():
    verdict, answers = commanded(reversal(command=4), reversal(command=5, value=700))
    assert answers == [Answer(4, "")]
    assert [made.new for made in verdict.adjustments if made.is_reversal] == [600]


def test_a_session_that_is_not_shown_is_not_answered_for():
    verdict, answers = commanded(reversal(session=9))
    assert answers == []
    assert Refusal.NO_TRIGGER not in verdict.refusals
    assert len(verdict.adjustments) == 2
