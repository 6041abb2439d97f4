"""Settings of many trials as columns: each distinct value of a field once, and which of them every trial has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class Column(NamedTuple):
    """One field that trials vary: trial ``row`` has ``values[codes[row]]``."""

    path: str
    """Of the field within the account, such as ``strategy.stop_loss_percent``."""
    values: Sequence[Any]
    """As a scenario file would give them."""
    codes: NDArray[np.int64]  # (n_trials,)

    def each(self) -> list[Any]:
        """Return the value of every trial."""
        return [self.values[code] for code in self.codes.tolist()]

    def only(self, rows: NDArray[np.bool_]) -> Column:
        """Return the column of some of the trials, (n_trials,), without the values that none of them has."""
        return self if rows.all() else picked(self.path, self.values, self.codes[rows])


def picked(path: str, values: Sequence[Any], places: NDArray[np.int64]) -> Column:
    """Return the column of trials that have the values at these places, in the order in which they come."""
    found, first, which = np.unique(places, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return Column(path, [values[place] for place in found[order].tolist()], np.argsort(order)[which])


def coded(path: str, values: Sequence[Any]) -> Column:
    """Return the column of trials that have these values, one each.

    Values are the same where they are written alike: 1, 1.0 and true are three, and so are 0.0 and -0.0 two.
    """
    texts = list(map(repr, values))
    distinct: dict[str, Any] = {}
    for text, value in zip(texts, values, strict=True):
        distinct.setdefault(text, value)
    codes = {text: code for code, text in enumerate(distinct)}
    return Column(path, list(distinct.values()), np.array([codes[text] for text in texts], np.int64))


def columns_of(points: Sequence[Mapping[str, Any]]) -> list[Column]:
    """Return settings that all name the same fields as columns."""
    return [coded(path, [point[path] for point in points]) for path in (points[0] if points else ())]


def points_of(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return the settings of each trial."""
    paths = [column.path for column in columns]
    return [dict(zip(paths, row, strict=True)) for row in zip(*(column.each() for column in columns), strict=True)]
