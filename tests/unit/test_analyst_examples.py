"""The analysts in ``examples/`` do what their pages say, and pass what a plug-in must."""

from __future__ import annotations

from pathlib import Path

import joblib
import numpy as np
import pytest
from repository import ROOT

from actors.analysts import load
from cluster.analysts import first_blocks, try_analyst
from cluster.plan import plan_of
from cluster.runs import prepare
from cluster.scenarios import Overrides
from cluster.scenarios import load as load_scenario
from simulation.intelligence.analysts import HISTORY_BLOCKS
from simulation.intelligence.roster import AnalystSpec, roster_of
from simulation.intelligence.signals import FACTORS

OWN = ROOT / "examples" / "own_analyst.yaml"


@pytest.fixture
def at_root(monkeypatch):
    """Stand where the examples are run from."""
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))


def test_the_example_to_copy_has_fewer_than_40_lines():
    assert len((ROOT / "examples" / "analyst.py").read_text().splitlines()) < 40


@pytest.mark.usefixtures("at_root")
def test_the_example_scenario_can_be_run_with_its_plug_in():
    plan = prepare(load_scenario(OWN, Overrides(blocks=300)))
    assert [spec.name for spec in roster_of(plan.scenario.accounts).analysts] == [
        "multi_factor", "momentum", "mean_reversion", "buy_and_hold", "examples.analyst:CheapGasMomentum",
    ]  # fmt: skip


@pytest.mark.usefixtures("at_root")
def test_a_model_trained_by_the_example_script_becomes_an_analyst_that_passes(tmp_path):
    from examples import train_model

    model = train_model.train(blocks=700)
    path = tmp_path / "model.joblib"
    joblib.dump(model, path)
    spec = AnalystSpec("examples.model_analyst:ModelAnalyst", {"path": str(path)}, "one")
    market = first_blocks(plan_of(load_scenario(None, Overrides(blocks=120, seed=5)), None), 120)
    analyst = load(spec)
    try_analyst(spec, analyst, market)
    assert len(np.unique(analyst.analyse(market).opportunity_percent)) > 10
    assert Path(train_model.MODEL_FILE).parent == ROOT / "examples"
    assert len(market.price_usd) == HISTORY_BLOCKS + 120


def test_the_weights_on_the_page_are_those_of_the_analyst():
    rows = [
        line.split("|") for line in (ROOT / "docs" / "analysts.md").read_text().splitlines() if line.count("|") == 5
    ]
    written = {cells[1].strip(): (cells[3].strip(), cells[4].strip()) for cells in rows}
    for factor in FACTORS:
        assert written[factor.name] == (str(factor.opportunity_weight), str(factor.risk_weight))
