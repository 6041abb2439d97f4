"""Runs as services of a cluster: conducted by an actor that outlives whoever began them, and that Ray starts again.

The actor knows the key of its run and nothing else. Each time it starts it takes the run up where the database says,
and takes over the actors that it finds alive: the first time goes the same way as every later one.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from actors import remote
from cluster.connect import AUTO, paperdex_itself, start_ray
from cluster.endings import closed_if_it_fails, ray_until_the_end, told_to_people
from cluster.errors import NoCluster, UsageError
from cluster.remote_calls import result_of
from cluster.room import make_room
from storage.conducting import FIRST
from storage.errors import DatabaseUnreachable, RunHeld
from storage.ids import new_prefix, prefix_of, run_id_of
from storage.steering import STOP, NotCommanded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from cluster.conductor import Progress
    from cluster.plan import Plan
    from cluster.runs import Place
    from storage.store import Store

NAME = "Conductor"
DIED = 1
"""Exit status of a conductor's process that Ray is to start again."""

HELD_SECONDS, END_SECONDS = 120, 120
"""So long a conductor waits until the database lets go of one that has died, and `paperdex down` until it has ended."""
ASK_SECONDS = 0.5


def namespace_of(run_id: UUID) -> str:
    """Return the namespace of a run's actors."""
    return f"paperdex-{run_id}"


class Service:
    """Conducts one run in a thread, and says meanwhile where it is."""

    def __init__(self, run_id: UUID, database_url: str, folder: str, writers: int) -> None:
        os.chdir(folder)  # where its recordings and plug-ins are
        self._run_id, self._database_url, self._writers = run_id, database_url, writers
        self._said = "starting"
        threading.Thread(target=self._live, name="conductor", daemon=True).start()

    def __repr__(self) -> str:
        return f"Conductor({self._run_id})"

    def status(self) -> str:
        """Say where the run is."""
        return self._said

    def say(self, text: str) -> None:
        """Hear what the run waits for."""
        self._said = text

    def show(self, progress: Progress) -> None:
        """Hear where the run is."""
        self._said = f"block {progress.block:,} of {progress.blocks:,}"

    def _live(self) -> None:
        """Conduct the run to its end, and end with all its actors; where its database is away, start again."""
        from cluster.runs import serve  # noqa: PLC0415 -- brings the kernel, which a status need not wait for

        held = Retrying(
            retry=retry_if_exception_type(RunHeld),
            stop=stop_after_delay(HELD_SECONDS),
            wait=wait_fixed(ASK_SECONDS),
            reraise=True,
        )
        try:
            held(serve, self._run_id, self._database_url, self._writers, self)
        except (DatabaseUnreachable, RunHeld):
            os._exit(DIED)
        finally:
            remote.end_all(namespace_of(self._run_id), last=NAME)


def up(plan: Plan, place: Place, say: Callable[[str], None], interrupted: UUID | None = None) -> UUID:
    """Begin a run that a cluster conducts from now on, or have it go on with one of this plan; return its key."""
    from cluster.database import open_store  # noqa: PLC0415 -- takes its time, which a mistake need not wait for

    prefix = new_prefix() if interrupted is None else prefix_of(interrupted)
    run_id, folder = run_id_of(prefix), str(Path.cwd())
    store, url = open_store(place.database_url, upgrade=True)
    store.knowledge(plan.scenario.knowledge)  # which may not be there
    with ray_until_the_end(), told_to_people():
        address = place.ray_address or AUTO
        _connect(address, run_id, paperdex_itself())
        if NAME in remote.names_in(namespace_of(run_id)):
            raise UsageError(
                f"Run {run_id} has a conductor in the cluster at {address}; `paperdex down {run_id}` ends it."
            )
        make_room(len(plan.scenario.accounts), "sessions", remote.SESSION, may_grow=True, say=say)
        number = _begun(plan, prefix, store) if interrupted is None else _reopened(run_id, store)
        with closed_if_it_fails(lambda status, why: store.finish_run(run_id, status, why, number)):
            conductor = remote.spawn_conductor(Service, NAME, run_id, url, folder, place.writers)
            with _ended_if_it_fails(run_id):
                result_of(conductor.status.remote())
    return run_id


@contextmanager
def _ended_if_it_fails(run_id: UUID) -> Iterator[None]:
    """End a conductor that has not come up: Ray would start it again and again."""
    try:
        yield
    except BaseException:
        remote.end_all(namespace_of(run_id))
        raise


def _begun(plan: Plan, prefix: int, store: Store) -> int:
    store.begin_run(plan.scenario, plan.tokens, plan.blocks, prefix, plan.plug_ins)
    return FIRST


def _reopened(run_id: UUID, store: Store) -> int:
    """Have a run go on that nobody conducts; return the number by which it may be closed until its conductor has it."""
    with store.hold(run_id):
        return store.reopen_run(run_id).conductor


def down(store: Store, run_id: UUID, address: str) -> str:
    """Stop a run that a cluster conducts, and wait until none of its actors is left; return its status."""
    with ray_until_the_end(), told_to_people():
        _connect(address, run_id)
        namespace, status = namespace_of(run_id), store.run(run_id).status
        if NAME not in remote.names_in(namespace):
            other = "`paperdex stop` stops one wherever it is" if status == "RUNNING" else f"it is {status} already"
            raise UsageError(f"Run {run_id} has no conductor in the cluster at {address}; {other}.")
        with suppress(NotCommanded):  # it has been stopped already, or has just ended
            store.command(str(run_id), STOP)
        Retrying(
            retry=retry_if_result(bool),
            stop=stop_after_delay(END_SECONDS),
            wait=wait_fixed(ASK_SECONDS),
            retry_error_callback=lambda _: remote.end_all(namespace),
        )(remote.names_in, namespace)
    return store.run(run_id).status


def _connect(address: str, run_id: UUID, runtime_env: dict[str, Any] | None = None) -> None:
    """Connect to a cluster that is there; raises UsageError."""
    try:
        start_ray(address, namespace_of(run_id), None, runtime_env)
    except NoCluster as error:
        sentence = str(error).rstrip(".")
        raise NoCluster(f"{sentence}. A service needs a cluster that outlives it: `ray start --head`.") from error
    assert ray.is_initialized()
