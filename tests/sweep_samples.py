"""Sweeps made by hand for tests: their trials lie in a list, as a Store would read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
from busy import busy_scenario

from simulation.sweeping.samplers import sampler_of
from simulation.sweeping.settings import Sweep
from storage.sweep_records import JUDGED, Covered, Outcomes, SweepDetail, TrialDetail

SWEEP = UUID("658dd626-e01c-800c-8000-000000000000")
STOP, TARGET = "strategy.stop_loss_percent", "strategy.take_profit_percent"


def sweep_of(**changes: Any) -> Sweep:
    """Return a sweep of two exits on two markets: a hundred points."""
    document = {
        "name": "exits",
        "scenario": {"made": "below"},
        "vary": {STOP: {"integer": [1, 10]}, TARGET: {"integer": [1, 10]}},
        "markets": {"seeds": [1, 2]},
        "sampler": {"kind": "grid"},
    }
    return Sweep.model_validate({**document, **changes})


@dataclass
class Trials:
    """The trials of a sweep: ``value(setting, market)`` is the Sharpe ratio, a status may say otherwise."""

    sweep: Sweep
    value: Any
    status: dict[tuple[int, int], str] = field(default_factory=dict)
    points: int | None = None
    """How many have been traded, all by default."""
    asked: list[int] = field(default_factory=list)
    """How many rows each question returned."""

    def __post_init__(self) -> None:
        self.n_points = self.sweep.n_points if self.points is None else self.points
        asked = sampler_of(self.sweep).ask(range(self.n_points))
        self.settings = {number: point for number, point in enumerate(asked) if self.sweep.space.allows(point)}

    def cohorts_of(self, _sweep_id: UUID) -> list[tuple[int, int, int, int]]:
        return [(market, 0, self.n_points, 0) for market in range(self.sweep.markets.size)]

    def covered(self, _sweep_id: UUID) -> Covered:
        return Covered(len(self.settings) * self.sweep.markets.size, 0)

    def outcomes_between(self, _sweep_id: UUID, first: int, end: int) -> Outcomes:
        rows = [
            (number, market, self.status.get((number, market), "COMPLETED"), self.value(self.settings[number], market))
            for number in range(first, end)
            for market in range(self.sweep.markets.size)
            if number in self.settings and self.status.get((number, market)) != "MISSING"
        ]
        self.asked.append(len(rows))
        figures = np.zeros((len(rows), len(JUDGED)))
        figures[:, JUDGED.index("sharpe_ratio")] = [value for *_, value in rows]
        figures[:, JUDGED.index("max_drawdown_percent")] = [abs(value) / 2 for *_, value in rows]
        statuses = [status for _, _, status, _ in rows]
        return Outcomes(
            np.array([number for number, *_ in rows], np.int64),
            np.array([market for _, market, *_ in rows], np.int64),
            np.array([status == "ERROR" for status in statuses], bool),
            np.array([status == "PRUNED" for status in statuses], bool),
            figures,
        )

    def settings_of_points(self, _sweep_id: UUID, points: Any) -> dict[int, dict[str, Any]]:
        return {number: self.settings[number] for number in points}

    def sweep_detail(self, **changes: Any) -> SweepDetail:
        """Return the row of the sweep."""
        base = busy_scenario(accounts=busy_scenario().accounts[1:2]).model_dump(mode="json")
        fields = {
            "sweep_id": str(SWEEP),
            "name": self.sweep.name,
            "spec": {**self.sweep.model_dump(mode="json"), "scenario": base},
            "spec_hash": "0" * 64,
            "markets": [base] * self.sweep.markets.size,
            "points": self.sweep.n_points,
            "version": "0.0.9",
            "status": "COMPLETED",
            "digest": "d1" * 32,
            "error_message": "",
            "verdict": verdict_of(self.settings.get(22)),
            "started_at": datetime(2026, 5, 4, 3, 2, tzinfo=UTC),
            "finished_at": datetime(2026, 5, 4, 3, 4, tzinfo=UTC),
        }
        return SweepDetail(**{**fields, **changes})


def verdict_of(setting: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return what is stored of a sweep that has ended: a winner whom luck explains."""
    best = {
        "point": 22,
        "settings": setting or {STOP: 3, TARGET: 3},
        "objectives": [2.5],
        "sharpe_ratio": 2.5,
        "dsr": 0.41,
        "return_percent": 1.25,
        "max_drawdown_percent": 0.75,
        "total_trades": 9.5,
    }
    verdict = {
        "length": 48, "sharpe": 0.03, "n_trials": 100, "n_effective": 12.5, "psr": 0.7, "sr0": 0.04, "dsr": 0.41,
        "min_track_record_length": 3000.0, "long_enough": False, "luck_is_sufficient": True,
    }  # fmt: skip
    reselection = {
        "parts": 16, "part_hours": 90.0, "hold_hours": 72, "purged_parts": 1, "embargoed_parts": 0,
        "best_sharpe_ratio": 2.1,
        "walk_forward": {"steps": 15, "winners": 6, "sharpe_ratio": 0.41},
        "cross_validation": {
            "splits": 120, "sharpe_ratios": [-0.3, 0.3, 0.5], "median": 0.3, "lowest": -0.3, "share_below_zero": 1 / 3,
        },
    }  # fmt: skip
    stored = {
        "verdict": verdict, "probability_of_overfitting": 0.47, "reselection": reselection, "points": 100, "failed": 0,
        "best": [best],
    }  # fmt: skip
    return {**stored, **changes}


def trial_of(**changes: Any) -> TrialDetail:
    """Return a trial of the first market."""
    market = busy_scenario(accounts=busy_scenario().accounts[1:2]).model_dump(mode="json")
    row = {
        "trial_id": UUID("658dd626-e01c-800e-8000-000000000016"),
        "sweep_id": SWEEP,
        "point": 22,
        "settings": {STOP: 3, TARGET: 2.5},
        "status": "COMPLETED",
        "error_message": "",
        "blocks": 1_200,
    }
    return TrialDetail(market, {**row, **changes})
