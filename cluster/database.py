"""Which database a command works on, and how its address is shown."""

from __future__ import annotations

import os
from pathlib import Path

from cluster.connect import is_itself
from cluster.errors import UsageError
from storage import embedded
from storage.driver import parse_url, shown
from storage.store import Store

URL_FILE = "PAPERDEX_DATABASE_URL_FILE"
"""Names a file that has the URL: a secret that a cluster mounts is in no environment and no process list."""


def open_store(database_url: str | None, *, upgrade: bool = False) -> tuple[Store, str]:
    """Return the store and its URL: the database named, or the embedded server, whose schema is kept up to date."""
    database_url = database_url or _from_file()
    url = database_url or embedded.start().url()
    store = Store(url)
    if upgrade or database_url is None:
        store.upgrade()
    return store, url


def _from_file() -> str | None:
    path = os.environ.get(URL_FILE)
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{URL_FILE}={path} can't be read; name a file with the URL of a database.") from error


def shown_url(url: str) -> str:
    """Return a database URL as psql takes it, with its password hidden."""
    return shown(parse_url(url))


def is_of_this_machine(url: str) -> bool:
    """Tell whether a database is reached from this machine alone: by a socket, or by a name that means itself."""
    parsed = parse_url(url)
    host = str(parsed.host or parsed.query.get("host") or "")
    return not host or host.startswith("/") or is_itself(host)
