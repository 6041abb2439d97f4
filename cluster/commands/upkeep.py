"""The commands that keep a database small: archive runs to files, put one back, prune."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.progress import track
from rich.table import Table

from cluster.errors import UsageError
from cluster.facts import counted
from cluster.options import FAILED, DatabaseUrl, err, out
from storage.errors import (
    AnotherArchive,
    ContentChanged,
    DamagedArchive,
    NoArchive,
    NotSound,
    RunGoesOn,
    RunHeld,
    RunNotFound,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from storage.records import ArchivedRun, EndedRun, Thinned
    from storage.store import Store

Result = TypeVar("Result")

UNIT_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
LONGEST_SECONDS = 100 * 365 * UNIT_SECONDS["day"]

_PART = re.compile(r"\s*(\d{1,9})\s*(minute|min|hour|day|week|[mhdw])s?(?=[\s\d]|$)\s*")
_UNITS = {"m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week"}

_OF_ONE_RUN = (AnotherArchive, ContentChanged, DamagedArchive, NoArchive, NotSound, RunGoesOn, RunHeld, RunNotFound)
"""What is wrong with one run and does not keep the next from being treated."""

OlderThan = Annotated[
    str | None,
    typer.Option("--older-than", metavar="TIME", help="All runs that ended longer ago, such as 30d, 12h or 2w."),
]
OneRun = Annotated[
    str | None, typer.Option("--run", metavar="RUN", help="This one instead, however old: its id, or the beginning.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")]


def archive(
    *,
    older_than: OlderThan = None,
    run: OneRun = None,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the runs' folders go.")] = Path("archive"),
    dry_run: DryRun = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Move runs that have ended to Parquet files, a folder each; deleted only when the files are read back whole.

    Exit status 1 if a run had to be left alone. Killed on the way, nothing is lost; run it again.
    """
    seconds = _chosen_seconds(older_than, run)
    _check_folder(to)
    store = _store(database_url)
    chosen = _chosen(store, seconds, run)
    if dry_run:
        _print(_would_go(chosen), f"{counted(len(chosen), 'run')} would be archived in {to.resolve()}.")
        return

    def report(archived: list[ArchivedRun]) -> None:
        _print(_archived(archived), f"{counted(len(archived), 'run')} archived in {to.resolve()}.")

    _each(chosen, lambda one: store.archive(one.run_id, to), report, may_fail=run is None)


def restore(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of an archived run.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Put an archived run back, with the digest that it had; the files stay."""
    restored = _store(database_url).restore(folder)
    said = (
        f"Run {restored.run_id} ({restored.name}) is back: {counted(restored.rows, 'row')}, digest {restored.digest}."
    )
    out.print(said, highlight=False, soft_wrap=True)


def prune(
    *,
    older_than: OlderThan = None,
    run: OneRun = None,
    dry_run: DryRun = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Thin ended runs: hourly snapshots inside a day, and the numbers behind decisions whose order did not fill.

    The ledger stays whole; the digest that a run ended with holds no more, and the run says so. Exit status 1 if a run
    had to be left alone.
    """
    seconds = _chosen_seconds(older_than, run)
    store = _store(database_url)
    chosen = _chosen(store, seconds, run)

    def report(thinned: list[tuple[EndedRun, Thinned]]) -> None:
        changed = sum(bool(taken.snapshots or taken.decisions) for _, taken in thinned)
        _print(_thinned(thinned), f"{counted(changed, 'run')} {'would be ' if dry_run else ''}pruned.")

    _each(chosen, lambda one: (one, store.prune(one.run_id, dry_run=dry_run)), report, may_fail=run is None)


def seconds_of(text: str, option: str) -> int:
    """Return a length of time as a user writes it (30d, 12 hours, 1w 2d) in seconds; raises UsageError."""
    total, at = 0, 0
    while part := _PART.match(text.lower(), at):
        total += int(part[1]) * UNIT_SECONDS[_UNITS.get(part[2], part[2])]
        at = part.end()
    if at != len(text) or not text.strip():
        raise UsageError(f"{option} {text!r} is no length of time; write a number and a unit: 30d, 12h, 2w, 90min.")
    if total > LONGEST_SECONDS:
        raise UsageError(f"{option} {text!r} is more than a hundred years; write a shorter time.")
    return total


def _chosen_seconds(older_than: str | None, run: str | None) -> int | None:
    """Return the least age of the runs meant; None where one is named."""
    if (older_than is None) == (run is None):
        raise UsageError("Say which runs: --older-than TIME, such as 30d, or --run RUN, and not both.")
    return None if older_than is None else seconds_of(older_than, "--older-than")


def _chosen(store: Store, seconds: int | None, run: str | None) -> list[EndedRun]:
    if seconds is not None:
        return store.ended_runs(seconds)
    assert run is not None
    return [store.ended_run(store.resolve_run(run))]


def _check_folder(to: Path) -> None:
    if to.exists() and not to.is_dir():
        raise UsageError(f"--to {to} is a file; name a folder.")


def _each(
    chosen: Sequence[EndedRun],
    act: Callable[[EndedRun], Result],
    report: Callable[[list[Result]], None],
    *,
    may_fail: bool,
) -> None:
    """Treat each run and report what was done, also when the next can't be; exit status 1 if one was left alone."""
    done, refused = [], []
    try:
        for one in track(chosen, "runs", console=err, transient=True, disable=not err.is_terminal):
            try:
                done.append(act(one))
            except _OF_ONE_RUN as error:
                if not may_fail:
                    raise
                refused.append(str(error))
    except BaseException:
        if done:
            report(done)
        raise
    report(done)
    for sentence in refused:
        err.print(sentence, style="red", highlight=False, soft_wrap=True)
    if refused:
        raise typer.Exit(FAILED)


def _print(table: Table, sentence: str) -> None:
    if table.row_count:
        out.print(table, highlight=False)
    out.print(sentence, highlight=False, soft_wrap=True)


def _table(words: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in words:
        table.add_column(column, overflow="fold", no_wrap=column == "run")
    for column in numbers:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _would_go(runs: Sequence[EndedRun]) -> Table:
    table = _table(("run", "name", "status", "ended"), ("rows",))
    for run in runs:
        table.add_row(str(run.run_id), run.name, run.status, f"{run.finished_at:%Y-%m-%d %H:%M}", f"{run.rows:,}")
    return table


def _archived(runs: Sequence[ArchivedRun]) -> Table:
    table = _table(("run", "name", "digest"), ("rows", "MB"))
    for run in runs:
        table.add_row(str(run.run_id), run.name, run.digest[:16], f"{run.rows:,}", f"{run.size_bytes / 1e6:,.1f}")
    return table


def _thinned(runs: Sequence[tuple[EndedRun, Thinned]]) -> Table:
    table = _table(("run", "name"), ("snapshots gone", "kept", "decisions emptied"))
    for run, taken in runs:
        numbers = (taken.snapshots, taken.snapshots_kept, taken.decisions)
        table.add_row(str(run.run_id), run.name, *(f"{number:,}" for number in numbers))
    return table


def _store(database_url: str | None) -> Store:
    from cluster.database import open_store

    return open_store(database_url)[0]
