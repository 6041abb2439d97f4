"""What an actor's process loads: it is paid for each session of a fleet, in time to start and in memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from repository import ROOT

from actors import autopilot, market, session, trials

HEAVY = {"sqlalchemy", "psycopg2", "alembic", "polars", "optuna", "plotly", "rich", "typer", "scipy.stats"}
"""What is for the conductor, the writer, reports and the command line."""

LOADED = "import json, sys, {module}; print(json.dumps(sorted(set({heavy}) & set(sys.modules))))"


@pytest.mark.parametrize("actor", [session.AccountSession, trials.TrialWorker, market.Market, autopilot.AutoPilot])
def test_a_process_of_an_actor_loads_nothing_heavy_that_is_for_others(actor):
    code = LOADED.format(module=actor.__module__, heavy=sorted(HEAVY))
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(told.stdout) == []


def test_a_process_that_runs_compiled_code_does_not_load_linear_algebra():
    code = "import sys; from simulation import wei; wei.mul(0, 2, 0, 3); sys.exit('scipy.linalg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
