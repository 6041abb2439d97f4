"""What the kernel is given, as arrays, and what it hands on of that, as addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulation.addresses import address_of, part, rows_of
from simulation.jit import CACHE_LINE_BYTES, compiled, inlined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulation.addresses import RowsType

COUNTED = ("trades", "decisions", "marks")
COUNTS = np.dtype({
    "names": COUNTED, "formats": [np.int64] * len(COUNTED), "itemsize": 2 * CACHE_LINE_BYTES,
})  # fmt: skip
"""How far a journal is filled; so wide that two threads never have theirs on one cache line, for which both wait."""


class World(NamedTuple):
    """One segment as the kernel is given it, the rules, and what it needs to work."""

    first_block: int
    tokens: NDArray[np.void]  # TOKEN, (n_tokens,)
    pairs: NDArray[np.void]  # PAIR, (n_pools,)
    routes: NDArray[np.void]  # ROUTE, (n_routes,)
    mids: NDArray[np.void]  # MID, (n_blocks, n_tokens)
    pools: NDArray[np.void]  # POOL, (n_blocks, n_pools)
    gas: NDArray[np.void]  # GAS, (n_blocks,)
    signals: NDArray[np.void]  # SIGNAL, (n_analysts, n_blocks, n_tokens)
    stops: NDArray[np.int64]  # (n_analysts,): the first block of which an analyst says nothing any more
    rules: np.void  # RULES
    ticks: NDArray[np.void]  # TICK, (MAP_TICKS,): room in which a concentrated pool's tick map is written for a swap


class Scene(NamedTuple):
    """A world as compiled code hands it on: its records as rows, block after block where there is one for each."""

    first_block: int
    tokens: RowsType
    pairs: RowsType
    routes: RowsType
    mids: RowsType
    pools: RowsType
    gas: RowsType
    signals: RowsType
    rules: np.void
    ticks: RowsType


class Spot(NamedTuple):
    """One token at one block, as one session of the cohort sees it; rows, or arrays where Python asks."""

    session_row: int
    token_row: int
    block: int
    mid: np.void  # MID
    gas: np.void  # GAS
    token: np.void  # TOKEN
    rules: np.void  # RULES
    # the whole market at that block, for routes, for what attacks them, and for other tokens that are held
    signals: RowsType | NDArray[np.void]  # SIGNAL, (n_tokens,): what the session's analyst says
    tokens: RowsType | NDArray[np.void]  # TOKEN, (n_tokens,)
    pairs: RowsType | NDArray[np.void]  # PAIR, (n_pools,)
    routes: RowsType | NDArray[np.void]  # ROUTE, (n_routes,)
    mids: RowsType | NDArray[np.void]  # MID, (n_tokens,)
    pools: RowsType | NDArray[np.void]  # POOL, (n_pools,)
    ticks: RowsType | NDArray[np.void]  # TICK, (MAP_TICKS,): room for a tick map
    # where what comes of it is written; it is forgotten unless the run records it
    case: np.void  # of a DECISION
    trade: np.void  # TRADE of an order that ends


class Journal(NamedTuple):
    """Where the kernel writes what happened; ``counts`` tells how far each of the three is filled."""

    trades: NDArray[np.void]  # TRADE, (capacity,)
    decisions: NDArray[np.void]  # DECISION, (capacity,)
    marks: NDArray[np.void]  # MARK, (capacity,)
    counts: NDArray[np.void]  # COUNTS, (1,)


class Pages(NamedTuple):
    """A journal as compiled code hands it on."""

    trades: RowsType
    decisions: RowsType
    marks: RowsType
    counts: np.void  # COUNTS


@inlined
def scene_of(world):
    """Return the scene of a world."""
    return address_of(Scene(
        world.first_block, rows_of(world.tokens), rows_of(world.pairs), rows_of(world.routes), rows_of(world.mids),
        rows_of(world.pools), rows_of(world.gas), rows_of(world.signals), world.rules, rows_of(world.ticks),
    ))  # fmt: skip


@inlined
def pages_of(journal):
    """Return the pages of a journal."""
    trades, decisions, marks = rows_of(journal.trades), rows_of(journal.decisions), rows_of(journal.marks)
    return address_of(Pages(trades, decisions, marks, journal.counts[0]))


@compiled
def mid_of(scene, block, t):
    """Return the MID of token ``t`` at a block."""
    return scene.mids[(block - scene.first_block) * len(scene.tokens) + t]


@inlined
def spot_at(scene, session, row, t, block, pages):
    """Return what the session of a row sees of token ``t`` at a block."""
    at, n_tokens, n_pools = block - scene.first_block, len(scene.tokens), len(scene.pairs)
    mids = part(scene.mids, at * n_tokens, n_tokens)
    said = (session.analyst * len(scene.gas) + at) * n_tokens
    return address_of(Spot(
        row, t, block, mids[t], scene.gas[at], scene.tokens[t], scene.rules,
        part(scene.signals, said, n_tokens), scene.tokens, scene.pairs, scene.routes, mids,
        part(scene.pools, at * n_pools, n_pools), scene.ticks,
        pages.decisions[pages.counts.decisions].case, pages.trades[pages.counts.trades],
    ))  # fmt: skip
