"""A password on the command line: taken off it at once, since everybody on the machine can read a process list.

Ray keeps the command line of a driver too, and its dashboard shows it.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

OPTION, VARIABLE = "--database-url", "PAPERDEX_DATABASE_URL"

_WITH_PASSWORD = re.compile(r"//[^/@]*:[^@]+@|[?&](ssl)?password=")


def hide_password() -> None:
    """Start this command anew with its database URL in the environment, if its command line has one with a password."""
    arguments, url = without_password(sys.orig_argv)
    if url is not None:
        os.environ[VARIABLE] = url
        os.execv(sys.executable, arguments)  # noqa: S606 -- the same program


def without_password(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the arguments without a database URL that has a password, and that URL, if there is one."""
    kept: list[str] = []
    found = None
    rest = iter(arguments)
    for argument in rest:
        option, joined, value = argument.partition("=")
        url = (value if joined else next(rest, "")) if option == OPTION else ""
        if _WITH_PASSWORD.search(url):
            found = url
        else:
            kept += [argument] if joined or option != OPTION or not url else [argument, url]
    return kept, found
