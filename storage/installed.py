"""What is installed."""

from __future__ import annotations

VERSION = "0.1.0"
"""Of paperdex, wherever it runs; the distribution is built with it."""


def paperdex_version() -> str:
    """Return the version that a run or sweep is begun with, and that goes on with it."""
    return VERSION
