"""A trial as a run of its own, with everything written down; what it came to must be what the trial came to."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from cluster.errors import UsageError
from simulation.cohort import Cohort
from simulation.performance.metrics import periods_per_year
from simulation.scenario import Record, Scenario
from simulation.trials import results, with_settings
from storage.ids import Kind, derive, prefix_of
from storage.trial_rows import TRIALS, Results, SweepContext

if TYPE_CHECKING:
    from uuid import UUID

    from cluster.plan import Plan
    from storage.store import Store
    from storage.sweep_records import TrialDetail

MICRO_USD = 1_000_000

NAMES = {"trial_id", "sweep_id", "market", "point", "settings", "status", "error_message"}
"""Columns that say which trial it is, not what it came to."""


def scenario_of(trial: TrialDetail) -> Scenario:
    """Return the scenario of a trial's run: its market as far as it came, and its account with its setting.

    Raises UsageError for a trial that has not traded.
    """
    if trial.row["status"] == "ERROR":
        why = " ".join(trial.row["error_message"].split()).rstrip(".")
        raise UsageError(f"Trial {trial.row['trial_id']} has not traded, so there is nothing to replay: {why}.")
    market = Scenario.model_validate(trial.scenario)
    account = with_settings(market.accounts[0], trial.row["settings"])
    changes: dict[str, Any] = {"accounts": (account,), "record": Record.ALL}
    if trial.row["status"] == "PRUNED":
        changes["blocks"] = trial.row["blocks"]  # a run of so many blocks is where a longer one stands then
    return market.model_copy(update=changes)


def differences(store: Store, trial: TrialDetail, run_id: UUID, plan: Plan) -> list[str]:
    """Return in which columns of the trial its run differs, each with both values; nothing where all are the same."""
    session_id = derive(prefix_of(run_id), Kind.SESSION, 0, 0)
    cohort = Cohort.from_bytes(store.checkpoint(session_id).state)
    ((_, curve),) = store.equity(run_id).items()
    equity = np.array([int(value * MICRO_USD) for _, value in curve], np.int64)
    scenario = plan.scenario
    context = SweepContext(run_id, 0, periods_per_year(scenario.review_blocks, scenario.block_time_ms))
    returns = (equity[1:] / equity[:-1] - 1.0)[np.newaxis]
    run = Results(context, 0, [0], [], [""], results(cohort), returns)
    found = []
    for column in TRIALS.columns:
        if column.name not in NAMES:
            (value,) = islice(column.values(run), 1)
            told, stored = column.form % value, trial.row[column.name]
            if not _is_same(told, stored):
                found.append(f"{column.name}: the trial has {stored}, its run {told}")
    return found


def _is_same(told: str, stored: Any) -> bool:
    """Tell whether COPY text says what is stored."""
    if isinstance(stored, memoryview | bytes):
        return told.removeprefix("\\\\x") == bytes(stored).hex()
    return bool(type(stored)(told) == stored)  # an integer, a float or a Decimal
