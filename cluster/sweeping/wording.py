"""Sweeps in words: how a field varies, which market it is, what a point is made of."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from simulation.sweeping.settings import Across, Direction, Figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulation.sweeping.settings import Markets, Objective, Sweep
    from simulation.sweeping.varying import Vary

SHOWN_ANYWAY = {
    (figure, Across.MEAN)
    for figure in (Figure.SHARPE_RATIO, Figure.RETURN_PERCENT, Figure.MAX_DRAWDOWN_PERCENT, Figure.TOTAL_TRADES)
}
"""Objectives that are columns of a leaderboard whatever is wanted."""

LISTED_MAX = 12
"""Values of a field that are listed; of more the first and the last are."""


def field(path: str) -> str:
    """Return a field as a reader knows it: stop loss percent."""
    return path.rpartition(".")[2].replace("_", " ")


def variation(how: Vary) -> str:
    """Return how a field varies: uniform 0.5 to 8 in steps of 0.5."""
    given = getattr(how, how.way)
    if how.way in ("grid", "choice"):
        shown = [str(value) for value in given]
        listed = ", ".join(shown) if len(shown) <= LISTED_MAX else f"{len(shown):,} values, {shown[0]} to {shown[-1]}"
        return f"{how.way.replace('_', '-')}: {listed}"
    step = "" if how.step is None else f" in steps of {how.step:g}"
    return f"{how.way.replace('_', '-')}: {given[0]:g} to {given[1]:g}{step}"


def market(markets: Markets, number: int) -> str:
    """Return what tells a market from the others of its sweep: seed 3, crash."""
    choice = markets.choice(number)
    parts = [] if choice.seed is None else [f"seed {choice.seed}"]
    if choice.regime is not None:
        parts.append(str(choice.regime))
    if choice.recording is not None:
        parts.append(PurePath(choice.recording.path).name)
    return ", ".join(parts) or "the scenario's market"


def objective(one: Objective, *, several: bool) -> str:
    """Return an objective: highest Sharpe ratio; over several markets also how their figures become one."""
    name = FIGURES[one.figure.value][0]
    extreme = "highest" if one.direction is Direction.MAXIMIZE else "lowest"
    over = "on the worst market" if one.across is Across.WORST else f"{one.across} over the markets"
    return f"{extreme} {name}" + (f", {over}" if several else "")


def own_columns(sweep: Sweep) -> list[int]:
    """Return by their place the objectives that are no column of a leaderboard whatever is wanted."""
    return [place for place, one in enumerate(sweep.objectives) if (one.figure, one.across) not in SHOWN_ANYWAY]


def heading(one: Objective, *, several: bool) -> str:
    """Return what stands above an objective in a table: win rate, worst."""
    name = FIGURES[one.figure.value][0]
    return name if one.across is Across.MEAN or not several else f"{name}, {one.across.value}"


def objectives(sweep: Sweep) -> str:
    """Return all objectives of a sweep."""
    return "; ".join(objective(one, several=sweep.markets.size > 1) for one in sweep.objectives)


def point(sweep: Sweep, settings: Mapping[str, Any]) -> str:
    """Return a setting, its fields in the order of the sweep: stop loss percent 3.5, take profit percent 6."""
    return ", ".join(f"{field(path)} {settings[path]}" for path in sweep.vary if path in settings)


FIGURES = {
    "sharpe_ratio": ("Sharpe ratio", ""),
    "return_percent": ("return", "%"),
    "max_drawdown_percent": ("drawdown", "%"),
    "profit_factor": ("profit factor", ""),
    "win_rate_percent": ("win rate", "%"),
    "total_trades": ("trades", ""),
    "failed_trades": ("failed trades", ""),
    "gas_paid_usd": ("gas paid", "USD"),
}
"""What trials are judged by, in words, and its unit."""
