"""What Prometheus sees of runs and sweeps: one table of metrics for each, and the one place that tells them to Ray.

Ray exports them on the metrics port of the node that the conductor runs on, as ``ray_<name>``. Every series has the
label ``run``, the first digits of the run's or sweep's id, and at most one more, whose values are few and known
beforehand: no metric has a series for each session.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import numpy as np
from ray.util import metrics as ray_metrics

from simulation.autopilot.guardrails import Refusal
from simulation.autopilot.outcomes import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from uuid import UUID

    from cluster.conductor import Progress
    from cluster.sweeping.conductor import SweepProgress

Seen = TypeVar("Seen")

RUN = "run"
"""The label that every series has."""
RUN_DIGITS = 8

REMINDER_SECONDS = 1
"""Ray forgets a gauge that nobody has set for two of its reports, twenty seconds by default, though the run waits."""

COMMIT_BOUNDS_SECONDS = tuple(0.001 * 2**doubling for doubling in range(16))
"""From a millisecond to half a minute. Ray hands on counts by bucket, so a sum of seconds is one of mid-buckets."""

MICRO = 1e6
QUARTILES = {"0": 0.0, "0.25": 0.25, "0.5": 0.5, "0.75": 0.75, "1": 1.0}
JUDGED = tuple(kind for kind in OutcomeKind if kind != OutcomeKind.PENDING)


class Kind(StrEnum):
    """What a metric is, for Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


SERIES = {Kind.COUNTER: ("_total",), Kind.GAUGE: ("",), Kind.HISTOGRAM: ("_bucket", "_count", "_sum")}
"""What Ray makes of a metric's name."""


