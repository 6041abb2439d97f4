"""Waiting for what a test cannot see coming, as in another process."""

from __future__ import annotations

from tenacity import retry, retry_if_not_result, stop_after_delay, wait_fixed


def until(condition):
    """Wait until a condition holds, and return what it answers."""
    return retry(retry=retry_if_not_result(bool), stop=stop_after_delay(240), wait=wait_fixed(0.2))(condition)()
