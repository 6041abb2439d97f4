"""What is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def paperdex_version() -> str:
    """Return the version of the installed distribution."""
    try:
        return version("paperdex")
    except PackageNotFoundError:  # run from a source tree
        return "uninstalled"
