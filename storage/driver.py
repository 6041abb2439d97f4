"""The edge to SQLAlchemy and psycopg2: database URLs, and the one place where their errors become ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg2
import sqlalchemy.exc
from psycopg2 import errorcodes
from sqlalchemy.engine import URL, make_url

from storage.errors import (
    AccessRefused,
    ConstraintViolated,
    DatabaseExhausted,
    DatabaseReadOnly,
    DatabaseUnreachable,
    InvalidDatabaseUrl,
    LockTimeout,
    SchemaOutdated,
    StorageError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STATEMENT_TIMEOUT_MS = 60_000
LOCK_TIMEOUT_MS = 30_000
CONNECT_TIMEOUT_S = 10

SILENT_AFTER_S, ASK_EVERY_S, ASK_TIMES_MAX = 15, 5, 5
SILENCE_S_MAX = SILENT_AFTER_S + ASK_EVERY_S * ASK_TIMES_MAX
"""So long a connection lives whose other end says nothing at all: a network that swallows packets reports no end.

By default it would be two hours, for which a run would wait for its database, or the database would hold a run for a
conductor whose host is gone.
"""

_OF_THE_SERVER = {
    "tcp_keepalives_idle": SILENT_AFTER_S,
    "tcp_keepalives_interval": ASK_EVERY_S,
    "tcp_keepalives_count": ASK_TIMES_MAX,
    "tcp_user_timeout": SILENCE_S_MAX * 1000,
}
_OF_OURS = {
    "keepalives_idle": SILENT_AFTER_S,
    "keepalives_interval": ASK_EVERY_S,
    "keepalives_count": ASK_TIMES_MAX,
    "tcp_user_timeout": SILENCE_S_MAX * 1000,
}
"""Of either end of a connection, in its own words; no socket on one machine heeds them."""

_SETTINGS = {
    **_OF_THE_SERVER,
    "statement_timeout": STATEMENT_TIMEOUT_MS,
    "lock_timeout": LOCK_TIMEOUT_MS,
    "idle_in_transaction_session_timeout": STATEMENT_TIMEOUT_MS,
    "timezone": "UTC",
    "datestyle": "ISO",
    "client_min_messages": "warning",
}

_SECRETS = ("password", "sslpassword")
"""Parameters of a URL's query that nobody may see."""


def parse_url(text: str) -> URL:
    """Return ``text`` as a URL for psycopg2, or raise InvalidDatabaseUrl without repeating its password."""
    try:
        url = make_url(text)
        _ = url.port
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise InvalidDatabaseUrl(why="it does not parse") from None
    if url.drivername not in {"postgres", "postgresql", "postgresql+psycopg2"}:
        raise InvalidDatabaseUrl(why=f"it begins with {url.drivername}")
    if not url.database:
        raise InvalidDatabaseUrl(why="it names no database")
    if "@" in f"{url.host}{url.database}":  # what follows is the end of a password
        raise InvalidDatabaseUrl(why="signs of a user or password such as @ and / are written as %40 and %2F")
    return url.set(drivername="postgresql+psycopg2")


def masked(url: URL) -> str:
    """Return ``url`` as text a person may see: no password, no query but a socket's folder."""
    host = url.host or url.query.get("host") or "the local socket"
    port = f":{url.port}" if url.port else ""
    return f"{host}{port}/{url.database}"


def shown(url: URL) -> str:
    """Return ``url`` as psql takes it, without its secrets."""
    public = url.difference_update_query(_SECRETS)
    return public.set(drivername="postgresql").render_as_string(hide_password=True)


