"""Which trial a user means: its id, or its sweep with the number of its point and of its market."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.errors import UsageError
from cluster.sweeping.shown import trial_of
from storage.errors import TrialNotFound

if TYPE_CHECKING:
    from storage.store import Store
    from storage.sweep_records import TrialDetail

DIGITS_MAX = 13
"""Of the number of a point: a sweep has 10**12 points at most."""


def trial_named(store: Store, name: str) -> TrialDetail:
    """Return the trial that a user names by its id, as SWEEP:POINT on the first market, or as SWEEP:POINT:MARKET.

    A number may have the commas that the leaderboard prints. Raises UsageError, SweepNotFound or TrialNotFound.
    """
    if ":" not in name:
        return store.trial(name)
    sweep, *given = name.split(":")
    if not sweep or len(given) > 2:
        raise UsageError(f"{name!r} is no trial; write SWEEP:POINT or SWEEP:POINT:MARKET, such as latest-sweep:43.")
    sweep_id = store.resolve_sweep(sweep)
    detail = store.sweep(sweep_id)
    point = _number(name, "point", given[0], detail.points)
    market = _number(name, "market", given[1], len(detail.markets)) if len(given) > 1 else 0
    try:
        return store.trial(str(trial_of(sweep_id, market, point)))
    except TrialNotFound as error:
        raise UsageError(
            f"{name}: there is no such trial; a constraint skips its setting, or it has not been traded yet."
        ) from error


def _number(name: str, what: str, given: str, count: int) -> int:
    """Return the number of a point or market of a sweep that has so many of them."""
    digits = given.replace(",", "")
    accepted = f"the sweep has {what} 0 alone" if count == 1 else f"the sweep has {what}s 0 to {count - 1:,}"
    if not (digits.isascii() and digits.isdecimal()):
        raise UsageError(f"{name}: {given!r} is not the number of a {what}; {accepted}.")
    if len(digits) > DIGITS_MAX or int(digits) >= count:
        raise UsageError(f"{name}: there is no {what} {given}; {accepted}.")
    return int(digits)
