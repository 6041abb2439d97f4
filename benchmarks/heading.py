"""What a measurement is a measurement of: the line above each table."""

from __future__ import annotations

import os
import platform
import subprocess


def heading() -> str:
    """Return the machine and the commit that is measured."""
    return f"machine: {platform.processor() or platform.machine()}, {os.cpu_count()} cores; commit {commit()}"


def commit() -> str:
    """Return the commit that is measured."""
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
