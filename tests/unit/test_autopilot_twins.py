"""Auto Pilot: twins, outcomes, reversal, and what was learned."""

from __future__ import annotations

import numpy as np
import pytest
from hand_made import RULES, account, cut, stage
from hypothesis import given
from hypothesis import strategies as st
from reviewable import adjusting, carried, judging, review_of, reviewable, tuning, verdict_of
from scipy import stats

from simulation import cohort as cohorts
from simulation.autopilot.guardrails import Refusal
from simulation.autopilot.knowledge import IGNORANT, learned
from simulation.autopilot.outcomes import NOISE, T_975, OutcomeKind, judge
from simulation.autopilot.triggers import TYPES, AdjustmentType
from simulation.autopilot.words import replayed
from simulation.market.segment import terms_of
from simulation.settings.strategy import Strategy
from simulation.tuning import PARAMETERS

REVIEW = 20
SHORT = RULES._replace(review_blocks=REVIEW)
TUNED = Strategy(autopilot_enabled=True, performance_window_trades=5)
WILD = {"failure_rate_percent": 20, "simulate_network_issues": True, "base_slippage_percent": 1}


def market(n_blocks=200):
    """A price that swings widely enough for stops and targets, under an analyst who always buys."""
    made = stage(n_blocks)
    for block in range(n_blocks):
        made.price(2.0 + 0.2 * ((block * 7) % 11) / 11, block)
    made.signal(8_000, slice(None))
    return made


def begun(made, n=1, **strategy):
    accounts = [account(f"a{at}", trading=WILD, autopilot_enabled=True, **strategy) for at in range(n)]
    return cohorts.begin(accounts, range(n), made.infos, SHORT)


def through(cohort, made, first, end, rules=SHORT):
    return cohorts.advance(cohort, cut(made.segment, first, end), terms_of(made.infos), rules)


def changed(cohort, parameter, new, row=0):
    """Apply a change to a session where it is now."""
    return carried(cohort, adjusting(cohort.sessions[row], PARAMETERS[parameter], new), row=row)


def traded(cohort):
    """What trading depends on, of sessions and of twins."""
    names = [name for name in cohort.sessions.dtype.names if "adjust" not in name]
    watched = [name for name in cohort.holdings.dtype.names if not name.startswith("watch")]
    pairs = ((cohort.sessions, cohort.holdings), (cohort.twins, cohort.twin_holdings))
    return [
        [sessions[name].tobytes() for name in names] + [holdings[name].tobytes() for name in watched]
        for sessions, holdings in pairs
    ]


def test_a_change_of_nothing_leaves_session_and_twin_equal_to_the_bit():
    made = market()
    cohort, _ = through(begun(made), made, 0, REVIEW)
    cohort = changed(cohort, 0, int(cohort.sessions[0]["max_position_size_bp"]))
    for first in range(REVIEW, 200, REVIEW):
        cohort, _ = through(cohort, made, first, first + REVIEW)
    session, twin = traded(cohort)
    assert session == twin
    record = cohort.tuning[0]
    assert (int(record["difference_count"]), float(record["difference_mean"])) == (9, 0.0)
    assert int(cohort.sessions[0]["closed_trades"]) > 0


def test_a_real_change_leads_them_apart_and_the_twin_keeps_the_old_value():
    made = market()
    cohort, _ = through(begun(made), made, 0, REVIEW)
    cohort, _ = through(changed(cohort, 0, 250), made, REVIEW, 200)
    assert (int(cohort.sessions[0]["max_position_size_bp"]), int(cohort.twins[0]["max_position_size_bp"])) == (250, 500)
    assert traded(cohort)[0] != traded(cohort)[1]


def test_the_twin_of_a_session_is_the_session_without_the_change():
    made = market()
    start, _ = through(begun(made), made, 0, REVIEW)
    cohort, _ = through(changed(start, 0, 250), made, REVIEW, 200)
    without, _ = through(start, made, REVIEW, 200)
    assert cohort.twins.tobytes() == without.sessions.tobytes()


def test_a_twin_writes_nothing():
    made = market()
    start, _ = through(begun(made), made, 0, REVIEW)
    same = changed(start, 0, 500)
    _, with_twin = through(same, made, REVIEW, 200)
    _, without = through(start, made, REVIEW, 200)
    for part in ("trades", "decisions", "marks"):
        assert getattr(with_twin, part).tobytes() == getattr(without, part).tobytes()


