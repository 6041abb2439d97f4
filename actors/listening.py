"""Asking an analyst about a segment, whatever it does: one that fails is heard up to the block before, and no further.

An answer of a plug-in depends on each block and the ``HISTORY_BLOCKS`` before it only; that is tried before a run.
So the first block at which it fails is the same for any cutting of the run into segments, and can be found by
asking about fewer and fewer of the segment's first blocks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from actors.analysts import in_words
from simulation.intelligence.analysts import HISTORY_BLOCKS, signals_of, silence
from simulation.market.segment import Breakdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from simulation.market.segment import TokenInfo

MESSAGE_MAX = 500
"""So many characters of an analyst's own error are kept."""

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""Where an object happens to lie: no two processes agree on it."""


def listen(
    analyst: Any,
    name: str,
    first_block: int,
    mids: NDArray[np.void],
    gas: NDArray[np.void],
    tokens: Sequence[TokenInfo],
) -> tuple[NDArray[np.void], Breakdown | None]:
    """Return what an analyst says of the blocks after the past, the first being ``first_block``, and how it failed.

    ``mids`` and ``gas`` are those of ``signals_of``, and so are the records: silent from the block on at which the
    analyst fails, which is to raise anything or to answer with what is no score.
    """
    n_blocks = len(gas) - HISTORY_BLOCKS

    def answer(first: int, end: int) -> NDArray[np.void] | str:
        """Ask about the blocks from ``first`` to ``end``; text is how the analyst failed."""
        seen = slice(first, end + HISTORY_BLOCKS)
        try:
            return signals_of(analyst, mids[seen], gas[seen], tokens)
        except BaseException as error:  # noqa: BLE001 -- a plug-in may raise anything, and ends alone
            return _told(error)

    whole = answer(0, n_blocks)
    if not isinstance(whole, str):
        return whole, None
    heard, failing, why = silence((0, len(tokens))), n_blocks, whole
    while failing - len(heard) > 1:
        middle = (len(heard) + failing) // 2
        part = answer(0, middle)
        if isinstance(part, str):
            failing, why = middle, part
        else:
            heard = part
    # Asked about that block alone it says the same in every run, where rows of a segment would be counted otherwise.
    alone = answer(failing - 1, failing)
    message = alone if isinstance(alone, str) else why
    silent = silence((n_blocks - len(heard), len(tokens)))
    return np.concatenate([heard, silent]), Breakdown(name, first_block + failing - 1, message)


def listen_to_all(
    analysts: Sequence[tuple[str, Any]],
    breakdowns: Sequence[Breakdown | None],
    first_block: int,
    mids: NDArray[np.void],
    gas: NDArray[np.void],
    tokens: Sequence[TokenInfo],
) -> tuple[NDArray[np.void], tuple[Breakdown | None, ...]]:
    """Return what each of the analysts, (name, analyst), says of the blocks after the past, and how it failed, if so.

    One that has failed before, which is in ``breakdowns``, is silent, and is not asked again; so is None.
    """
    silent = silence((len(gas) - HISTORY_BLOCKS, len(tokens)))
    said = [
        (silent, failed)
        if failed is not None or analyst is None
        else listen(analyst, name, first_block, mids, gas, tokens)
        for (name, analyst), failed in zip(analysts, breakdowns, strict=True)
    ]
    return np.stack([records for records, _ in said]), tuple(failed for _, failed in said)


def _told(error: BaseException) -> str:
    """Return an error in words that every database keeps and every process would use."""
    try:
        words = _ADDRESS.sub("", in_words(error))
    except Exception:  # noqa: BLE001 -- even telling what is wrong may be wrong
        words = type(error).__name__
    return "".join(letter for letter in words if letter.isprintable())[:MESSAGE_MAX]