def settings(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every connection is opened with, besides what its URL's ``query`` says.

    Options of the URL are kept, but the timeouts and the formats are ours: the last one given counts. How long the
    other end may be silent is the URL's to say.
    """
    ours = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
    return {
        "options": f"{query.get('options', '')} {ours}".strip(),
        "connect_timeout": query.get("connect_timeout", CONNECT_TIMEOUT_S),
        "application_name": query.get("application_name", "paperdex"),
        **{name: query.get(name, value) for name, value in _OF_OURS.items()},
    }


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn the errors of SQLAlchemy and psycopg2 into StorageErrors."""
    try:
        yield
    except sqlalchemy.exc.DBAPIError as error:
        raise _domain_error(error.orig, url) from error
    except psycopg2.Error as error:
        raise _domain_error(error, url) from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise StorageError(why=_first_line(error)) from error


_AWAY = (
    ("could not translate host name", "the host is unknown"),
    ("Connection refused", "nothing listens at that host and port"),
    ("No such file or directory", "no server listens on that socket"),
    ("invalid response to SSL negotiation", "what listens there is not Postgres"),
    ("expected authentication request", "what listens there is not Postgres"),
    ("timeout expired", "it did not answer in time"),
    ("server closed the connection", "the server closed the connection"),
    ("Connection timed out", "it has not answered for too long"),
    ("No route to host", "there is no route to that host"),
    ("is starting up", "it is still starting up"),
    ("shutting down", "it is shutting down"),
)
_FULL = (
    ("too many clients", "it has no connection left"),
    ("too many connections", "it has no connection left for this database or login"),
    ("remaining connection slots are reserved", "it has no connection left"),
)
_REFUSED = (
    ("password authentication failed", "the user name or the password is wrong"),
    ("no password supplied", "it asks for a password"),
    ("no pg_hba.conf entry", "its pg_hba.conf admits no such user from here, or only with another sslmode"),
    ("is not permitted to log in", "the user may not log in"),
    ("permission denied for database", "the user may not connect to this database"),
    ("server does not support SSL", "it does not speak TLS, which the URL's sslmode demands"),
    ("certificate verify failed", "its certificate has expired or is not signed by one of the URL's sslrootcert"),
    ("does not match host name", "its certificate is for another host, which sslmode=verify-full refuses"),
    ("root certificate file", ""),
    ("private key file", ""),
    ("requires a valid client certificate", "it asks for a certificate; name yours by sslcert and sslkey in the URL"),
    ("alert unknown ca", "it does not know who signed the certificate of the URL's sslcert"),
    ("certificate authentication failed", "the certificate of the URL's sslcert is another user's"),
)
_CONNECTING = tuple(
    (words, kind, why)
    for kind, table in ((DatabaseUnreachable, _AWAY), (DatabaseExhausted, _FULL), (AccessRefused, _REFUSED))
    for words, why in table
)
"""libpq gives connection failures no code, only these words. Where no sentence stands, libpq's own says more."""

_STATES: dict[str, type[DatabaseUnreachable]] = {
    errorcodes.CLASS_INSUFFICIENT_RESOURCES: DatabaseExhausted,
    errorcodes.READ_ONLY_SQL_TRANSACTION: DatabaseReadOnly,
    errorcodes.INSUFFICIENT_PRIVILEGE: AccessRefused,
}
"""What a SQLSTATE, or its class of two signs, says of the database rather than of the statement."""


def _domain_error(error: Any, url: URL) -> StorageError:
    code = getattr(error, "pgcode", None)
    if code in {errorcodes.UNDEFINED_TABLE, errorcodes.UNDEFINED_COLUMN}:
        return SchemaOutdated(found="without " + _quoted(error), needed="more")
    if code in {errorcodes.QUERY_CANCELED, errorcodes.LOCK_NOT_AVAILABLE, errorcodes.DEADLOCK_DETECTED}:
        return LockTimeout(why=_first_line(error))
    if code is not None and (kind := _STATES.get(code) or _STATES.get(code[:2])):
        return kind(url=masked(url), why=_first_line(error))
    if code is not None and code.startswith(errorcodes.CLASS_INTEGRITY_CONSTRAINT_VIOLATION):
        diagnostics = error.diag
        rule = diagnostics.constraint_name or f"that {diagnostics.column_name} is given"
        return ConstraintViolated(table=diagnostics.table_name, constraint=rule, why=_first_line(error))
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return _connection_error(error, url)
    return StorageError(why=_first_line(error))


def _connection_error(error: Exception, url: URL) -> DatabaseUnreachable:
    text = str(error)
    if f'database "{url.database}" does not exist' in text:
        return DatabaseUnreachable(url=masked(url), why=f"it has no database {url.database}")
    for words, kind, why in _CONNECTING:
        if words in text:
            return kind(url=masked(url), why=why or _first_line(error).rpartition(" failed: ")[2])
    return DatabaseUnreachable(url=masked(url), why=_first_line(error))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].removeprefix("ERROR:").strip().rstrip(".")


def _quoted(error: Exception) -> str:
    return _first_line(error).removesuffix(" does not exist")
