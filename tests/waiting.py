"""Waiting in tests: bounded, and for a condition instead of a time."""

from __future__ import annotations

from tenacity import retry, retry_if_not_result, stop_after_delay, wait_fixed

PATIENCE_SECONDS = 240


def until(condition):
    """Wait until a condition holds, and return what it answers."""
    waiting = retry(retry=retry_if_not_result(bool), stop=stop_after_delay(PATIENCE_SECONDS), wait=wait_fixed(0.2))
    return waiting(condition)()
