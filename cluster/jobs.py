"""Runs and sweeps as jobs of a Ray cluster: sent, followed, listed and stopped through its job API.

A job is this command line again, on the cluster's head node, in a copy of the current folder. The packages travel with
it, so that nodes need what paperdex depends on, and not paperdex.
"""

from __future__ import annotations

import asyncio
import secrets
import shlex
import socket
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cluster.connect import PROBE_SECONDS, REFUSES_THIS, is_itself, paperdex_itself
from cluster.errors import UsageError
from cluster.options import FAILED, STOPPED
from storage.installed import paperdex_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

LEFT_OUT = [".git", ".venv", "reports", "__pycache__"]
"""Of the current folder; what its .gitignore names is left out too."""

STARTS_WITH = "paperdex-"
"""What every job's name starts with, and the namespace of every service."""

CONDUCTOR, SERVICES_MAX = "Service", 1_000
"""The class of the actor that conducts a service, and so many of them are listed."""

WANTED = "name the dashboard of a running cluster, as http://HOST:8265"
ELSEWHERE = (
    "as a rule a dashboard listens on its head node alone: `ssh -L 8265:127.0.0.1:8265 {host}` brings it to "
    "http://127.0.0.1:8265"
)

SILENCES = 5
"""So often a connection that ends before its job does is opened again while nothing more is told."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the cluster says of a job."""

    job: str
    """Its name, which Ray calls the submission ID."""
    command: str
    status: str
    """PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED."""
    started_at: datetime | None
    ended_at: datetime | None
    message: str
    exit_status: int | None
    """Of the command; None while there is none."""

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        times = {"started_at": self.started_at, "ended_at": self.ended_at}
        return asdict(self) | {name: None if at is None else at.isoformat() for name, at in times.items()}


class Jobs:
    """The jobs of the cluster whose dashboard listens at ``address``, such as http://127.0.0.1:8265."""

    def __init__(self, address: str) -> None:
        """Connect; raises UsageError where no cluster answers, or one that wants another token."""
        self._address = address
        _check_answers(address)
        from ray.job_submission import JobSubmissionClient  # noqa: PLC0415 -- brings Ray, which takes its time

        with self._in_one_sentence():
            self._client = JobSubmissionClient(address)

    def send(self, arguments: Sequence[str], folder: Path) -> str:
        """Start ``paperdex`` with these arguments in a copy of ``folder``; return the job's name."""
        name = f"{STARTS_WITH}{arguments[0]}-{secrets.token_hex(4)}"
        with self._in_one_sentence():
            self._client.submit_job(
                entrypoint=f'{shlex.join(["python", "-m", "cluster.cli", *arguments])} --ray-address "$RAY_ADDRESS"',
                submission_id=name,
                runtime_env={
                    "working_dir": str(folder),
                    "excludes": LEFT_OUT,
                    **paperdex_itself(),
                },
                metadata={"job_name": shlex.join(["paperdex", *arguments]), "paperdex": paperdex_version()},
            )
        return name

    def follow(self, name: str, tell: Callable[[str], None]) -> int:
        """Tell what a job prints, as it comes, until it ends; return the exit status of its command."""
        told = silences = 0
        while silences < SILENCES:
            before = told
            told = asyncio.run(self._tail(name, told, tell))
            exit_status = self.job(name).exit_status
            if exit_status is not None:
                return exit_status
            silences = silences + 1 if told == before else 0
        raise UsageError(f"The cluster at {self._address} says no more of {name}; `paperdex status {name}` asks again.")

    async def _tail(self, name: str, told: int, tell: Callable[[str], None]) -> int:
        """Tell what a job has printed after its first ``told`` characters; return how many those are in the end."""
        at = 0
        with suppress(RuntimeError, OSError):  # of a connection that breaks
            async for text in self._client.tail_job_logs(name):
                new = text[max(told - at, 0) :]
                at += len(text)
                if new:
                    tell(new)
        return max(at, told)

    def job(self, name: str) -> Job:
        """Return what the cluster says of one job; raises UsageError where there is none of that name."""
        with self._in_one_sentence(name):
            return _job(name, self._client.get_job_info(name))

    def all(self) -> list[Job]:
        """Return the jobs that paperdex has sent, the latest first."""
        with self._in_one_sentence():
            listed = {one.submission_id or "": one for one in self._client.list_jobs()}
        jobs = [_job(name, one) for name, one in listed.items() if name.startswith(STARTS_WITH)]
        return sorted(jobs, key=lambda job: job.started_at or datetime.max.replace(tzinfo=UTC), reverse=True)

    def services(self) -> list[Job]:
        """Return the runs that the cluster conducts, each under its id."""
        from ray.util.state import list_actors  # noqa: PLC0415 -- as above

        with self._in_one_sentence():
            conductors = list_actors(
                self._address, filters=[("class_name", "=", CONDUCTOR), ("state", "=", "ALIVE")], limit=SERVICES_MAX
            )
        runs = sorted(str(one.ray_namespace).removeprefix(STARTS_WITH) for one in conductors)
        return [Job(run, "paperdex up", "RUNNING", None, None, "", None) for run in runs]

    def stop(self, name: str) -> bool:
        """Interrupt a job's command, which closes its run or sweep; tell whether it was still going on."""
        with self._in_one_sentence(name):
            return bool(self._client.stop_job(name))

    @contextmanager
    def _in_one_sentence(self, name: str = "") -> Iterator[None]:
        from ray.exceptions import AuthenticationError  # noqa: PLC0415 -- as above
        from ray.util.state.exception import RayStateApiException  # noqa: PLC0415 -- as above

        try:
            yield
        except AuthenticationError as error:
            raise UsageError(f"--address {self._address} {REFUSES_THIS}") from error
        except (ConnectionError, RuntimeError, OSError, ValueError, RayStateApiException) as error:
            if "404" in str(error) and name:
                raise UsageError(f"{name} is no job of the cluster at {self._address}.") from error
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise UsageError(f"--address {self._address}: {reason}; {WANTED}.") from error


def _check_answers(address: str) -> None:
    """Refuse an address at which nothing listens: Ray would say so in many lines."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        with socket.create_connection((parts.hostname or "", port), timeout=PROBE_SECONDS):
            pass
    except (ValueError, KeyError) as error:
        raise UsageError(f"--address {address} is no URL; {WANTED}.") from error
    except OSError as error:
        host = parts.hostname or ""
        helps = WANTED if is_itself(host) else ELSEWHERE.format(host=host)
        raise UsageError(f"--address {address} does not answer; {helps}.") from error


def _job(name: str, told: Any) -> Job:
    status = str(told.status)
    statuses = {"SUCCEEDED": 0, "STOPPED": STOPPED, "FAILED": told.driver_exit_code or FAILED}
    return Job(
        job=name,
        command=(told.metadata or {}).get("job_name", told.entrypoint),
        status=status,
        started_at=_time(told.start_time),
        ended_at=_time(told.end_time),
        message=" ".join((told.message or "").split()),
        exit_status=statuses.get(status),
    )


def _time(unix_ms: int | None) -> datetime | None:
    return None if not unix_ms else datetime.fromtimestamp(unix_ms / 1000, UTC)
