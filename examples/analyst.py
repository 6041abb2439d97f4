"""An analyst of your own: copy this file, change ``analyse``, and name it in a scenario as ``module:Class``.

It likes what has risen over the last hour while gas is cheap. What it says of a block may depend on that block and
on the ``HISTORY_BLOCKS`` before it, and on nothing later: `paperdex scenario check` tries that out.
"""

import numpy as np

from simulation.intelligence.analysts import HISTORY_BLOCKS, MarketHistory, Scores


class CheapGasMomentum:
    """Buys after a rise of more than ``rise_percent`` an hour, sells after such a fall, surer while gas is cheap."""

    version = "1"

    def __init__(self, rise_percent: float = 1.0, hour_blocks: int = 300) -> None:
        self.rise_percent = rise_percent
        self.hour_blocks = hour_blocks

    def analyse(self, market: MarketHistory) -> Scores:
        """Score every token at every block after the past."""
        price, fee = market.price_usd, market.base_fee_gwei
        hour_ago = slice(HISTORY_BLOCKS - self.hour_blocks, len(price) - self.hour_blocks)
        rise_percent = 100 * (price[HISTORY_BLOCKS:] / price[hour_ago] - 1)
        is_cheap = (fee[HISTORY_BLOCKS:] <= fee[hour_ago])[:, np.newaxis]
        beyond = np.sign(rise_percent) * np.maximum(np.abs(rise_percent) - self.rise_percent, 0)
        opportunity = np.clip(50 + 50 * beyond / self.rise_percent, 0, 100)
        confidence = np.where(is_cheap, 90.0, 60.0) + np.zeros(market.shape)
        return Scores(opportunity, confidence)