@pytest.mark.parametrize("pieces", [(20, 60, 100, 140, 180), (20, 40, 60, 80, 100, 120, 140, 160, 180)])
def test_watching_and_comparing_do_not_depend_on_how_a_run_is_cut(pieces):
    made = market()

    def played(cuts):
        cohort = begun(made, 2)
        for first, end in zip((0, *cuts), (*cuts, 200), strict=True):
            cohort, _ = through(cohort, made, first, end)
        return cohort

    whole, in_pieces = played(()), played(pieces)
    assert whole.to_bytes() == in_pieces.to_bytes()
    assert (whole.tuning["watched_trades"] == whole.sessions["closed_trades"]).all()
    assert whole.sessions["closed_trades"].min() > 0


def test_a_checkpoint_holds_twins_and_cohorts_may_be_stacked_in_any_way():
    made = market()
    cohort, _ = through(begun(made, 3), made, 0, REVIEW)
    cohort = changed(changed(cohort, 0, 250, row=2), 0, 300, row=1)
    assert cohorts.Cohort.from_bytes(cohort.to_bytes()).to_bytes() == cohort.to_bytes()
    alone = [cohort.one(row) for row in range(3)]
    assert [len(one.twins) for one in alone] == [0, 1, 1]
    stacked, _ = through(cohorts.joined(alone), made, REVIEW, 200)
    apart = [through(one, made, REVIEW, 200)[0] for one in alone]
    assert [stacked.one(row).to_bytes() for row in range(3)] != [cohort.one(row).to_bytes() for row in range(3)]
    for row in range(3):
        assert stacked.one(row).to_bytes() == apart[row].to_bytes()


@pytest.mark.parametrize(
    ("outcome", "failures"),
    [(OutcomeKind.NEGATIVE, 3), (OutcomeKind.POSITIVE, 0), (OutcomeKind.NEUTRAL, 0), (OutcomeKind.UNKNOWN, 2)],
)
def test_what_was_judged_loses_its_twin_and_counts_as_failure_or_ends_the_streak(outcome, failures):
    made = market()
    cohort, _ = through(begun(made, 2), made, 0, REVIEW)
    cohort = changed(changed(cohort, 0, 250, row=0), 0, 300, row=1)
    cohort.tuning["failures"] = 2
    after = carried(cohort, judging(outcome))
    assert (len(after.twins), after.tuning["twin"].tolist()) == (1, [-1, 0])
    assert after.tuning["failures"].tolist() == [failures, 2]
    assert int(after.twins[0]["stream"]) == 1


# The outcome.


def test_the_quantiles_are_those_of_students_t():
    assert np.allclose(T_975, [stats.t.ppf(0.975, df) for df in range(1, 31)], atol=6e-4)


def figures(differences):
    mean = float(np.mean(differences))
    return len(differences), mean, float(((np.array(differences) - mean) ** 2).sum())


@given(st.lists(st.floats(-0.1, 0.1).map(lambda x: round(x, 6)), min_size=6, max_size=24))
def test_outcomes_are_those_of_a_paired_t_test_outside_the_noise_band(differences):
    count, mean, m2 = figures(differences)
    kind = OutcomeKind(judge(count, mean, m2, 10))
    if abs(mean) <= NOISE:
        assert kind is OutcomeKind.NEUTRAL
    elif m2 > 1e-12:
        p = float(stats.ttest_1samp(differences, 0.0).pvalue)
        if abs(p - 0.05) > 1e-3:
            significant = OutcomeKind.POSITIVE if mean > 0 else OutcomeKind.NEGATIVE
            assert kind is (significant if p < 0.05 else OutcomeKind.NEUTRAL)


@pytest.mark.parametrize(
    ("periods", "trades", "kind"),
    [
        (5, 50, OutcomeKind.PENDING), (6, 9, OutcomeKind.PENDING), (6, 10, OutcomeKind.POSITIVE),
        (23, 9, OutcomeKind.PENDING), (24, 9, OutcomeKind.POSITIVE), (24, 2, OutcomeKind.UNKNOWN),
    ],
)  # fmt: skip
def test_an_outcome_waits_for_trades_but_not_for_ever(periods, trades, kind):
    assert judge(periods, 0.01, 1e-9, trades) == kind


# Reversal, and when to stop.

