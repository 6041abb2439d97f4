"""The commands that steer what goes on: runs and sessions by their database, jobs by their cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from cluster.commands import jobs
from cluster.commands.common import store_at
from cluster.options import DatabaseUrl, out

Steered = Annotated[
    str,
    typer.Argument(
        metavar="RUN|SESSION", help="A run's id, the first digits of it, or 'latest'; or the id of a session."
    ),
]
Stopped = Annotated[
    str,
    typer.Argument(
        metavar="RUN|SESSION|JOB",
        help="A run's id, the first digits of it, or 'latest'; the id of a session; or the name that `paperdex submit` "
        "printed.",
    ),
]


def pause(name: Steered, database_url: DatabaseUrl = None) -> None:
    """Have a session buy nothing more, while it holds and sells; or have a run stand still.

    Taken up at the end of the segment that is being traded; `paperdex show run` tells before which block.
    """
    _command(name, "PAUSE", database_url)


def resume(name: Steered, database_url: DatabaseUrl = None) -> None:
    """Have a session buy again that was paused by command, or a run go on.

    A run that has been stopped goes on with `paperdex run --resume`, or `up --resume`.
    """
    _command(name, "RESUME", database_url)


def stop(name: Stopped, *, address: jobs.Address = jobs.HERE, database_url: DatabaseUrl = None) -> None:
    """Stop a session for good, a run until `paperdex run --resume`, or a job, whose run or sweep can be resumed.

    Orders of the session that are on their way are taken back, what it holds stays open, and the others trade on. A
    run or a job is closed and keeps what was committed.
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
