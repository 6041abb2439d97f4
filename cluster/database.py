"""Which database a command works on, and how its address is shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.connect import is_itself
from cluster.errors import UsageError
from storage import embedded
from storage.driver import parse_url, shown
from storage.store import Store

if TYPE_CHECKING:
    from storage.embedded import EmbeddedServer
    from storage.errors import DatabaseUnreachable

URL_FILE = "PAPERDEX_DATABASE_URL_FILE"
"""Names a file that has the URL: a secret that a cluster mounts is in no environment and no process list."""

_OWN: dict[str, EmbeddedServer] = {}
"""By its address the embedded server, which this process has started or found when it was given no URL."""


def open_store(database_url: str | None, *, upgrade: bool = False) -> tuple[Store, str]:
    """Return the store and its URL: the database named, or the embedded server, whose schema is kept up to date."""
    database_url = database_url or _from_file()
    if database_url is not None:
        store, url = Store(database_url), database_url
    else:
        server = embedded.start()
        url = server.url()
        store = Store(url)
        _OWN[store.address] = server
    if upgrade or database_url is None:
        store.upgrade()
    return store, url


def start_again(away: DatabaseUnreachable) -> bool:
    """Start the embedded server again if that is what is away, and has died; tell whether it is started.

    It is left alone by a process that was given its URL: such a process need not be on the server's machine, or of its
    user. Raises EmbeddedServerFailed.
    """
    own = _OWN.get(away.fields["url"])
    return own is not None and own.start_again()


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
