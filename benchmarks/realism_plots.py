"""Draw the simulated market beside a recorded one, and write the table of checks into docs/market/realism.md.

    .venv/bin/python benchmarks/realism_plots.py --recordings FOLDER

Needs the extra `docs` (matplotlib), and a folder with the recordings that `paperdex market check --recordings` reads.
Both sides are series by the same name, measured by simulation.market.statistics.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from rich.console import Console

from cluster import market_check
from simulation.market import sampling
from simulation.market import statistics as st
from simulation.market.realism import CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from cluster.recorded_series import Samples

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "market"
PAGE = FOLDER / "realism.md"
SEEDS = range(1, 6)
HOURS_PER_DAY, MINUTES_PER_DAY = 24, 1440
TABLE = re.compile(r"(<!-- table: .*? -->\n).*?(<!-- end of table -->)", re.DOTALL)

SIMULATED, RECORDED, GAUSSIAN = "#1f6feb", "#b35900", "#888888"
STYLE = {
    "figure.figsize": (9, 3.4), "figure.dpi": 100, "figure.constrained_layout.use": True, "font.size": 9,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 8.5, "axes.titlelocation": "left",
}  # fmt: skip


def draw_returns(axes: Axes, log_prices: np.ndarray, color: str) -> str:
    """Draw the density of hourly returns in their own deviations, on a log scale, over that of a Gaussian."""
    returns = st.log_returns(log_prices)
    edges = np.linspace(-15.0, 15.0, 91)
    density, _ = np.histogram(returns / returns.std(), edges, density=True)
    centers = 0.5 * (edges[1:] + edges[:-1])
    axes.semilogy(centers, np.where(density > 0, density, np.nan), ".", color=color)
    axes.semilogy(centers, np.exp(-0.5 * centers**2) / np.sqrt(2.0 * np.pi), color=GAUSSIAN, lw=1)
    axes.set(ylim=(1e-5, 1.5), xlabel="return of an hour, in deviations", ylabel="density")
    return f"excess kurtosis {st.excess_kurtosis(returns):.0f}, tail exponent {st.hill_exponent(returns):.2f}"


def draw_memory(axes: Axes, log_prices: np.ndarray, color: str) -> str:
    """Draw how long the size of hourly returns is remembered, up to sixty days."""
    sizes = np.abs(st.log_returns(log_prices))
    lags = np.unique(np.geomspace(1, 60 * HOURS_PER_DAY, 60).astype(int))
    axes.semilogx(lags, [st.autocorrelation(sizes, lag) for lag in lags], ".-", color=color, lw=0.8)
    axes.axhline(0.0, color=GAUSSIAN, lw=0.8)
    axes.set(ylim=(-0.05, 0.42), xlabel="lag, hours", ylabel="autocorrelation of |r|")
    return f"a day {st.autocorrelation(sizes, 24):.2f}, a week {st.autocorrelation(sizes, 168):.2f}"


def draw_volatility(axes: Axes, log_prices: np.ndarray, color: str) -> str:
    """Draw the realised volatility of each day."""
    logs = st.log_realised_volatility(st.log_returns(log_prices), HOURS_PER_DAY)
    axes.semilogy(100.0 * np.exp(logs), color=color, lw=0.6)
    axes.set(ylim=(0.4, 40.0), xlabel="day", ylabel="volatility of a day, %")
    return f"deviation of the log {logs.std():.2f}, acf at 30 days {st.autocorrelation(logs, 30):.2f}"


def draw_minutes(axes: Axes, ticks: np.ndarray, color: str) -> str:
    """Draw by how many ticks, that is basis points, a pool moves each minute of a day."""
    changes = np.diff(ticks[:MINUTES_PER_DAY])
    axes.plot(np.arange(len(changes)) / 60.0, changes, color=color, lw=0.5)
    axes.set(ylim=(-60, 60), xlabel="hour", ylabel="change of a minute, ticks")
    still, memory = 100.0 * st.still_share(ticks), st.autocorrelation(np.diff(ticks), 1)
    return f"{still:.0f} % of minutes move no tick, acf at a minute {memory:.2f}"


PAIRS: dict[str, tuple[str, Callable[[Axes, np.ndarray, str], str]]] = {
    "returns": ("major 1 h", draw_returns),
    "memory": ("major 1 h", draw_memory),
    "volatility": ("major 1 h", draw_volatility),
    "pool-minutes": ("pool 1 min", draw_minutes),
}
"""Name of the file: the series that both sides offer, and what draws it and returns its figures in a line."""

PREFERRED = {"pool 1 min": "mainnet"}
"""Of several recordings of a series, the one whose file name has this in it; otherwise the first."""


def draw_pairs(simulated: dict[str, np.ndarray], recorded: dict[str, Samples]) -> None:
    """Draw each pair: simulated on the left, recorded on the right."""
    for name, (series, draw) in PAIRS.items():
        samples = recorded[series]
        chosen = next(at for at, file in enumerate(samples.files) if PREFERRED.get(series, "") in file)
        figure, (left, right) = plt.subplots(1, 2, sharex=True, sharey=True)
        found = draw(left, simulated[series], SIMULATED)
        left.set_title(f"simulated, seed 1\n{found}")
        found = draw(right, samples.arrays[chosen], RECORDED)
        right.set_title(f"recorded: {samples.files[chosen].removesuffix('.csv')}\n{found}")
        save(figure, name)


def draw_base_fee(simulated: dict[str, np.ndarray]) -> None:
    """Draw a base fee and its steps, with what was recorded of such steps."""
    fees = simulated["base fee"]
    steps = 100.0 * st.log_returns(np.log(fees))
    recorded = next(check.recorded for check in CHECKS if check.name == "log base fee, step deviation")
    figure, (left, right) = plt.subplots(1, 2)
    left.plot(np.arange(0, len(fees), 10), fees[::10] / 1e9, color=SIMULATED, lw=0.7)
    left.set(xlabel="block", ylabel="base fee, gwei", title="simulated, seed 1")
    right.hist(steps, np.linspace(-14.0, 14.0, 57), density=True, color=SIMULATED)
    right.set(xlabel="step of the log base fee, %", ylabel="density")
    right.set_title(
        f"simulated steps, deviation {steps.std():.2f} %\n"
        f"recorded: deviation {recorded.low:.2f} to {recorded.high:.2f} % ({recorded.source})"
    )
    save(figure, "base-fee")


def save(figure: plt.Figure, name: str) -> None:
    """Write a figure as a PNG that is the same whenever it is drawn."""
    path = FOLDER / f"{name}.png"
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


def write_table(findings: market_check.Findings) -> None:
    """Put the printed table into the page, between its two marks."""
    text = io.StringIO()
    market_check.print_findings(Console(file=text, width=120, markup=False), findings)
    lines = "\n".join(line.rstrip() for line in text.getvalue().splitlines())
    lines = lines.replace(str(findings.folder), "the folder of recordings")
    page, count = TABLE.subn(
        lambda marks: f"{marks[1]}\n```text\n{lines}\n```\n\n{marks[2]}", PAGE.read_text(encoding="utf-8")
    )
    assert count == 1, f"{PAGE} has lost the marks of its table"
    PAGE.write_text(page, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: table of {len(findings.rows)} checks")


def main() -> None:
    """Draw everything."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--recordings", type=Path, required=True, metavar="FOLDER")
    folder = parser.parse_args().recordings
    mpl.use("Agg")
    plt.rcParams.update(STYLE)
    recorded = market_check.recordings(folder)
    days = len(recorded["major 1 h"].arrays[0]) // HOURS_PER_DAY
    print(f"{days} days of seed 1 for the plots, as many as were recorded; {sampling.MINUTE_DAYS} days of minutes")
    (simulated,) = market_check.simulate([1], days)
    draw_pairs(simulated, recorded)
    draw_base_fee(simulated)
    write_table(market_check.compare(market_check.simulate(SEEDS, 730), recorded, folder, 730))


if __name__ == "__main__":
    main()