JUDGED = {
    "pending_log": 4, "pending_type": TYPES.index(AdjustmentType.POSITION_SIZE_INCREASE), "pending_parameter": 0,
    "pending_old": 400, "difference_count": 6, "pending_trades": 20, "difference_m2": 1e-9, "twin": 0,
}  # fmt: skip


def judged(mean, **fields):
    record = reviewable((1, -1) * 10, last_adjustment_block=2_999)
    return verdict_of(TUNED, record, remembered=tuning(**JUDGED, difference_mean=mean, **fields))


def test_harm_is_undone_at_once_by_an_adjustment_that_names_what_it_reverses():
    verdict = judged(-0.01)
    (made,), (outcome,) = verdict.adjustments, verdict.judgements
    assert outcome.outcome is OutcomeKind.NEGATIVE
    assert (made.is_reversal, made.reverses_log_ordinal, made.old, made.new) == (True, 4, 500, 400)
    assert made.trigger_value == pytest.approx(-100.0)
    assert not outcome.disables


def test_what_helped_stays():
    verdict = judged(0.01)
    assert verdict.judgements[0].outcome is OutcomeKind.POSITIVE
    assert verdict.adjustments == ()
    assert verdict.refusals == {Refusal.COOLDOWN: 1}


def test_the_last_failure_that_is_borne_switches_auto_pilot_off():
    assert [judged(-0.01, failures=count).judgements[0].disables for count in (3, 4)] == [False, True]
    assert review_of(TUNED, reviewable((10,) * 5), remembered=tuning(disabled=1)) is Refusal.SELF_DISABLED


def test_a_reversal_gets_no_twin():
    made = market()
    cohort, _ = through(begun(made), made, 0, REVIEW)
    after = carried(cohort, adjusting(cohort.sessions[0], "max_position_size_bp", 400, reverses=0))
    assert (len(after.twins), int(after.sessions[0]["max_position_size_bp"])) == (0, 400)


PENDING = {**JUDGED, "difference_count": 1}


def test_while_one_adjustment_is_judged_no_other_is_made():
    assert review_of(TUNED, reviewable((10,) * 5), remembered=tuning(**PENDING)) is Refusal.PENDING


def test_safety_does_not_wait_and_what_it_interrupts_stays_unknown():
    pending = {**PENDING, "pending_parameter": 1}
    verdict = verdict_of(TUNED, reviewable(equity_micro_usd=9_000 * 10**6), remembered=tuning(**pending))
    assert [made.type for made in verdict.adjustments] == [AdjustmentType.POSITION_SIZE_DECREASE]
    assert [outcome.outcome for outcome in verdict.judgements] == [OutcomeKind.UNKNOWN]


# Learning.

GROWTH = TYPES.index(AdjustmentType.POSITION_SIZE_INCREASE)


def taught(*outcomes):
    return learned(IGNORANT, [(GROWTH, 0, outcome) for outcome in outcomes])


def test_knowledge_is_counted_versioned_and_hashed():
    wiser = taught(OutcomeKind.POSITIVE, OutcomeKind.NEGATIVE, OutcomeKind.UNKNOWN, OutcomeKind.POSITIVE)
    assert wiser.version == 1
    assert wiser.table()[GROWTH, 0].tolist() == [2, 0, 1]
    assert wiser.confidence[GROWTH, 0] == 0.6
    assert len({IGNORANT.hash, wiser.hash, taught(OutcomeKind.NEGATIVE).hash}) == 3


def test_what_worked_here_before_takes_larger_steps_and_more_confidence():
    wiser = taught(*[OutcomeKind.POSITIVE] * 8)
    made = review_of(TUNED, reviewable((10,) * 5), knowledge=wiser)
    assert (made.new, made.confidence_percent) == (640, 90.0)


def test_what_has_failed_here_again_and_again_is_not_proposed_any_more():
    wiser = taught(*[OutcomeKind.NEGATIVE] * 5)
    assert review_of(TUNED, reviewable((10,) * 5), knowledge=wiser) is Refusal.TAUGHT_NOT


def test_parameters_can_be_rebuilt_from_the_adjustments_alone():
    made = [
        judged(-0.01).adjustments[0],
        review_of(TUNED, reviewable((10,) * 5, max_position_size_bp=400, next_block=6_000)),
    ]
    start = {"max_position_size_bp": 500}
    assert [replayed(start, made, block)["max_position_size_bp"] for block in (2_999, 3_000, 6_000)] == [500, 400, 480]
