"""Which database a command works on, and how its address is shown."""

from __future__ import annotations

from storage import embedded
from storage.driver import parse_url, shown
from storage.store import Store


def open_store(database_url: str | None, *, upgrade: bool = False) -> tuple[Store, str]:
    """Return the store and its URL: the database named, or the embedded server, whose schema is kept up to date."""
    url = database_url or embedded.start().url()
    store = Store(url)
    if upgrade or database_url is None:
        store.upgrade()
    return store, url


def shown_url(url: str) -> str:
    """Return a database URL as psql takes it, with its password hidden."""
    return shown(parse_url(url))
