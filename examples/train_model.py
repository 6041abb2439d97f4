"""Train a model on simulated markets and keep it in ``model.joblib``: run it from the folder above, as a module.

    python -m examples.train_model

The markets have seeds of their own, so that a run with another seed is one that the model has not seen. What it
learns is the chance that a price is higher after ``HORIZON_BLOCKS``; on a market without memory that is near 50 %.
"""

from __future__ import annotations

import sys
from pathlib import Path

import joblib
import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

from actors.market import Market
from cluster.scenarios import Overrides, load
from examples.model_analyst import MODEL_FILE, features
from simulation.intelligence.analysts import HISTORY_BLOCKS, history_of

SEEDS = (101, 102, 103)
BLOCKS = 3_000
HORIZON_BLOCKS = 300
EVERY_BLOCKS = 10
"""Neighbouring blocks tell the same story; one in ten is enough to learn from."""


def samples(seed: int, blocks: int = BLOCKS) -> tuple[np.ndarray, np.ndarray]:
    """Return the features of one market, a row a block and token, and whether its price was higher later."""
    scenario = load(None, Overrides(seed=seed, blocks=blocks))
    market = Market(scenario)
    seen = history_of(*market.records(market.begin(), blocks), market.tokens)
    now, later = seen.price_usd[HISTORY_BLOCKS:-HORIZON_BLOCKS], seen.price_usd[HISTORY_BLOCKS + HORIZON_BLOCKS :]
    rows = features(seen)[: len(now)][::EVERY_BLOCKS]
    return rows.reshape(-1, rows.shape[-1]), (later > now)[::EVERY_BLOCKS].ravel()


def train(blocks: int = BLOCKS) -> GradientBoostingClassifier:
    """Return a model of all training markets."""
    rows, rose = zip(*(samples(seed, blocks) for seed in SEEDS), strict=True)
    model = GradientBoostingClassifier(n_estimators=40, max_depth=3, random_state=0)
    return model.fit(np.concatenate(rows), np.concatenate(rose))


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else MODEL_FILE
    joblib.dump(train(), path)
    print(path)
