"""The metrics that a run and a sweep tell Ray of: what they are called, what they count, and that none is forgotten."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from uuid import UUID

import pytest
from busy import busy_scenario

from cluster import metrics
from cluster.metrics import OF_RUNS, OF_SWEEPS, Exporter, Kind
from cluster.plan import plan_of
from cluster.sweeping.conductor import SweepProgress

KEY = UUID("0123abcd-4567-8001-8000-000000000000")
UNITS = {"blocks", "block", "usd", "commits", "trials", "seconds", "sessions", "positions", "workers", "total"}


class AtRay:
    """Takes the place of Ray's metrics, and adds up what it is told."""

    def __init__(self):
        self.values, self.observed, self.settings = defaultdict(float), [], 0

    def __call__(self, name, _description, *rest):
        at_ray, self_name = self, name

        class Made:
            def _record(self, value, tags):
                at_ray.values[self_name, *tags.values()] += value

            def set(self, value, tags):
                at_ray.settings += 1
                at_ray.values[self_name, *tags.values()] = value

            def observe(self, value, tags):
                at_ray.observed.append((self_name, *tags.values(), value))

        assert rest[-1][0] == "run"
        return Made()


@pytest.fixture
def at_ray(monkeypatch):
    at_ray = AtRay()
    for kind in ("Counter", "Gauge", "Histogram"):
        monkeypatch.setattr(metrics.ray_metrics, kind, at_ray)
    return at_ray


@pytest.fixture
def seen(house):
    """Return what is seen of a run in which one session's actor dies."""
    seen = []
    house(plain=[None, "before"]).conduct(plan_of(busy_scenario(segment_blocks=100), None), seen.append)
    return seen


@pytest.mark.parametrize("metric", [*OF_RUNS, *OF_SWEEPS], ids=lambda metric: metric.name)
def test_a_metric_is_named_as_prometheus_asks_with_its_unit_at_the_end(metric):
    assert metric.name.startswith("paperdex_")
    assert metric.name.rpartition("_")[2] in UNITS
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.description.endswith(".")


@pytest.mark.parametrize("metrics", [OF_RUNS, OF_SWEEPS])
def test_no_metric_is_there_twice(metrics):
    names = [metric.name for metric in metrics]
    assert sorted(names) == sorted(set(names))


def test_the_totals_of_a_run_are_what_its_receipts_come_to(at_ray, seen):
    exporter = Exporter(OF_RUNS, KEY)
    for progress in seen:
        exporter.show(progress)
    last = seen[-1]
    run = "0123abcd"
    assert at_ray.values["paperdex_session_blocks_total", run] == 3 * 1_200
    assert (
        at_ray.values["paperdex_trades_total", run, "completed"] == sum(r.completed_trades for r in last.receipts) > 0
    )
    assert at_ray.values["paperdex_run_block", run] == at_ray.values["paperdex_run_length_blocks", run] == 1_200
    assert at_ray.values["paperdex_autopilot_adjustments_total", run] == last.adjustments > 0
    reviews = last.adjustments + sum(value for key, value in at_ray.values.items() if "refusals" in key[0])
    assert reviews == 3 * 3
    equities = sorted(receipt.equity_micro_usd / 1e6 for receipt in last.receipts)
    assert [at_ray.values["paperdex_equity_usd", run, quantile] for quantile in ("0", "0.5", "1")] == equities
    recoveries = {key[2]: value for key, value in at_ray.values.items() if key[0] == "paperdex_recoveries_total"}
    assert recoveries == {"AccountSession": 1, "Market": 0, "Writer": 0, "AutoPilot": 0}


def test_every_commit_is_observed_once(at_ray, seen):
    exporter = Exporter(OF_RUNS, KEY)
    for progress in seen:
        exporter.show(progress)
    assert len(at_ray.observed) == seen[-1].written.commits > 0


def test_sessions_are_counted_by_their_state(at_ray, seen):
    receipts = [replace(seen[-1].receipts[0], error_message="It failed.", number=2), *seen[-1].receipts[1:]]
    Exporter(OF_RUNS, KEY).show(replace(seen[-1], receipts=receipts))
    states = {key[2]: value for key, value in at_ray.values.items() if key[0] == "paperdex_sessions"}
    assert states == {"RUNNING": 2, "PAUSED": 0, "ERROR": 1, "STOPPED": 0, "COMPLETED": 2}


def test_the_sessions_of_a_run_that_is_paused_do_not_run(at_ray, seen):
    Exporter(OF_RUNS, KEY).show(replace(seen[-1], is_paused=True))
    states = {key[2]: value for key, value in at_ray.values.items() if key[0] == "paperdex_sessions"}
    assert states == {"RUNNING": 0, "PAUSED": 3, "ERROR": 0, "STOPPED": 0, "COMPLETED": 0}


def test_a_counter_is_there_before_anything_is_counted_and_never_goes_back(at_ray):
    exporter, first = Exporter(OF_SWEEPS, KEY), SWEEP
    exporter.show(first)
    assert at_ray.values["paperdex_sweep_trials_total", "0123abcd", "failed"] == 0
    assert ("paperdex_recoveries_total", "0123abcd", "TrialWriter") in at_ray.values
    exporter.show(replace(first, trials=9))  # a worker died, and with it what nobody has committed
    exporter.show(replace(first, trials=11))
    assert at_ray.values["paperdex_sweep_trials_total", "0123abcd", "completed"] == 11 - first.pruned


SWEEP = SweepProgress(
    trials=10, n_trials=100, skipped=1, failed=0, pruned=2, session_blocks=5_000, best=None, workers=2,
    writer_lag_commits=1, commit_seconds=[0.01], recoveries={"TrialWorker": 0, "TrialWriter": 0, "Market": 0},
)  # fmt: skip


def test_trials_are_counted_by_what_became_of_them(at_ray):
    Exporter(OF_SWEEPS, KEY).show(SWEEP)
    trials = {key[2]: value for key, value in at_ray.values.items() if key[0] == "paperdex_sweep_trials_total"}
    assert trials == {"completed": 8, "failed": 0, "pruned": 2, "skipped": 1}


def test_gauges_of_a_run_that_stands_still_are_set_again_and_nothing_is_counted_again(at_ray, monkeypatch, seen):
    monkeypatch.setattr(metrics, "REMINDER_SECONDS", 0)
    with Exporter(OF_RUNS, KEY) as exporter:
        exporter.show(seen[-1])
        before, counted = at_ray.settings, dict(at_ray.values)
        while at_ray.settings < 5 * before:
            pass
    assert at_ray.values == counted
    assert not exporter._reminder.is_alive()
