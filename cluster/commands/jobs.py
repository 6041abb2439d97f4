"""The commands that give runs and sweeps to a cluster, and that ask what has become of them."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cluster.commands import running, sweeping
from cluster.commands.common import prepared
from cluster.errors import UsageError
from cluster.options import STOPPED, err, out

if TYPE_CHECKING:
    from cluster.jobs import Job, Jobs

Address = Annotated[
    str,
    typer.Option(
        metavar="URL", envvar="RAY_API_SERVER_ADDRESS", show_envvar=True, help="The dashboard of a running cluster."
    ),
]
HERE = "http://127.0.0.1:8265"

NOT_FOR_A_JOB = {
    "database_url": "--database-url and PAPERDEX_DATABASE_URL would be shown to whoever sees the job; where the "
    "cluster is started, let PAPERDEX_DATABASE_URL_FILE name a file with the URL.",
    "ray_address": "--ray-address: a job runs on the cluster at --address; leave it out.",
    "dashboard_port": "--dashboard-port: the cluster at --address has a dashboard; leave it out.",
    "report": "--report would stay on the cluster; `paperdex report` writes one from the database.",
}
"""Options that a job cannot have, and why."""

_submittable = typer.Typer()
_submittable.command()(running.run)
_submittable.command()(sweeping.sweep)


def submit(
    what: Annotated[str, typer.Argument(metavar="run|sweep", help="What to give to the cluster.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGUMENTS]...", help="As `paperdex run` or `sweep` takes them.")
    ] = None,
    *,
    address: Address = HERE,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Print the job's name and leave it alone.")] = False,
) -> None:
    """Run a scenario or a sweep as a job of a Ray cluster, in a copy of the current folder.

    What it prints is followed to its end, and its exit status is this command's. Files must be within the current
    folder. The nodes need what paperdex depends on, and not paperdex.
    """
    given = [what, *(arguments or ())]
    as_json = _check(what, given[1:])
    jobs = _jobs(address)
    name = jobs.send([*given, *([] if as_json or what == "sweep" else ["--no-report"])], Path.cwd())
    if no_wait:
        print(name, flush=True)
        return
    err.print(f"Job {name}", highlight=False)
    raise typer.Exit(_followed(jobs, name, as_json=as_json))


def _jobs(address: str) -> Jobs:
    from cluster.jobs import Jobs

    jobs = Jobs(address)
    for handler in logging.getLogger("ray").handlers:  # its modules set levels of their own, and tell of every file
        handler.setLevel(logging.WARNING)
    return jobs


def _followed(jobs: Jobs, name: str, *, as_json: bool) -> int:
    def tell(text: str) -> None:
        for line in text.splitlines(keepends=True):
            # A job's stdout and stderr come as one; of a result for machines it is the object that counts.
            stream = sys.stderr if as_json and not line.startswith("{") else sys.stdout
            stream.write(line)
            stream.flush()

    try:
        return jobs.follow(name, tell)
    except KeyboardInterrupt:
        err.print(f"The job goes on; `paperdex status {name}` tells of it, `paperdex stop {name}` stops it.")
        return STOPPED


def _check(what: str, arguments: list[str]) -> bool:
    """Refuse here what would be refused there; tell whether the result is for machines."""
    commands: Any = typer.main.get_command(_submittable)
    if what not in commands.commands:
        raise UsageError(f"paperdex submit {what}: run and sweep are what a cluster can be given.")
    with commands.commands[what].make_context(f"paperdex {what}", list(arguments)) as context:
        given = context.params
    for option, why in NOT_FOR_A_JOB.items():
        if given.get(option) is not None:
            raise UsageError(why)
    for option in ("scenario", "file"):
        _check_is_within(given.get(option))
    if given["resume"] is None:
        _load(what, given)
    return bool(given["as_json"])


def _check_is_within(path: Path | None) -> None:
    if path is not None and (path.is_absolute() or ".." in path.parts):
        raise UsageError(f"{path}: a job has a copy of the current folder; name a file within it, from there.")


def _load(what: str, given: dict[str, Any]) -> None:
    from cluster.scenarios import Overrides, load
    from cluster.sweeping.plan import load_sweep, sweep_plan

    if what == "sweep":
        if given["file"] is None:
            raise UsageError("SWEEP.yaml is missing; name a file, or a sweep to --resume.")
        sweep_plan(*load_sweep(given["file"]), str(given["file"]))
        return
    names = ("accounts", "blocks", "seed", "segment_blocks", "market")
    prepared(load(given["scenario"], Overrides(*(given[name] for name in names))))


def status(
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="One of them.", show_default="all")] = None,
    *,
    address: Address = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what has become of the jobs of a cluster, and which runs it conducts as services."""
    jobs = _jobs(address)
    told = [*jobs.services(), *jobs.all()] if job is None else [jobs.job(job)]
    if as_json:
        print(json.dumps([one.as_json() for one in told] if job is None else told[0].as_json()), flush=True)
    elif not told:
        out.print(f"Neither a job nor a service of paperdex's at {address}.", highlight=False)
    else:
        out.print(_table(told))
        if job is not None:
            out.print(told[0].message, highlight=False, soft_wrap=True)


def _table(jobs: list[Job]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("job", "status", "exit", "started", "seconds", "command"):
        table.add_column(heading, justify="right" if heading in {"exit", "seconds"} else "left")
    for job in jobs:
        seconds = job.ended_at and job.started_at and (job.ended_at - job.started_at).total_seconds()
        table.add_row(
            job.job,
            job.status,
            "" if job.exit_status is None else str(job.exit_status),
            "" if job.started_at is None else f"{job.started_at:%Y-%m-%d %H:%M:%S}",
            "" if seconds is None else f"{seconds:.0f}",
            job.command,
        )
    return table


def stop(job: str, address: str) -> None:
    """Stop a job; its run or sweep is closed, keeps what was committed and can be resumed."""
    jobs = _jobs(address)
    before = jobs.job(job)
    if before.exit_status is not None or not jobs.stop(job):
        raise UsageError(f"{job} has ended already, {before.status}.")
    out.print(f"{job} is being stopped; `paperdex status {job}` tells when.", highlight=False)
