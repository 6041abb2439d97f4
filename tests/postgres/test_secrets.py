"""A password stays between the URL and Postgres, and what the URL says of the connection is done."""

from __future__ import annotations

import ast
import logging
import pickle
import select
import socket
import threading
import traceback
from contextlib import suppress
from urllib.parse import quote
from uuid import UUID

import psutil
import psycopg2
import pytest
from repository import modules

from actors.writer import TrialWriter, Writer
from storage import embedded
from storage.driver import LOCK_TIMEOUT_MS, SILENCE_S_MAX, SILENT_AFTER_S, STATEMENT_TIMEOUT_MS
from storage.errors import DatabaseUnreachable, InvalidDatabaseUrl, SessionNotFound, StorageError
from storage.store import Store

pytestmark = pytest.mark.usefixtures("finished")

SECRET = "s3cret"
SOMEBODY = UUID(int=1)


@pytest.fixture(scope="session")
def port(server, execute):
    """Listen on a TCP port that leads to the server's socket, where a role has to give its password."""
    rules = server.folder / "pg_hba.conf"
    before = rules.read_text()
    execute(f"CREATE ROLE cautious LOGIN SUPERUSER PASSWORD '{SECRET}'")
    rules.write_text(f"local all cautious scram-sha-256\n{before}")
    execute("SELECT pg_reload_conf()")
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lead, args=(listener, server), daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    rules.write_text(before)
    execute("SELECT pg_reload_conf()")


def lead(listener, server):
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            there = socket.socket(socket.AF_UNIX)
            there.connect(f"{server.socket_folder}/.s.PGSQL.{server.port}")
            threading.Thread(target=pass_on, args=(client, there), daemon=True).start()


def pass_on(client, there):
    other = {client: there, there: client}
    with client, there, suppress(OSError):
        while True:
            for end in select.select(list(other), [], [])[0]:
                if not (part := end.recv(65_536)):
                    return
                other[end].sendall(part)


@pytest.fixture
def guarded(port, url):
    """Return the URL of the database with the finished run, by TCP and with a password."""
    name = url.split("/")[3].split("?")[0]
    return f"postgresql://cautious:{SECRET}@127.0.0.1:{port}/{name}"


def in_the_query(url):
    return url.replace(f":{SECRET}@", "@") + f"?password={SECRET}"


COMMANDS = [
    ("db", "url"), ("db", "upgrade"), ("db", "check"), ("digest", "latest"), ("show", "run", "latest"),
    ("report", "latest", "-o", "page.html"), ("show", "decision", "none"), ("show", "run", "none"),
]  # fmt: skip


@pytest.mark.parametrize("written", [str, in_the_query], ids=["before the host", "in the query"])
def test_no_command_tells_the_password(guarded, paperdex, tmp_path, written):
    for command in COMMANDS:
        status, told, complained = paperdex(*command, "--database-url", written(guarded))
        assert status == (2 if command[-1] == "none" else 0), complained
        assert SECRET not in told + complained
    assert SECRET not in (tmp_path / "page.html").read_text()


def test_the_address_that_is_told_is_that_of_the_database_without_the_password(guarded, paperdex):
    told = {paperdex("db", "url", "--database-url", url)[1].strip() for url in (guarded, in_the_query(guarded))}
    assert told == {guarded.replace(SECRET, "***"), guarded.replace(f":{SECRET}", "")}


def test_nothing_that_is_logged_or_shown_of_an_object_has_the_password(guarded, caplog):
    caplog.set_level(logging.DEBUG)
    store = Store(guarded)
    with pytest.raises(SessionNotFound):
        store.claim(SOMEBODY)
    shown = f"{store!r} {store._engine!r} {Writer(guarded)!r} {TrialWriter(guarded)!r} {caplog.text}"
    store.close()
    assert "Store(127.0.0.1" in shown
    assert "TrialWriter(127.0.0.1" in shown
    assert SECRET not in shown


def test_neither_processes_nor_statements_show_the_password(guarded, sql):
    store = Store(guarded)
    with store._transaction() as connection:
        connection.exec_driver_sql("SELECT 1")
        commands = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
        statements = [" ".join(map(str, row)) for row in sql("SELECT * FROM pg_stat_activity")]
    store.close()
    assert any("cautious" in command for command in commands)
    assert any("paperdex" in statement for statement in statements)
    assert [line for line in commands + statements if SECRET in line] == []


def test_an_error_that_travels_or_is_traced_has_no_password(guarded):
    wrong = guarded.replace(SECRET, SECRET + SECRET)
    with pytest.raises(DatabaseUnreachable) as failure:
        Store(wrong).checkpoint(SOMEBODY)
    traced = "".join(traceback.format_exception(failure.value))
    assert "password authentication failed" in traced
    assert SECRET not in traced
    assert SECRET.encode() not in pickle.dumps(failure.value)


