"""Ray's control service, which places and starts all actors: watched, since Ray says nothing of it to whoever waits.

While it is away the actors that are there go on, and none is started. Once it has been away for
``RAY_gcs_rpc_server_reconnect_timeout_s``, Ray ends every process that needs it from within its own code: no exception
is raised, no ``finally`` is heard, and what it prints tells nothing of the run. So a conductor ends a little earlier
than that by itself, with a sentence.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from cluster.logs import note, warn
from cluster.options import complain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECONNECT, RECONNECT_SECONDS = "RAY_gcs_rpc_server_reconnect_timeout_s", 60
"""What sets Ray's own patience, on the nodes and here, and how long it is by default."""

SHARE_OF_PATIENCE = 0.8
"""So much of it is the conductor's."""

ASK_SECONDS, ANSWER_SECONDS, TELL_SECONDS = 1, 5, 10


class View(Protocol):
    """Who is told what a run or a sweep waits for."""

    def say(self, text: str) -> None:
        """Hear it."""

    def close(self) -> None:
        """Make room for what is printed."""


class Vigil:
    """Tells when the control service is away, and leaves when it has been so for too long."""

    def __init__(
        self,
        is_there: Callable[[], bool],
        patience_seconds: float,
        say: Callable[[str], None],
        leave: Callable[[str], None],
    ) -> None:
        self._is_there, self._patience_seconds = is_there, patience_seconds
        self._say, self._leave = say, leave
        self._away_since: float | None = None
        self._tell_at = 0.0

    def look(self, now: float) -> None:
        """Look once, at a monotonic time."""
        is_there = self._is_there()
        if self._away_since is None:
            if is_there:
                return
            self._away_since = self._tell_at = now
        waited = now - self._away_since
        if is_there:
            self._away_since = None
            note("control service back", waited_seconds=round(waited))
        elif waited >= self._patience_seconds:
            self._leave(f"Ray's control service has been away for {waited:.0f} s")
        elif now >= self._tell_at:
            self._tell_at = now + TELL_SECONDS
            warn("control service away", waited_seconds=round(waited))
            self._say(
                "Ray's control service is away. The actors that are there go on; those to be started wait for it, "
                f"{waited:.0f} s so far."
            )


@contextmanager
def control_service_watched(command: str, view: View) -> Iterator[None]:
    """Watch the control service of the cluster until the end; without it for too long, end this process.

    ``command`` goes on with what is left RUNNING. An exception would not do: the main thread may wait within Ray, and
    to leave a cluster without its control service takes until Ray ends the process.
    """
    import ray  # noqa: PLC0415 -- half a second that commands without actors need not pay

    host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")

    def leave(why: str) -> None:
        warn("left running", why=why, goes_on_with=command)
        view.close()
        os._exit(complain(f"{why}; `{command}` goes on from what was committed last."))

    patience_seconds = SHARE_OF_PATIENCE * float(os.environ.get(RECONNECT, RECONNECT_SECONDS))
    vigil = Vigil(lambda: _listens(host.strip("[]"), int(port)), patience_seconds, view.say, leave)
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(ASK_SECONDS):
            vigil.look(time.monotonic())

    threading.Thread(target=watch, name="control service", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()


def _listens(host: str, port: int) -> bool:
    """Tell whether anybody takes a connection, which is what Ray goes by too."""
    try:
        socket.create_connection((host, port), timeout=ANSWER_SECONDS).close()
    except OSError:
        return False
    return True
