"""Folders for servers that die with their tests: in memory where there is room, since disks take their time to make files.

A database is some hundreds of files, and nearly every test of storage has one of its own.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psutil

MEMORY, DISK = Path("/dev/shm"), Path("/tmp")
ROOM_BYTES = 8 * 2**30
"""More than all servers of the tests hold at a time, their logs included, with as much left for the tests themselves."""


def new_home() -> Path:
    """Make a folder that another user may enter, such as the one that a server runs as; its path is short."""
    home = Path(tempfile.mkdtemp(prefix="pdx", dir=_place()))
    home.chmod(0o755)
    return home


@contextmanager
def a_home():
    """Give such a folder and remove it in the end."""
    home = new_home()
    yield home
    shutil.rmtree(home)


@cache
def _place() -> Path:
    if not MEMORY.is_dir():
        return DISK
    room = min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available)
    return MEMORY if room > ROOM_BYTES else DISK
