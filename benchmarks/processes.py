"""The processes of a run on this machine, by what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path

DRIVER = "driver"
KINDS = "AccountSession", "Market", "AutoPilot", "Writer"
"""The actors, in the order in which they are killed in turn."""

_OTHERS = {"raylet": "raylet", "gcs_server": "control"}


def processes(server: Path | None = None) -> list[tuple[str, psutil.Process]]:
    """Return the kind and the process of the driver, of each actor, and of what serves them.

    ``server`` is the folder of a database server, whose processes are counted too.
    """
    found = [(DRIVER, psutil.Process())]
    for child in psutil.Process().children(recursive=True):
        try:
            title = child.name()
        except psutil.NoSuchProcess:
            continue
        if title.startswith("ray::"):
            kind = title.removeprefix("ray::").partition(".")[0].partition("(")[0]
            found += [(kind, child)] if kind in KINDS else []
        elif title in _OTHERS:
            found.append((_OTHERS[title], child))
    if server is not None:
        postmaster = psutil.Process(int((server / "postmaster.pid").read_text().split()[0]))
        found += [("postgres", one) for one in (postmaster, *postmaster.children())]
    return found
