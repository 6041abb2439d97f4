"""The commands that steer what goes on: runs, sweeps and sessions by their database, jobs by their cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from cluster.commands import jobs
from cluster.commands.common import store_at
from cluster.options import DatabaseUrl, out

_WHOLE = "A run's or sweep's id, the first digits of it, a sweep's name, 'latest' run or 'latest-sweep'"
Steered = Annotated[str, typer.Argument(metavar="RUN|SWEEP|SESSION", help=f"{_WHOLE}; or the id of a session.")]
Stopped = Annotated[
    str,
    typer.Argument(
        metavar="RUN|SWEEP|SESSION|JOB",
        help=f"{_WHOLE}; the id of a session; or the name that `paperdex submit` printed.",
    ),
]


def pause(name: Steered, database_url: DatabaseUrl = None) -> None:
    """Have a session buy nothing more, while it holds and sells; or have a run or a sweep stand still.

    Taken up at the end of the segment that is being traded, of a sweep before its next cohort; `paperdex show` tells.
    """
    _command(name, "PAUSE", database_url)


def resume(name: Steered, database_url: DatabaseUrl = None) -> None:
    """Have a session buy again that was paused by command, or a run or a sweep go on.

    What has been stopped goes on with `paperdex run --resume`, `up --resume` or `sweep --resume`.
    """
    _command(name, "RESUME", database_url)


def stop(name: Stopped, *, address: jobs.Address = jobs.HERE, database_url: DatabaseUrl = None) -> None:
    """Stop a session for good, a run or a sweep until it is resumed, or a job, whose run or sweep can be resumed.

    Orders of the session that are on their way are taken back, what it holds stays open, and the others trade on. A
    run, a sweep or a job is closed and keeps what was committed.
    """
    from cluster.jobs import STARTS_WITH

    if name.startswith(STARTS_WITH):
        jobs.stop(name, address)
    else:
        _command(name, "STOP", database_url)


def _command(name: str, kind: str, database_url: str | None) -> None:
    from cluster.commanded import became, given

    command = store_at(database_url).command(name, kind)
    out.print(f"{given(command)} {became(command)}", highlight=False, soft_wrap=True)
