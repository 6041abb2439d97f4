"""Waiting for a database that is away: the run stands still, loses nothing and says so, and then goes on.

The embedded server is paperdex's own: one that has died is started again, not only waited for.
"""

from __future__ import annotations

import time
from math import inf
from typing import TYPE_CHECKING, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from cluster.logs import note, warn
from storage.errors import AccessRefused, DatabaseUnreachable, EmbeddedServerFailed

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


def start_again(away: DatabaseUnreachable) -> bool:
    """Start the embedded server again if it has died and this process was given no other database."""
    from cluster.database import start_again as start  # noqa: PLC0415 -- SQLAlchemy takes its time; it is there by then

    return start(away)


class Patience:
    """Does again what the database did not answer to, until it does."""

    def __init__(
        self,
        say: Callable[[str], None],
        whole: str = "run",
        mend: Callable[[DatabaseUnreachable], bool] = start_again,
    ) -> None:
        """Wait for a database on behalf of a ``whole``, a run or a sweep.

        ``mend`` does what can be done about a database that is away, and tells whether that was something.
        """
        self.say = say
        self._whole, self._mend = whole, mend
        self._mended_at = -inf

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
            why: BaseException | None = state.outcome.exception()
            assert isinstance(why, DatabaseUnreachable)
            try:
                if self._mend(why):
                    self._mended_at = time.monotonic()
                    warn("database started again", why=why, waited_seconds=round(waited))
                    self.say(
                        f"The embedded Postgres server at {why.fields['url']} had died and is started again; "
                        f"the {self._whole} goes on."
                    )
                    return
            except EmbeddedServerFailed as failure:
                why = failure
            # Writers that were asked while the server was dead may say so once it has been started again.
            is_news = time.monotonic() - self._mended_at >= TELL_SECONDS
            if is_news and waited - told_at >= TELL_SECONDS:
                told_at = waited
                warn("database away", why=why, waited_seconds=round(waited))
                self.say(f"{why} The {self._whole} waits for it, {waited:.0f} s so far.")

        return tell
