"""A sweep in this process, without Ray and without a database: brackets, and a worker that trades what they give."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import cache
from itertools import islice

import numpy as np

from actors.market import Market
from actors.trials import TrialWorker
from cluster.sweeping.brackets import Bracket
from storage.ids import Kind, derive
from storage.sweep_records import FIGURES, TrialFigures
from storage.trial_rows import PARTS, TRIALS

SWEEP_ID = derive(0, Kind.SWEEP, 0, 0)


@dataclass(frozen=True)
class Searched:
    """What a sweep came to."""

    rows: dict
    """By market and point: the values of a trial's columns as COPY text, by their names."""
    session_blocks: int
    receipts: list

    def figures(self, name):
        """Return a figure by market and point."""
        return {key: float(row[name]) for key, row in self.rows.items()}

    def of_status(self, status):
        """Return the market and the point of the trials that ended so."""
        return {key for key, row in self.rows.items() if row["status"] == status}


@cache
def _made(scenario_json, lengths, keeps_past):
    from simulation.scenario import Scenario

    market = Market(Scenario.model_validate_json(scenario_json), keeps_past=keeps_past)
    carried, segments = market.begin(), []
    for length in lengths:
        _, segment, carried = market.segment(carried, length)
        segments.append(segment)
    return segments


def legs_of(plan, number):
    """Return the segments of each leg of a market."""
    legs = plan.legs(number)
    lengths = tuple(length for leg in legs for length in leg)
    made = iter(_made(plan.markets[number].scenario.model_dump_json(), lengths, plan.sweep.varies_analyst))
    return [list(islice(made, len(leg))) for leg in legs]


def brackets_of(plan):
    """Yield the brackets of a sweep."""
    sweep = plan.sweep
    size = sweep.bracket_points if sweep.rungs else sweep.n_points
    for first in range(0, sweep.n_points, size):
        yield Bracket(sweep, first, min(first + size, sweep.n_points), range(len(plan.markets)))


def searched(plan, size=1_000, in_flight=1, seed=0, deaths=0.0):
    """Trade a sweep in cohorts of ``size``; calls end in any order, and a share of them with the death of a worker."""
    luck = random.Random(seed)
    worker = TrialWorker(plan.sweep, plan.terms(), SWEEP_ID, 0, 1, 0)
    legs = [legs_of(plan, number) for number in range(len(plan.markets))]
    rows, receipts = {}, []
    for bracket in brackets_of(plan):
        flights = []
        while True:
            while len(flights) < in_flight and (cohort := bracket.take(size)):
                flights.append(cohort)
            if not flights:
                break
            cohort = flights.pop(luck.randrange(len(flights)))
            if luck.random() < deaths:
                bracket.put_back(cohort, is_lost=luck.random() < 0.5)
                continue
            given = cohort.carried if cohort.legs else cohort.task
            receipt, carried = worker.trade(given, bracket.goes_on(cohort), *legs[cohort.task.market][cohort.legs])
            receipts.append(receipt)
            bracket.settle(cohort, carried, receipt)
        for batch in bracket.batches:
            rows |= rows_of(batch)
    return Searched(rows, sum(receipt.session_blocks for receipt in receipts), receipts)


def rows_of(batch):
    """Return the rows of a batch by market and point."""
    lines = (line.split("\t") for line in batch.trials.decode().splitlines())
    named = (dict(zip(TRIALS.names, line, strict=True)) for line in lines)
    return {(int(row["market"]), int(row["point"])): row for row in named}


class Stored:
    """The trials of a sweep as a Store gives them."""

    def __init__(self, found, n_markets):
        self._rows, self._n_markets = found.rows, n_markets

    def trials_between(self, _sweep_id, first, end):
        """Return the trials of some points, ordered by point and market."""
        keys = sorted((point, market) for market, point in self._rows if first <= point < end)
        rows = [self._rows[market, point] for point, market in keys]
        sums = np.zeros((len(rows), 2, PARTS))
        for place, row in enumerate(rows):
            stored = np.frombuffer(bytes.fromhex(row["part_sums"].removeprefix("\\\\x")), "<f8")
            if len(stored):
                sums[place] = stored.reshape(2, PARTS)
        return TrialFigures(
            np.array([point for point, _ in keys]),
            np.array([market for _, market in keys]),
            np.array([row["status"] == "ERROR" for row in rows]),
            np.array([row["status"] == "PRUNED" for row in rows]),
            np.array([[float(row[name]) for name in FIGURES] for row in rows]),
            sums,
        )

    def repeated_points(self, _sweep_id):
        """Return the points whose setting an earlier one has; of those that ran to the end where there is one."""
        turns = {}
        for market, point in sorted(self._rows):
            if market == 0:
                row = self._rows[0, point]
                turns.setdefault(row["settings"], []).append((row["status"] != "COMPLETED", point))
        return np.array(sorted(point for turn in turns.values() for _, point in sorted(turn)[1:]), np.int64)

    def settings_of_points(self, sweep_id, points):
        """Return the settings of points."""
        return {point: self.settings_of(sweep_id, point) for point in points}

    def settings_of(self, _sweep_id, point):
        """Return the setting of a point."""
        return json.loads(self._rows[0, point]["settings"])