@pytest.mark.parametrize("password", ["s3c@ret", "s3c@r/et", "s3/c@r@et"])
def test_a_password_that_is_not_quoted_is_refused_without_a_part_of_it(password):
    with pytest.raises(InvalidDatabaseUrl, match="%40") as failure:
        Store(f"postgresql://me:{password}@localhost/paperdex")
    assert "et" not in str(failure.value).replace("written", "").replace("database", "")
    assert "s3" not in str(failure.value)
    assert repr(Store(f"postgresql://me:{quote(password, safe='')}@localhost/db")) == "Store(localhost/db)"


# What every connection is opened with.

TIMEOUTS = {
    "statement_timeout": STATEMENT_TIMEOUT_MS,
    "lock_timeout": LOCK_TIMEOUT_MS,
    "idle_in_transaction_session_timeout": STATEMENT_TIMEOUT_MS,
}


def settings_of(url):
    store = Store(url)
    with store._transaction() as connection:
        rows = connection.exec_driver_sql("SELECT name, setting FROM pg_settings").all()
    store.close()
    return {row.name: row.setting for row in rows}


@pytest.mark.parametrize("more", ["", "&options=-c%20statement_timeout%3D0%20-c%20search_path%3Dpublic%2Cpg_temp"])
def test_a_connection_has_timeouts_whatever_the_url_says_and_its_other_options(url, more):
    found = settings_of(url + more)
    assert {name: int(found[name]) for name in TIMEOUTS} == TIMEOUTS
    assert found["TimeZone"] == "UTC"
    assert (found["search_path"] == "public,pg_temp") == bool(more)


def test_a_url_may_name_its_application_and_its_patience(url, monkeypatch):
    given = parameters_of(f"{url}&application_name=ledger&connect_timeout=3", monkeypatch)
    assert (given["application_name"], given["connect_timeout"]) == ("ledger", "3")


def test_both_ends_of_a_connection_give_up_another_that_is_silent_and_a_url_may_be_more_patient(url, monkeypatch):
    given = parameters_of(f"{url}&keepalives_idle=90", monkeypatch)
    assert given["keepalives_idle"] == "90"
    assert given["tcp_user_timeout"] == SILENCE_S_MAX * 1000
    assert f"-c tcp_user_timeout={SILENCE_S_MAX * 1000} " in given["options"]
    assert f"-c tcp_keepalives_idle={SILENT_AFTER_S} " in given["options"]


def test_the_embedded_server_is_opened_with_timeouts_too(server, monkeypatch):
    given = []
    connect = psycopg2.connect
    monkeypatch.setattr(psycopg2, "connect", lambda **parameters: given.append(parameters) or connect(**parameters))
    embedded._ensure_database(server, "postgres")
    ((options, patience),) = [(parameters["options"], parameters["connect_timeout"]) for parameters in given]
    assert f"lock_timeout={LOCK_TIMEOUT_MS}" in options
    assert f"statement_timeout={STATEMENT_TIMEOUT_MS}" in options
    assert patience > 0


def test_connections_are_opened_at_these_two_places_alone():
    opening = {
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"psycopg2.connect", "create_engine"}
    }
    assert opening == {"storage/embedded.py", "storage/store.py"}


# TLS.


def parameters_of(url, monkeypatch):
    """Return what the driver is asked to connect with."""
    given = {}

    def refuse(_dsn="", **parameters):
        given.update(parameters)
        raise psycopg2.OperationalError("Connection refused")

    monkeypatch.setattr(psycopg2, "connect", refuse)
    with pytest.raises(StorageError):
        Store(url).checkpoint(SOMEBODY)
    return given


def test_what_the_url_says_of_tls_reaches_the_driver(monkeypatch):
    asked = {
        "sslmode": "verify-full",
        "sslrootcert": "/certificates/root.crt",
        "sslcert": "/certificates/me.crt",
        "sslkey": "/certificates/me.key",
        "sslcrl": "/certificates/revoked.crl",
        "ssl_min_protocol_version": "TLSv1.3",
        "channel_binding": "require",
        "gssencmode": "disable",
        "target_session_attrs": "read-write",
    }
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())
    given = parameters_of(f"postgresql://me:{SECRET}@localhost/paperdex?{query}", monkeypatch)
    assert {name: given[name] for name in asked} == asked


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_a_url_that_can_do_without_tls_reaches_a_server_without_it(guarded, mode):
    assert settings_of(f"{guarded}?sslmode={mode}")["ssl"] == "off"


@pytest.mark.parametrize(
    ("demand", "why"),
    [
        ("sslmode=require", "it does not speak TLS, which the URL's sslmode demands"),
        ("sslmode=verify-full&sslrootcert=system", "it does not speak TLS, which the URL's sslmode demands"),
        ("sslmode=sometimes", 'invalid sslmode value: "sometimes"'),
    ],
)
def test_a_demand_for_tls_that_is_not_met_is_one_sentence(guarded, paperdex, demand, why):
    status, told, complained = paperdex("db", "check", "--database-url", f"{guarded}?{demand}")
    assert (status, told) == (2, "")
    assert why in complained
    assert complained.count("\n") == 1
    assert SECRET not in complained
