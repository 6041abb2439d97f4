"""Orders and trials a second, and peak memory, beside other programs on the same work in the same run.

    pip install 'paperdex[peers]'
    .venv/bin/python benchmarks/peers.py [--only orders columns single searches]

``orders``: vectorbt's ``from_signals`` with an order in every bar of a thousand columns, which needs exact swaps of
ours. ``columns``: ten thousand pairs of moving averages as columns of vectorbt. ``single``: some hundred of them, one
run each of backtesting.py. ``searches``: cheap trials, one after another by Ray Tune and Optuna. Where the models are
equal, so must the results be, within the bound that is printed; else the benchmark fails.

Everything is warm; both sides of a pair take turns, and the fastest of some repeats counts. Memory is that of a process
of its own, which does nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from beside.measuring import alone_in, table
from heading import heading

PARTS = {"orders": "vectorbt", "columns": "vectorbt", "single": "backtesting", "searches": "pyarrow"}
"""The parts, and what each needs beyond paperdex; Ray Tune does not start without pyarrow."""


def part(name: str) -> Any:
    """Return the module of a part; the others' programs are not imported."""
    return import_module(f"beside.{name}")


def main() -> None:
    """Print the table, or the memory of one thing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--alone", nargs=2, metavar=("PART", "WHAT"), help="used by the script itself")
    given = parser.parse_args()
    if given.alone:
        alone_in(part(given.alone[0]), given.alone[1])
        return
    print(f"{heading()}; load {os.getloadavg()[0]:.1f} before\n")
    missing = {name for name in given.only if find_spec(PARTS[name]) is None}
    lines = [line for name in given.only if name not in missing for line in part(name).lines()]
    print(f"\n{table(lines)}\n\nratio: above 1 where ours is better")
    if missing:
        print(f"left out: {', '.join(sorted(missing))}; pip install 'paperdex[peers]'")


if __name__ == "__main__":
    main()
