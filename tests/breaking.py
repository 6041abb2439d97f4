"""An analyst of a user's that stops working in the course of a run."""

from __future__ import annotations

import numpy as np

from simulation.intelligence.analysts import HISTORY_BLOCKS, Momentum


class Breaks:
    """Scores momentum until a block comes that has this base fee; then it fails in one of several ways."""

    version = "1"

    def __init__(self, base_fee_gwei: float = 0.0, how: str = "raises"):
        self._base_fee_gwei, self._how = base_fee_gwei, how
        self.asked = 0

    def analyse(self, market):
        self.asked += 1
        scores = Momentum(60).analyse(market)
        rows = np.flatnonzero(market.base_fee_gwei[HISTORY_BLOCKS:] == self._base_fee_gwei)
        return getattr(self, self._how)(scores, int(rows[0])) if len(rows) else scores

    def raises(self, _scores, row):
        raise ValueError(f"no idea of row {row},\n by {object()!r}.")

    def leaves(self, _scores, _row):
        raise SystemExit(3)

    def nan(self, scores, row):
        scores.confidence_percent[row, 1] = np.nan
        return scores

    def short(self, scores, _row):
        return type(scores)(scores.opportunity_percent[1:], scores.confidence_percent[1:])

    def none(self, _scores, _row):
        return None

    def untellable(self, _scores, _row):
        raise UntellableError


class UntellableError(Exception):
    """An error that fails when it is asked what is wrong."""

    def __str__(self):
        return str(1 // 0)
