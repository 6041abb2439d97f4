"""An analyst that asks a scikit-learn model: train it first with ``python -m examples.train_model``.

Loading a model file runs what is in it: load only what you trained yourself. Trees answer each row by itself, to
the bit; a model that multiplies matrices may answer a row differently in another company, and would be refused.
"""

from __future__ import annotations

from pathlib import Path

import joblib
import numpy as np

from simulation.intelligence.analysts import HISTORY_BLOCKS, MarketHistory, Scores

MODEL_FILE = Path(__file__).with_name("model.joblib")
SPANS_BLOCKS = (25, 75, 300, 1200)


def features(market: MarketHistory) -> np.ndarray:
    """Return the returns over each span and how dear gas is, shape ``(n_blocks, n_tokens, 5)``."""
    price, fee = market.price_usd, market.base_fee_gwei
    now = price[HISTORY_BLOCKS:]
    returns = [now / price[HISTORY_BLOCKS - span : len(price) - span] - 1 for span in SPANS_BLOCKS]
    dearness = fee[HISTORY_BLOCKS:] / fee[HISTORY_BLOCKS - 300 : len(fee) - 300] - 1
    return np.stack([*returns, dearness[:, np.newaxis] + np.zeros(market.shape)], axis=-1)


class ModelAnalyst:
    """Buys what the model expects to rise; twice the distance from an even chance is its confidence."""

    version = "1"

    def __init__(self, path: str = str(MODEL_FILE)) -> None:
        self.model = joblib.load(path)

    def analyse(self, market: MarketHistory) -> Scores:
        """Score by the chance of a rise."""
        rows = features(market)
        chance = self.model.predict_proba(rows.reshape(-1, rows.shape[-1]))[:, 1].reshape(market.shape)
        return Scores(100 * chance, 200 * np.abs(chance - 0.5))
