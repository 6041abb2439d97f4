"""Series of one pool stitched in time, with the gaps between their records held or refused."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cluster.recordings.cells import MAX_PRICE_USD, MIN_PRICE_USD, iso
from cluster.recordings.tables import RecordingError
from simulation.market.liquidity import MAX_FIRST_UNITS, MIN_FIRST_UNITS
from simulation.market.prices import MAX_MOVE, MAX_RESERVE_MICRO_USD
from simulation.market.replay import RecordedPool, ratio
from simulation.market.segment import USD_DECIMALS
from simulation.settings.market import USD_SYMBOL, GapPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cluster.recordings.formats import Series
    from simulation.settings.market import ReplayMarket

HOUR_MS = 3_600_000


class Gaps(NamedTuple):
    """The times without a record in what was stitched."""

    number: int
    longest_ms: int
    longest_until_ms: int

    def in_words(self, symbol: str, max_hours: float) -> str:
        """Return what was done about them."""
        return (
            f"{symbol}: {self.number} gap{'s' if self.number > 1 else ''} held, the longest of "
            f"{self.longest_ms / 60_000:g} min until {iso(self.longest_until_ms)} (at most {max_hours:g} h are)"
        )


def stitch(parts: Sequence[Series], market: ReplayMarket) -> tuple[RecordedPool, Gaps]:
    """Return the pool that was recorded in ``parts``, and the gaps that are held."""
    for part in parts:
        check_states(part)
    parts = sorted(parts, key=lambda part: int(part.since_ms[0]))
    gaps_ms = np.concatenate([_inner_gaps(part) for part in parts])
    first = 0
    for before, after in pairwise(parts):
        first += len(before.since_ms)
        between = int(after.since_ms[0]) - after.bar_ms - int(before.since_ms[-1])
        if between < 0 or (between == 0 and after.bar_ms == 0):
            raise after.table.error(
                f"begins at {iso(after.since_ms[0] - after.bar_ms)}, before {before.table.path.name} of the same pool "
                f"ends at {iso(before.since_ms[-1])}; files of one pool follow each other in time"
            )
        gaps_ms[first] = between
    since_ms = np.concatenate([part.since_ms for part in parts])
    gaps = _judge(parts, gaps_ms, since_ms, market)
    pool = RecordedPool(parts[0].terms, since_ms, np.concatenate([part.states for part in parts]))
    _check_moves(parts, pool)
    return pool, gaps


def _inner_gaps(part: Series) -> NDArray[np.int64]:
    """Return the time without a record before each state; none before the first."""
    return np.concatenate([[0], np.diff(part.since_ms) - part.bar_ms]).astype(np.int64)


def _judge(
    parts: Sequence[Series], gaps_ms: NDArray[np.int64], since_ms: NDArray[np.int64], market: ReplayMarket
) -> Gaps:
    """Return the gaps that are held; one that is too long, or any where none is wanted, is refused.

    Between two events of a pool nothing is missing, whatever the time: only the maximum holds.
    """
    bars = np.concatenate([np.full(len(part.since_ms), part.bar_ms > 0) for part in parts])
    refused_ms = np.where(bars & (market.gaps is GapPolicy.REFUSE), 0, market.max_gap_hours * HOUR_MS)
    bad = gaps_ms > refused_ms
    if bad.any():
        at = int(np.argmax(bad))
        part = _part_at(parts, at)
        accepted = (
            "gaps: refuse accepts none" if market.gaps is GapPolicy.REFUSE and bars[at]
            else f"accepted are up to {market.max_gap_hours:g} hours (max_gap_hours)"
        )  # fmt: skip
        raise part.table.error(
            f"nothing is recorded for {gaps_ms[at] / 60_000:,g} minutes up to "
            f"{iso(since_ms[at] - part.bar_ms)}; {accepted}"
        )
    held_ms = np.where(bars, gaps_ms, 0)
    longest = int(np.argmax(held_ms))
    until_ms = int(since_ms[longest]) - _part_at(parts, longest).bar_ms
    return Gaps(int(np.count_nonzero(held_ms)), int(held_ms[longest]), until_ms)


def _part_at(parts: Sequence[Series], row: int) -> Series:
    """Return the part that a row of all parts together belongs to."""
    return parts[int(np.searchsorted(np.cumsum([len(part.since_ms) for part in parts]), row, side="right"))]


def check_states(part: Series) -> None:
    """Refuse states that the integers of the kernel can't hold, and prices that nobody has seen."""
    against_usd = part.terms.against == USD_SYMBOL
    if against_usd:
        price = ratio(part.states[:1], part.terms)[0] * 10.0 ** (part.asset.decimals - USD_DECIMALS)
        if not MIN_PRICE_USD <= price <= MAX_PRICE_USD:
            raise part.table.error(
                f"{part.asset.symbol} begins at a price of {price:.3g} USD; accepted are {MIN_PRICE_USD:g} to "
                f"{MAX_PRICE_USD:g} (token_side and decimals of the recording set it)"
            )
    most_other = MAX_RESERVE_MICRO_USD if against_usd else MAX_FIRST_UNITS
    for side, name, least, most in (
        ("other", part.terms.against, 1 if against_usd else MIN_FIRST_UNITS, most_other),
        ("reserve", part.asset.symbol, MIN_FIRST_UNITS, MAX_FIRST_UNITS),
    ):
        units = part.states[f"{side}_hi"] * 2.0**64 + part.states[f"{side}_lo"]
        bad = (units < least) | (units > most)
        if bad.any():
            at = int(np.argmax(bad))
            raise part.table.error(
                f"at {iso(part.since_ms[at] - part.bar_ms)} the pool holds {units[at]:.3g} base units of {name}; "
                f"accepted are {least:.0e} to {most:.0e} (decimals and, where the file has prices only, liquidity_usd "
                "set them)"
            )


def _check_moves(parts: Sequence[Series], pool: RecordedPool) -> None:
    moves = ratio(pool.states, pool.terms)
    bad = (moves < moves[0] / MAX_MOVE) | (moves > moves[0] * MAX_MOVE)
    if bad.any():
        at = int(np.argmax(bad))
        part = _part_at(parts, at)
        raise RecordingError(
            f"{part.table.path}: {part.asset.symbol} at {iso(pool.since_ms[at] - part.bar_ms)} has a price more than "
            f"{MAX_MOVE:,.0f} times away from the first"
        )
