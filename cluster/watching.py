"""Who watches a run or a sweep from where it is conducted: the live view, Prometheus and the log."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from cluster.logs import warn
from cluster.metrics import OF_RUNS, OF_SWEEPS, Exporter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from cluster.conductor import Progress
    from cluster.sweeping.conductor import SweepProgress
    from storage.context import SessionContext


@contextmanager
def run_watched(
    run_id: UUID, lines: Sequence[Sequence[SessionContext]], show: Callable[[Progress], None]
) -> Iterator[Callable[[Progress], None]]:
    """Yield what the conductor of a run is to tell of its progress; ``lines`` are the sessions of each account."""
    told: set[int] = set()
    with Exporter(OF_RUNS, run_id) as exporter:

        def observe(progress: Progress) -> None:
            show(progress)
            exporter.show(progress)
            for receipt in progress.receipts:
                if receipt.error_message and receipt.session not in told:
                    told.add(receipt.session)
                    context = lines[receipt.session][receipt.number]
                    warn(
                        "session failed",
                        session=context.session_id,
                        account=context.account.name,
                        block=receipt.next_block,
                        why=receipt.error_message,
                    )

        yield observe


@contextmanager
def sweep_watched(sweep_id: UUID, show: Callable[[SweepProgress], None]) -> Iterator[Callable[[SweepProgress], None]]:
    """Yield what the conductor of a sweep is to tell of its progress."""
    with Exporter(OF_SWEEPS, sweep_id) as exporter:

        def observe(progress: SweepProgress) -> None:
            show(progress)
            exporter.show(progress)

        yield observe
