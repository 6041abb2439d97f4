"""The live view of a sweep: a bar on a terminal, and plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, TextColumn

from cluster.facts import counted, estimated
from cluster.lines import Lines

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

    from cluster.sweeping.conductor import SweepProgress


class SweepView:
    """Shows trials, their rate, session-blocks a second, the best so far and an estimate while a sweep goes on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(BarColumn(), TextColumn("{task.description}"), console=console, transient=True)
        self._task = self._bar.add_task("", total=None)
        self._since: float | None = None
        self._first = 0
        self._lines = Lines(first=1)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Clear the view: what follows is the result."""
        self._bar.stop()

    def say(self, text: str) -> None:
        """Show what the sweep is waiting for."""
        if self._console.is_terminal:
            self._bar.update(self._task, description=text)
        else:
            self._console.print(text, highlight=False, soft_wrap=True)

    def show(self, progress: SweepProgress) -> None:
        """Redraw for this progress."""
        if self._since is None:  # counted from here: starting the actors says nothing of the rest
            self._since, self._first = time.monotonic(), progress.trials
        done, total = progress.trials + progress.skipped, progress.n_trials
        line = self._line(progress, done)
        if self._console.is_terminal:
            self._bar.update(self._task, total=total, completed=done, description=line)
        elif self._lines.is_due(done, total):
            self._console.print(line, highlight=False, soft_wrap=True)

    def _line(self, progress: SweepProgress, done: int) -> str:
        assert self._since is not None, "set above"
        seconds = time.monotonic() - self._since
        parts = [f"trial {done:,} of {progress.n_trials:,}"]
        if progress.trials > self._first and seconds > 0:
            rate = (progress.trials - self._first) / seconds
            parts.append(f"{rate:,.0f} trials/s")
            parts.append(f"{progress.session_blocks / seconds / 1e6:,.1f} million session-blocks/s")
            parts.append(f"{estimated((progress.n_trials - done) / rate)} left")
        if progress.best is not None:
            parts.append(f"best so far {progress.best:.3f}")
        fates = (progress.pruned, "pruned"), (progress.failed, "failed"), (progress.skipped, "skipped")
        parts += [f"{count:,} {what}" for count, what in fates if count]
        if progress.restarts:
            parts.append(counted(progress.restarts, "restart"))
        return " · ".join(parts)
