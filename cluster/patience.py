"""Waiting for a database that is away: the run stands still, loses nothing and says so, and then goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from cluster.logs import note, warn
from storage.errors import AccessRefused, DatabaseUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

T = TypeVar("T")

PATIENCE_SECONDS = 600
"""After so long without an answer the run gives up; what was committed stays."""

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.25, 5
TELL_SECONDS = 10


def mends_by_itself(error: BaseException) -> bool:
    """Tell whether to wait: for a server that is away, full or read-only, but not for another right or password."""
    return isinstance(error, DatabaseUnreachable) and not isinstance(error, AccessRefused)


class Patience:
    """Does again what the database did not answer to, until it does."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def __call__(self, action: Callable[[], T]) -> T:
        """Return what ``action`` returns; raises what may mend by itself once patience is over, all else at once."""
        began = time.monotonic()
        retrying = Retrying(
            retry=retry_if_exception(mends_by_itself),
            wait=wait_exponential(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS),
            stop=stop_after_delay(PATIENCE_SECONDS),
            before_sleep=self._teller(),
            reraise=True,
        )
        answer = retrying(action)
        if retrying.statistics["attempt_number"] > 1:
            note("database back", waited_seconds=round(time.monotonic() - began))
        return answer

    def _teller(self) -> Callable[[RetryCallState], None]:
        told_at = -float(TELL_SECONDS)
        began = time.monotonic()

        def tell(state: RetryCallState) -> None:
            nonlocal told_at
            waited = time.monotonic() - began
            assert state.outcome is not None
            if waited - told_at >= TELL_SECONDS:
                told_at = waited
                warn("database away", why=state.outcome.exception(), waited_seconds=round(waited))
                self.say(f"{state.outcome.exception()} The run waits for it, {waited:.0f} s so far.")

        return tell
