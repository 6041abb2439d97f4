"""Segments in order, made a little ahead of their use."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from cluster.remote_calls import ACTOR_LOST, Restarts, discard, result_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AHEAD_SEGMENTS_MAX = 2


class MarketFeed:
    """Keeps the market actor busy and alive; only references to segments pass through here."""

    def __init__(self, spawn: Callable[[], Any], first_block: int, lengths: Iterator[int], restarts: Restarts) -> None:
        self._spawn = spawn
        self._first_block = first_block
        self.market = spawn()
        self._lengths = lengths
        self._carried = self.market.begin.remote(first_block)
        self._last_carried: Any | None = None  # after the last delivered segment; None before the first
        self._ahead: deque[tuple[int, Any, Any, Any]] = deque()
        self._restarts = restarts
        self._request_ahead()

    def segments(self) -> Iterator[tuple[int, Any]]:
        """Yield (block after the segment, reference to the segment)."""
        while self._ahead:
            _, receipt, segment, carried = self._ahead[0]
            try:
                end_block = result_of(receipt, self._restarts.tell_of_silence)
            except ACTOR_LOST as lost:
                self._replace(lost)
                continue
            self._last_carried = carried
            self._ahead.popleft()
            self._request_ahead()
            yield end_block, segment

    def _request_ahead(self) -> None:
        while len(self._ahead) <= AHEAD_SEGMENTS_MAX:
            length = next(self._lengths, None)
            if length is None:
                return
            self._ahead.append(self._request(length))

    def _request(self, length: int) -> tuple[int, Any, Any, Any]:
        call = self.market.segment.options(num_returns=3)
        receipt, segment, self._carried = call.remote(self._carried, length)
        return length, receipt, segment, self._carried

    def _replace(self, lost: BaseException) -> None:
        """Start another market where the last delivered segment ended."""
        self._restarts.note(lost)
        discard(self.market)
        self.market = self._spawn()
        self._carried = self._last_carried or self.market.begin.remote(self._first_block)
        lengths = [length for length, *_ in self._ahead]
        self._ahead = deque(self._request(length) for length in lengths)
