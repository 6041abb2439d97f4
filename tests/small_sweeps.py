"""Small sweeps for tests, and whoever watches them."""

from __future__ import annotations

from busy import busy_scenario

from cluster.sweeping.plan import sweep_of, sweep_plan
from simulation.scenario import Scenario

VARY = {
    "strategy.stop_loss_percent": {"grid": [0.3, 1, 3]},
    "strategy.take_profit_percent": {"grid": [0.3, 1, 3]},
    "strategy.use_fast_lane": {"choice": [True, False]},
    "strategy.decision_interval_blocks": {"integer": [4, 7]},
}
"""72 settings, of which half have no lane and fail."""


class Interruption(Exception):
    """What ends a conductor."""


class Watcher:
    """Watches a sweep, and acts once when so many trials are done."""

    def __init__(self, at_trials=None, act=None):
        self.progress, self._at, self._act = [], at_trials, act

    def say(self, text):
        """Hear what is being prepared."""

    def show(self, progress):
        """See where the sweep is."""
        self.progress.append(progress)
        if self._act is not None and progress.trials >= self._at:
            act, self._act = self._act, None
            act()

    def close(self):
        """Make room for the result."""


def file(blocks=600, **changes):
    """Return what stands in the file of a small sweep on two markets."""
    base = busy_scenario(blocks=blocks, accounts=busy_scenario().accounts[1:2])
    document = {
        "name": "exits",
        "scenario": base.model_dump(mode="json"),
        "vary": VARY,
        "constraints": ["strategy.stop_loss_percent <= strategy.take_profit_percent"],
        "markets": {"seeds": [9, 10]},
        "sampler": {"kind": "grid"},
    }
    return {**document, **changes}


def plan(blocks=600, **changes):
    """Return the plan of that sweep."""
    document = file(blocks, **changes)
    return sweep_plan(sweep_of(document, "the sweep"), Scenario.model_validate(document["scenario"]))


def halving_plan():
    """Return the plan of the sweep with a rung in the middle, in three brackets."""
    return plan(blocks=1_200, rungs=[{"at_percent": 50}], bracket=24)
