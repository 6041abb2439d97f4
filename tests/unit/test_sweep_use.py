"""What is done with a sweep: shown, and a trial of it promoted to a named strategy."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import yaml
from rich.console import Console
from sweep_samples import STOP, SWEEP, TARGET, Trials, sweep_of, trial_of, verdict_of

from cluster.errors import UsageError
from cluster.scenarios import Overrides, load
from cluster.sweeping.promoting import as_yaml, promoted
from cluster.sweeping.replaying import scenario_of
from cluster.sweeping.runs import SweepSummary
from cluster.sweeping.shown import shown
from cluster.sweeping.summary import print_summary
from simulation.scenario import Record, Scenario
from storage.sweep_records import Covered


def said_of(detail, covered, **more):
    console = Console(width=200)
    with console.capture() as told:
        console.print(shown(detail, covered, **more))
    return told.get()


def test_a_sweep_is_shown_with_what_defines_it_its_best_and_its_verdict():
    sweep = sweep_of(constraints=[f"{STOP} <= {TARGET}"])
    said = said_of(Trials(sweep, None).sweep_detail(), Covered(110, 90))
    assert "integer: 1 to 10" in said
    assert "2: seed 1; seed 2" in said
    assert "110 of 200, 90 skipped" in said
    assert "stop loss percent 3, take profit percent 3" in said
    assert "point 22; its trial, on seed 1 is 658dd626-e01c-800e-8000-000000000016" in said
    assert f"`paperdex sweep promote {SWEEP}:22 --as NAME`; `paperdex replay` trades it again" in said
    assert "Luck is a sufficient explanation" in said
    assert "Probability of backtest overfitting: 0.47." in said


def test_the_end_of_a_sweep_says_how_its_winner_is_traded_again():
    console = Console(width=200)
    ranking = SimpleNamespace(points=100, pruned=0, failed=0, repeated=0, ranked=(1,), as_json=verdict_of)
    with console.capture() as told:
        print_summary(console, sweep_of(), SweepSummary(SWEEP, "exits", "COMPLETED", "", 100, 2, 1.5, ranking, ""))
    assert told.get().splitlines()[-1] == (
        "`paperdex report latest-sweep` draws it; `paperdex replay latest-sweep:22` trades its winner again."
    )


def test_a_sweep_that_goes_on_is_shown_without_a_verdict():
    detail = Trials(sweep_of(), None).sweep_detail(verdict=None, digest=None, status="RUNNING", finished_at=None)
    said = said_of(detail, Covered(40, 0))
    assert "RUNNING." in said
    assert "40 of 200" in said
    assert "not yet" in said
    assert "Luck" not in said


def test_a_sweep_that_nobody_holds_is_shown_with_the_command_that_goes_on_with_it():
    detail = Trials(sweep_of(), None).sweep_detail(verdict=None, digest=None, status="RUNNING", finished_at=None)
    goes_on = f"if its command has ended, `paperdex sweep --resume {detail.sweep_id}` goes on with it."
    assert f"No process holds this sweep; {goes_on}" in said_of(detail, Covered(40, 0), is_held=False)
    assert "No process" not in said_of(Trials(sweep_of(), None).sweep_detail(), Covered(200, 0), is_held=False)


def test_failed_and_pruned_points_are_counted():
    detail = Trials(sweep_of(), None).sweep_detail(verdict=verdict_of(failed=1, pruned=50))
    assert "200 of 200, 50 points pruned, 1 point failed" in said_of(detail, Covered(200, 0))


def test_a_promoted_trial_is_a_scenario_that_can_be_run(tmp_path):
    trial = trial_of()
    scenario = promoted(trial, "tight")
    (tmp_path / "tight.yaml").write_text(as_yaml(scenario, trial))
    assert load(tmp_path / "tight.yaml", Overrides()) == scenario
    (account,) = scenario.accounts
    assert (account.name, account.strategy.name) == ("plain", "tight")
    assert (float(account.strategy.stop_loss_percent), float(account.strategy.take_profit_percent)) == (3.0, 2.5)
    assert scenario.record is Record.ALL


def test_a_promoted_trial_trades_as_the_trial_but_for_its_names():
    trial = trial_of()
    again, traded = promoted(trial, "tight"), scenario_of(trial)
    assert again.accounts[0].strategy.model_dump(exclude={"name"}) == traded.accounts[0].strategy.model_dump(
        exclude={"name"}
    )
    assert again.model_dump(exclude={"name", "accounts", "segment_blocks"}) == traded.model_dump(
        exclude={"name", "accounts", "segment_blocks"}
    )


def test_its_setting_is_in_the_file_even_where_it_is_the_default():
    trial = trial_of(settings={STOP: 5, "strategy.max_hold_hours": 72})
    document = yaml.safe_load(as_yaml(promoted(trial, "plain 2"), trial))
    assert document["accounts"][0]["strategy"]["max_hold_hours"] == 72


def test_a_preset_does_not_change_what_is_promoted():
    """Of a mode that fills limits a field at its default must be written, or the preset would fill it."""
    trial = trial_of(settings={STOP: 5, "strategy.trading_mode": "AGGRESSIVE"})
    trial.scenario["accounts"][0]["strategy"]["max_position_size_percent"] = "5.0"
    scenario = promoted(trial, "bold")
    assert Scenario.model_validate(yaml.safe_load(as_yaml(scenario, trial))) == scenario


@pytest.mark.parametrize(
    ("trial", "name", "sentence"),
    [
        (
            {"status": "ERROR", "error_message": "strategy: no lane is open"}, "tight",
            "Trial 658dd626-e01c-800e-8000-000000000016 failed (strategy: no lane is open); promote one that was traded to its end.",
        ),
        (
            {"status": "PRUNED"}, "tight",
            "Trial 658dd626-e01c-800e-8000-000000000016 was pruned after 1,200 blocks; promote one that was traded to its end.",
        ),
        ({}, "plain", "--as 'plain' is taken: account plain had a strategy of that name in the sweep."),
        ({}, "", "--as '': string should have at least 1 character."),
        ({}, "x" * 101, f"--as {'x' * 101!r}: string should have at most 100 characters."),
    ],
    ids=["failed", "pruned", "taken", "empty", "long"],
)  # fmt: skip
def test_what_cannot_be_promoted_is_one_sentence(trial, name, sentence):
    with pytest.raises(UsageError) as raised:
        promoted(trial_of(**trial), name)
    assert str(raised.value) == sentence
