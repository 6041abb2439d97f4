"""Two programs measured in one run: the fastest of some repeats each, and peak memory in a process of its own."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MIB = 1024
"""KiB, in which Linux counts."""


class Peak(NamedTuple):
    """Peak memory of a process that does one thing, MiB."""

    whole: float
    """The most that it ever had, imports and compiling included."""
    above: float
    """What the run takes above imports and compiled code, which a small run of the same thing has brought in."""


class Line(NamedTuple):
    """One pair of the table."""

    what: str
    unit: str
    ours: float
    peer: float
    budget: str
    """What the ratio is to be, or none."""
    is_less_better: bool = False

    @property
    def ratio(self) -> float:
        """How often ours goes into the peer's, or the other way round: above 1 where ours is better."""
        return self.peer / self.ours if self.is_less_better else self.ours / self.peer


def alternated(repeats: int, *works: Callable[[], Any]) -> list[float]:
    """Return the fastest seconds of each work; they take turns, so that a busy machine is busy for all of them."""
    fastest = [float("inf")] * len(works)
    for _ in range(repeats):
        for place, work in enumerate(works):
            began = time.perf_counter()
            work()
            fastest[place] = min(fastest[place], time.perf_counter() - began)
    return fastest


def tell_peak(small: Callable[[], Any], whole: Callable[[], Any]) -> None:
    """Print the memory of this process, KiB: most in a small run, held after it, most in the whole one.

    Not by ``ru_maxrss``, which a process takes over from the one that started it.
    """
    small()
    gc.collect()
    first, held = _status_kib("VmHWM"), _status_kib("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the most is counted anew from here on
    whole()
    print(json.dumps([first, held, _status_kib("VmHWM")]))


def _status_kib(field: str) -> int:
    """Return a field of what Linux says of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def alone_in(part: Any, what: str) -> None:
    """Do what a part of the benchmark measures the memory of."""
    part.ALONE[what]()


def peak_of(part: str, what: str) -> Peak:
    """Return the peak memory of one thing of a part, in a process of its own."""
    command = [sys.executable, str(Path(sys.argv[0]).resolve()), "--alone", part, what]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    first, held, most = json.loads(told.splitlines()[-1])
    return Peak(max(first, most) / MIB, (most - held) / MIB)


def memory_lines(what: str, part: str, budget: str) -> list[Line]:
    """Return what the memory of both sides of a part comes to."""
    ours, theirs = peak_of(part, "ours"), peak_of(part, "theirs")
    return [
        Line(f"{what}: peak memory", "MiB", ours.whole, theirs.whole, budget, is_less_better=True),
        Line(f"{what}: above imports and code", "MiB", ours.above, theirs.above, budget, is_less_better=True),
    ]


def table(lines: Sequence[Line]) -> str:
    """Return the lines as a table."""
    head = "| | unit | paperdex | peer | ratio | budget |\n|---|---|---:|---:|---:|---:|\n"
    return head + "\n".join(
        f"| {line.what} | {line.unit} | {shown(line.ours)} | {shown(line.peer)} | {line.ratio:,.2f} | {line.budget} |"
        for line in lines
    )


def shown(value: float) -> str:
    """Return a number with three figures that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
