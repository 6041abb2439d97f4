"""Is the market true? Measures the built-in market and recorded ones with the same functions and compares."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from cluster.recorded_series import read_folder
from cluster.scenarios import Overrides, load
from simulation.market import sampling
from simulation.market.realism import CHECKS, Recorded, measure, spread
from simulation.settings.market import SyntheticMarket

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from rich.console import Console

    from cluster.recorded_series import Samples
    from simulation.market.realism import Band, Check, Spread

    Series = dict[str, NDArray[Any]]

COLUMNS = ("statistic", "recorded", "on", "simulated", "over seeds", "band", "verdict")
WORDS = {"statistic", "on"}
"""Columns that may be folded; a number is shown whole."""

NAMED_GROUPS = {"gas", "orders"}
"""Groups whose checks are not named after a class of tokens."""


@dataclass(frozen=True, slots=True)
class Row:
    """One check with what was found."""

    check: Check
    recorded: Recorded
    recomputed: bool
    """Whether ``recorded`` was measured just now; otherwise it is the figure that comes along."""
    simulated: Spread
    days: int
    """Length of the simulated hours and days."""

    @property
    def is_long_enough(self) -> bool:
        """Whether the samples are long enough for the statistic to say anything."""
        return self.days >= self.check.least_days

    @property
    def holds(self) -> bool:
        """Whether the median over the seeds lies in the band, of samples that are long enough."""
        return self.is_long_enough and self.check.band.holds(self.simulated.median)

    @property
    def fails(self) -> bool:
        """Whether it does not, of samples that are long enough."""
        return self.is_long_enough and not self.holds


@dataclass(frozen=True, slots=True)
class Findings:
    """All rows, and what they were measured on."""

    rows: tuple[Row, ...]
    seeds: int
    days: int
    folder: Path | None

    @property
    def holds(self) -> bool:
        """Whether no check fails."""
        return not any(row.fails for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """Return the findings as plain values; a number that is missing or without bound is None."""
        return {
            "seeds": self.seeds,
            "days": self.days,
            "recordings": None if self.folder is None else str(self.folder),
            "holds": self.holds,
            "checks": [_plain(row) for row in self.rows],
        }


def simulate(seeds: Iterable[int], days: int) -> Iterator[Series]:
    """Yield the series of the built-in market, one seed after another."""
    scenario = load(None, Overrides())
    assert isinstance(scenario.market, SyntheticMarket)
    for seed in seeds:
        yield sampling.series_of(scenario.market, scenario.gas, seed, days)


def recordings(folder: Path | None) -> dict[str, Samples]:
    """Return the recorded series of a folder; none without one."""
    return {} if folder is None else read_folder(folder)


def compare(simulated: Iterable[Series], recorded: dict[str, Samples], folder: Path | None, days: int) -> Findings:
    """Measure every check on what is recorded and on simulated series, of which only the results are kept."""
    measured = [[measure(check, series[check.series]) for check in CHECKS] for series in simulated]
    rows = tuple(
        _row(check, spread(values), recorded.get(check.series), days)
        for check, values in zip(CHECKS, zip(*measured, strict=True), strict=True)
    )
    return Findings(rows, len(measured), days, folder)


def _row(check: Check, simulated: Spread, recorded: Samples | None, days: int) -> Row:
    if recorded is None:
        return Row(check, check.recorded, recomputed=False, simulated=simulated, days=days)
    found = spread([measure(check, sample) for sample in recorded.arrays])
    source = ", ".join(recorded.files)
    return Row(check, Recorded(found.low, found.high, source), recomputed=True, simulated=simulated, days=days)


def print_findings(console: Console, findings: Findings) -> None:
    """Print the table, and above and below it what its numbers were measured on."""
    for line in _measured_on(findings):
        console.print(line, highlight=False, soft_wrap=True)
    console.print()
    console.print(_table(findings.rows))
    console.print()
    if findings.folder is not None:
        console.print(f"* measured just now on {findings.folder}", highlight=False, soft_wrap=True)
    console.print(_summary(findings.rows), highlight=False)


def _summary(rows: tuple[Row, ...]) -> str:
    holding, failing = sum(row.holds for row in rows), sum(row.fails for row in rows)
    short = len(rows) - holding - failing
    parts = [f"{holding} of {len(rows)} hold"]
    if failing:
        parts.append(f"{failing} fail")
    if short:
        most = max(row.check.least_days for row in rows if not row.is_long_enough)
        parts.append(f"{short} need more days than these; --days {most} is enough")
    return f"{', '.join(parts)}."


def _measured_on(findings: Findings) -> tuple[str, ...]:
    coarse, fine = (ms // 1000 for ms in (sampling.COARSE_BLOCK_TIME_MS, sampling.BLOCK_TIME_MS))
    return (
        f"The built-in market, {findings.seeds} seeds; a check holds when the median over the seeds lies in its band.",
        (
            f"Hours and days: {findings.days} days a seed in blocks of {coarse} s. "
            f"Minutes: {sampling.MINUTE_DAYS} days in blocks of {fine} s; "
            f"pools and orders: {sampling.TRACKED_BLOCKS:,} of these blocks, losses and tolerances: "
            f"{sampling.WATCHED_BLOCKS:,}, gas: {sampling.FEE_BLOCKS:,}."
        ),
    )


def _table(rows: tuple[Row, ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for column in COLUMNS:
        words = column in WORDS
        table.add_column(column, justify="left" if words else "right", no_wrap=not words, overflow="fold")
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> tuple[str | Text, ...]:
    check, simulated, recorded = row.check, row.simulated, row.recorded
    return (
        _title(check),
        _range(recorded.low, recorded.high) + ("*" if row.recomputed else ""),
        _shorten(recorded.source),
        number(simulated.median),
        _range(simulated.low, simulated.high),
        _band(check.band),
        _verdict(row),
    )


def _verdict(row: Row) -> Text:
    if not row.is_long_enough:
        return Text(f"needs {row.check.least_days} d", style="yellow")
    return Text("holds", style="green") if row.holds else Text("FAILS", style="bold red")


def _title(check: Check) -> str:
    group = f"{check.group}: " if check.group in NAMED_GROUPS else ""
    return f"{group}{check.name}{', ' if check.unit else ''}{check.unit}"


def _shorten(source: str) -> str:
    """Return a source that fits into the table: of files, the first one's first words, or how many there are."""
    files = source.split(", ") if source.endswith(".csv") else []
    if not files:
        return source
    return "_".join(files[0].split("_")[:2]) if len(files) == 1 else f"{len(files)} files"


def _band(band: Band) -> str:
    return f"over {number(band.low)}" if math.isinf(band.high) else _range(band.low, band.high)


def _range(low: float, high: float) -> str:
    if math.isnan(low):
        return "-"
    return number(low) if number(low) == number(high) else f"{number(low)}..{number(high)}"


def number(value: float) -> str:
    """Return a number with as many decimals as say something."""
    decimals = sum(abs(value) < limit for limit in (2.0, 10.0, 100.0))
    text = f"{value:z.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


def _plain(row: Row) -> dict[str, Any]:
    check = row.check
    return {
        "group": check.group,
        "name": check.name,
        "unit": check.unit,
        "series": check.series,
        "recorded": {**_finite(asdict(row.recorded)), "recomputed": row.recomputed},
        "simulated": _finite(asdict(row.simulated)),
        "band": _finite(asdict(check.band)),
        "holds": row.holds if row.is_long_enough else None,
        "needs_days": None if row.is_long_enough else check.least_days,
    }


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()
    }
