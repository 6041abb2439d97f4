"""How runs and sweeps end, well or early: what is said, what is stored, what is stopped."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TYPE_CHECKING

from cluster.connect import is_connected, stop_ray
from cluster.errors import LeftRunning
from cluster.logs import warn
from storage.errors import DatabaseUnreachable, StaleConductor, StaleSweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import Any


ASKING = (signal.SIGINT, signal.SIGTERM)
STOPPING = "\nStopping after {what}; asked once more, at once.\n"


def told_to_people() -> AbstractContextManager[Any]:
    """Keep stdout for the result: what Ray has to say of dead processes it prints there."""
    return redirect_stdout(sys.stderr)


@contextmanager
def ray_until_the_end() -> Iterator[None]:
    """Stop Ray at the end, if it was started: an interrupt may come before, or even before its import."""
    try:
        yield
    finally:
        if is_connected():
            with told_to_people():
                stop_ray()


@contextmanager
def gracefully(what: str) -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether the user has asked once to stop; asked twice, the process is interrupted.

    Who asks is told after ``what`` it stops. Signals come in the main thread alone: elsewhere nobody asks.
    """
    asked, said = threading.Event(), STOPPING.format(what=what).encode()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.getsignal(number) for number in ASKING}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(_number: int, _frame: object) -> None:
        asked.set()
        restore()
        os.write(sys.stderr.fileno(), said)  # whatever it came upon may be printing at this moment

    for number in ASKING:
        signal.signal(number, ask)
    try:
        yield asked.is_set
    finally:
        restore()


@contextmanager
def resumable(command: str) -> Iterator[None]:
    """Say of what its database leaves RUNNING by which command it goes on; raises LeftRunning."""
    try:
        yield
    except DatabaseUnreachable as error:
        warn("left running", why=error, goes_on_with=command)
        raise LeftRunning(f"{str(error).rstrip('.')}; `{command}` goes on from what was committed last.") from error


@contextmanager
def closed_if_it_fails(close: Callable[[str, str], object]) -> Iterator[None]:
    """Close what does not reach its end with ``close(status, why)``, unless another conductor has taken it up.

    What loses its database stays as it is: RUNNING, up to what was committed last.
    """
    try:
        yield
    except KeyboardInterrupt:
        _close(close, "STOPPED", "Stopped by the user.")
        raise
    except DatabaseUnreachable:
        raise
    except BaseException as error:
        _close(close, "ERROR", f"{type(error).__name__}: {error}")
        raise


def _close(close: Callable[[str, str], object], status: str, why: str) -> None:
    with _uninterrupted(), suppress(StaleConductor, StaleSweep):
        close(status, why)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Finish what takes a moment though the user asks to stop a second time."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ASKING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
