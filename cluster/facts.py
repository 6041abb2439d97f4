"""What is printed for a person about one stored thing: names and values in two columns, and numbers in their units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from storage.units import fixed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal


def facts(values: Mapping[str, str]) -> Table:
    """Return names and what is so called, a line each; what is longer than a line goes on below itself."""
    table = grid()
    for name, value in values.items():
        table.add_row(Text(name, style="dim"), Text(value))
    return table


def grid() -> Table:
    """Return a table of two columns without any lines."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table


def moment(at: datetime, block: int) -> str:
    """Return a block and its simulated time."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC, block {block:,}"


def tokens(amount: Decimal, decimals: int, symbol: str) -> str:
    """Return base units as whole tokens, with every digit that is not a zero at the end."""
    whole, _, part = fixed(int(amount), decimals).partition(".")
    part = part.rstrip("0")
    return f"{int(whole):,}{'.' if part else ''}{part} {symbol}"


def unheld(whole: str, key: str) -> str:
    """Return what is said of a run or a sweep that is RUNNING while no process holds it.

    That alone does not prove its end: a conductor that goes on when its database is back has lost its hold with it.
    """
    goes_on = f"`paperdex {whole} --resume {key}` goes on with it"
    return f"No process holds this {whole}; if its command has ended, {goes_on}."


def counted(number: int, thing: str) -> str:
    """Return a number of things, in the plural where there is not one."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


_SPANS = ("year", 31_557_600), ("day", 86_400), ("hour", 3_600), ("minute", 60)


def estimated(seconds: float) -> str:
    """Return about how long something takes: in the largest unit of which there are nearly two, else in seconds."""
    for unit, length in _SPANS:
        if seconds >= 1.75 * length:
            return f"some {seconds / length:,.0f} {unit}s"
    return f"{seconds:.0f} s"