@dataclass(frozen=True, slots=True)
class Metric(Generic[Seen]):
    """One metric: what it is called, what it means, and how it is read from where a run or sweep is."""

    name: str
    """Without the ``_total`` that Ray puts behind a counter."""
    kind: Kind
    description: str
    read: Callable[[Seen], Any]
    """A number, of a counter since the run began; numbers by the second label; of a histogram, the new observations."""
    label: str = ""
    """The second one, if any."""

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which Prometheus has it."""
        counted = self.name.removesuffix("_total") if self.kind is Kind.COUNTER else self.name
        return tuple(f"ray_{counted}{suffix}" for suffix in SERIES[self.kind])

    def values(self, progress: Seen) -> Mapping[str, float]:
        """Return its values by the second label; a metric without one has one value."""
        read = self.read(progress)
        return read if self.label else {"": read}


def _sessions(progress: Progress) -> dict[str, int]:
    living = sum(not receipt.has_ended for receipt in progress.receipts)
    return {
        "RUNNING": 0 if progress.is_paused else living,
        "PAUSED": living if progress.is_paused else 0,
        "ERROR": sum(receipt.error_message != "" for receipt in progress.receipts),
        "STOPPED": sum(receipt.is_stopped for receipt in progress.receipts),
        "COMPLETED": sum(receipt.number for receipt in progress.receipts),
    }


def _trades(progress: Progress) -> dict[str, int]:
    return {
        "completed": sum(receipt.completed_trades for receipt in progress.receipts),
        "failed": sum(receipt.failed_trades for receipt in progress.receipts),
    }


def _equity(progress: Progress) -> dict[str, float]:
    found = np.quantile([receipt.equity_micro_usd / MICRO for receipt in progress.receipts], [*QUARTILES.values()])
    return dict(zip(QUARTILES, found.tolist(), strict=True))


def _trials(progress: SweepProgress) -> dict[str, int]:
    return {
        "completed": progress.trials - progress.failed - progress.pruned,
        "failed": progress.failed,
        "pruned": progress.pruned,
        "skipped": progress.skipped,
    }


COUNTER, GAUGE, HISTOGRAM = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

OF_RUNS: tuple[Metric[Progress], ...] = (
    Metric(
        "paperdex_sessions",
        GAUGE,
        "Sessions by state; COMPLETED are those whose account went on with its next session.",
        _sessions,
        "state",
    ),
    Metric("paperdex_run_block", GAUGE, "The block up to which the run has been traded.", lambda seen: seen.block),
    Metric("paperdex_run_length_blocks", GAUGE, "The length of the run in blocks.", lambda seen: seen.blocks),
    Metric(
        "paperdex_session_blocks_total",
        COUNTER,
        "Blocks traded, summed over the sessions of the run, or over the trials of the sweep.",
        lambda seen: sum(receipt.next_block for receipt in seen.receipts),
    ),
    Metric("paperdex_trades_total", COUNTER, "Trades that have ended, by how.", _trades, "outcome"),
    Metric(
        "paperdex_open_positions",
        GAUGE,
        "Positions that are open, over all sessions.",
        lambda seen: sum(receipt.open_positions for receipt in seen.receipts),
    ),
    Metric("paperdex_equity_usd", GAUGE, "Equity of the accounts, by quantile of them.", _equity, "quantile"),
    Metric(
        "paperdex_writer_lag_commits",
        GAUGE,
        "Commits that the writer furthest behind has not acknowledged; of a run, one a segment.",
        lambda seen: seen.writer_lag_segments,
    ),
    Metric(
        "paperdex_commit_seconds",
        HISTOGRAM,
        "How long commits took, from the first lock to the server's answer.",
        lambda seen: seen.commit_seconds,
    ),
    Metric(
        "paperdex_rows_written_total", COUNTER, "Rows that are durable; not of sweeps.", lambda seen: seen.written.rows
    ),
    Metric(
        "paperdex_autopilot_adjustments_total",
        COUNTER,
        "Adjustments by Auto Pilot since the conductor started, reversals included.",
        lambda seen: seen.adjustments,
    ),
    Metric(
        "paperdex_autopilot_outcomes_total",
        COUNTER,
        "What adjustments came to beside their twins, since the conductor started.",
        lambda seen: {kind.name.lower(): seen.outcomes.get(kind, 0) for kind in JUDGED},
        "outcome",
    ),
    Metric(
        "paperdex_autopilot_refusals_total",
        COUNTER,
        "Reviews of a session that came to no adjustment, by reason, since the conductor started.",
        lambda seen: {reason.name.lower(): seen.refusals.get(reason, 0) for reason in Refusal},
        "reason",
    ),
    Metric(
        "paperdex_recoveries_total",
        COUNTER,
        "Actors that were replaced since the conductor started, by class.",
        lambda seen: seen.recoveries,
        "actor",
    ),
)
"""The metrics of a run."""

_SHARED = {metric.name: metric for metric in OF_RUNS}


def _of_sweeps(name: str, read: Callable[[SweepProgress], Any]) -> Metric[SweepProgress]:
    """Return a metric that sweeps have as runs do."""
    shared = _SHARED[name]
    return Metric(name, shared.kind, shared.description, read, shared.label)


OF_SWEEPS: tuple[Metric[SweepProgress], ...] = (
    Metric(
        "paperdex_sweep_trials_total",
        COUNTER,
        "Trials of the sweep by what became of them; skipped are points that its constraints rule out.",
        _trials,
        "outcome",
    ),
    Metric("paperdex_sweep_length_trials", GAUGE, "How many trials the sweep has.", lambda seen: seen.n_trials),
    Metric("paperdex_sweep_workers", GAUGE, "Workers that trade the sweep's trials.", lambda seen: seen.workers),
    _of_sweeps("paperdex_session_blocks_total", lambda seen: seen.session_blocks),
    _of_sweeps("paperdex_writer_lag_commits", lambda seen: seen.writer_lag_commits),
    _of_sweeps("paperdex_commit_seconds", lambda seen: seen.commit_seconds),
    _of_sweeps("paperdex_recoveries_total", lambda seen: seen.recoveries),
)
"""The metrics of a sweep."""


class Exporter(Generic[Seen]):
    """Keeps Ray's metrics where the latest progress is; gauges are set again while nothing changes, until it is closed.

    A counter is there from the start, at zero: Prometheus does not see the first increment of one that is not.
    """

    def __init__(self, metrics: Sequence[Metric[Seen]], key: UUID) -> None:
        self._metrics = [(metric, _at_ray(metric)) for metric in metrics]
        self._run = str(key)[:RUN_DIGITS]
        self._counted: dict[tuple[str, str], float] = {}
        self._latest: Seen | None = None
        self._lock = threading.Lock()
        self._is_closed = threading.Event()
        self._reminder = threading.Thread(target=self._remind, name="gauges", daemon=True)

    def __enter__(self) -> Self:
        self._reminder.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closed.set()
        self._reminder.join()

    def show(self, progress: Seen) -> None:
        """Tell all metrics of this progress."""
        with self._lock:
            self._latest = progress
            for metric, at_ray in self._metrics:
                if metric.kind is Kind.HISTOGRAM:
                    for observed in metric.read(progress):
                        at_ray.observe(observed, {RUN: self._run})
                elif metric.kind is Kind.COUNTER:
                    self._count(metric, at_ray, progress)
            self._set_gauges(progress)

    def _count(self, metric: Metric[Seen], at_ray: Any, progress: Seen) -> None:
        for label, value in metric.values(progress).items():
            key = metric.name, label
            added = value - self._counted.get(key, 0)
            if added > 0 or key not in self._counted:
                # `inc` refuses the zero that makes a counter be there.
                at_ray._record(max(added, 0), self._tags(metric, label))  # noqa: SLF001
                self._counted[key] = value

    def _set_gauges(self, progress: Seen) -> None:
        for metric, at_ray in self._metrics:
            if metric.kind is Kind.GAUGE:
                for label, value in metric.values(progress).items():
                    at_ray.set(value, self._tags(metric, label))

    def _tags(self, metric: Metric[Seen], label: str) -> dict[str, str]:
        return {RUN: self._run, metric.label: label} if metric.label else {RUN: self._run}

    def _remind(self) -> None:
        while not self._is_closed.wait(REMINDER_SECONDS):
            with self._lock:
                if self._latest is not None:
                    self._set_gauges(self._latest)


def _at_ray(metric: Metric[Any]) -> Any:
    labels = (RUN, metric.label) if metric.label else (RUN,)
    if metric.kind is Kind.HISTOGRAM:
        return ray_metrics.Histogram(metric.name, metric.description, list(COMMIT_BOUNDS_SECONDS), labels)
    made = ray_metrics.Counter if metric.kind is Kind.COUNTER else ray_metrics.Gauge
    return made(metric.name, metric.description, labels)
