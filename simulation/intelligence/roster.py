"""Which analysts a run needs, and which of them each account listens to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulation.scenario import AccountSpec


class AnalystSpec(NamedTuple):
    """An analyst as a strategy names it: ``parameters`` are the keywords that its class is called with."""

    name: str
    parameters: dict[str, int | float | str | bool]
    account: str
    """The first account that listens to it, for whoever has to complain."""


class PlugIn(NamedTuple):
    """An analyst that is not built in, as it was when the run began: its answers are its author's to name."""

    name: str
    version: str
    parameters: dict[str, int | float | str | bool]


class Roster(NamedTuple):
    """The analysts of a run in the order of the signals' rows, and for each account the rows of its sessions."""

    analysts: tuple[AnalystSpec, ...]
    rows: tuple[tuple[int, ...], ...]


def roster_of(accounts: Sequence[AccountSpec]) -> Roster:
    """Return the distinct (analyst, parameters) of the accounts, numbered in the order in which they first appear."""
    numbers: dict[tuple[str, str], int] = {}
    analysts: list[AnalystSpec] = []
    rows = []
    for account in accounts:
        of_sessions = []
        for turn in account.in_turn:
            strategy = turn.strategy
            # The text tells 1, 1.0 and True apart, which are equal to Python but not to an analyst.
            key = strategy.analyst, repr(sorted(strategy.custom_parameters.items()))
            if key not in numbers:
                numbers[key] = len(analysts)
                analysts.append(AnalystSpec(strategy.analyst, strategy.custom_parameters, account.name))
            of_sessions.append(numbers[key])
        rows.append(tuple(of_sessions))
    return Roster(tuple(analysts), tuple(rows))
