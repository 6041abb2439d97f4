"""Whatever goes wrong with the database is one sentence, without its password."""

from __future__ import annotations

import pickle
import socket
import threading
from contextlib import contextmanager
from uuid import UUID

import pytest

from cluster.patience import mends_by_itself
from storage.errors import (
    AccessRefused,
    AmbiguousRun,
    DatabaseExhausted,
    DatabaseReadOnly,
    DatabaseUnreachable,
    InvalidDatabaseUrl,
    RunNotFound,
    SchemaOutdated,
    SessionNotFound,
    StaleOwner,
    StorageError,
)
from storage.schema import head_revision
from storage.store import Store

SOMEBODY = UUID(int=1)


def message_of(url):
    store = Store(url)
    with pytest.raises(DatabaseUnreachable) as failure:
        store.checkpoint(SOMEBODY)
    store.close()
    text = str(failure.value)
    assert "s3cret" not in text
    assert "\n" not in text
    assert text.endswith(".")
    return text


@contextmanager
def something_that_answers(reply):
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        for _ in range(2):
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.recv(1024)
            client.sendall(reply)
            client.close()

    thread = threading.Thread(target=answer)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_a_port_where_nothing_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    text = message_of(f"postgresql://me:s3cret@127.0.0.1:{port}/paperdex")
    assert text == (
        f"The database at 127.0.0.1:{port}/paperdex cannot be reached: nothing listens at that host and port."
    )


def test_an_unknown_host():
    assert "the host is unknown" in message_of("postgresql://me:s3cret@no-such-host.invalid:5432/paperdex")


def test_a_port_where_something_else_listens():
    with something_that_answers(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert "is not Postgres" in message_of(f"postgresql://me:s3cret@127.0.0.1:{port}/paperdex")


def test_a_root_certificate_that_is_not_there():
    with something_that_answers(b"S") as port:
        query = "sslmode=verify-full&sslrootcert=/nowhere/root.crt"
        text = message_of(f"postgresql://me:s3cret@127.0.0.1:{port}/paperdex?{query}")
    assert 'root certificate file "/nowhere/root.crt" does not exist' in text


def test_an_unknown_database(server):
    assert "it has no database nowhere." in message_of(server.url("nowhere"))


def test_a_socket_folder_without_a_server(tmp_path):
    assert "no server listens on that socket" in message_of(f"postgresql://me@/paperdex?host={tmp_path}")


def test_a_wrong_password(server, execute):
    rules = server.folder / "pg_hba.conf"
    before = rules.read_text()
    execute("CREATE ROLE guarded LOGIN PASSWORD 'other'")
    rules.write_text(f"local all guarded scram-sha-256\n{before}")
    execute("SELECT pg_reload_conf()")
    try:
        url = f"postgresql://guarded:s3cret@/postgres?host={server.socket_folder}"
        assert "the user name or the password is wrong" in message_of(url)
    finally:
        rules.write_text(before)
        execute("SELECT pg_reload_conf()")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://me:s3cret@localhost/paperdex", "it begins with mysql"),
        ("not a url", "it does not parse"),
        ("postgresql://me:s3cret@localhost:port/paperdex", "it does not parse"),
        ("postgresql://me:s3cret@localhost", "it names no database"),
        ("", "it does not parse"),
    ],
)
def test_a_url_that_is_none_is_refused_at_once(url, why):
    with pytest.raises(InvalidDatabaseUrl, match=why) as failure:
        Store(url)
    assert "s3cret" not in str(failure.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_the_usual_schemes_of_postgres_are_accepted(scheme):
    assert repr(Store(f"{scheme}://me:s3cret@localhost:5432/paperdex")) == "Store(localhost:5432/paperdex)"


def test_a_database_without_the_schema_says_how_to_get_it(new_url, scenario):
    store = Store(new_url())
    with pytest.raises(SchemaOutdated, match='run "paperdex db upgrade"'):
        store.checkpoint(SOMEBODY)
    with pytest.raises(SchemaOutdated, match=f"has schema none, this paperdex needs {head_revision()}"):
        store.begin_run(scenario, (), 1, 1)
    store.close()


def test_what_is_not_there_is_named(store):
    with pytest.raises(SessionNotFound, match=str(SOMEBODY)):
        store.checkpoint(SOMEBODY)
    with pytest.raises(SessionNotFound):
        store.claim(SOMEBODY)
    with pytest.raises(RunNotFound, match=str(SOMEBODY)):
        store.finish_run(SOMEBODY, "COMPLETED")


@pytest.mark.parametrize("name", ["latest", "abc", "", "%", "' OR 1=1 --", "zzz"])
def test_an_unknown_run_is_named(store, name):
    with pytest.raises(RunNotFound):
        store.resolve_run(name)


def test_a_run_is_found_by_its_beginning_or_as_the_latest(begin, store):
    first = begin(prefix=0xAAAA_0000_0001).ids.run_id
    second = begin(prefix=0xAAAB_0000_0001).ids.run_id
    assert store.resolve_run("latest") == second
    assert store.resolve_run("aaaa") == first
    assert store.resolve_run(str(second)) == second
    assert store.resolve_run(str(second).upper()) == second


def test_a_beginning_that_fits_two_runs_is_ambiguous(begin, store):
    begin(prefix=0xAAAA_0000_0001)
    begin(prefix=0xAAAB_0000_0001)
    with pytest.raises(AmbiguousRun, match="aaaa0000-0001 or aaab0000-0001"):
        store.resolve_run("aaa")


def test_an_error_survives_the_way_from_one_process_to_another():
    error = StaleOwner(session_id=SOMEBODY, stored=3, given=2)
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, StaleOwner)
    assert (str(copy), copy.fields) == (str(error), error.fields)


def test_every_error_is_a_sentence():
    kinds = StorageError.__subclasses__()
    assert len(kinds) > 8
    for kind in (StorageError, *kinds):
        assert kind.__doc__.endswith(".")
        assert "\n" not in kind.__doc__


@pytest.mark.parametrize("state", ["53100", "53200", "53300"])
def test_a_server_without_room_is_waited_for(begin, store, sql, state):
    live = begin()
    sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE 'could not extend file' USING ERRCODE = '{state}'; END $$"
    )
    sql("CREATE TRIGGER refuse BEFORE INSERT ON paper_trades EXECUTE FUNCTION refuse()")
    batches = live.batches(300)
    with pytest.raises(DatabaseExhausted, match="could not extend file; make room") as failure:
        store.commit(batches)
    assert mends_by_itself(failure.value)
    sql("DROP TRIGGER refuse ON paper_trades")
    assert store.commit(batches) == len(batches)


def test_a_database_that_is_read_only_is_waited_for(begin, url, sql):
    live = begin()
    sql(f"ALTER DATABASE {url.split('/')[3].split('?')[0]} SET default_transaction_read_only = on")
    late = Store(url)
    with pytest.raises(DatabaseReadOnly, match="takes no changes at the moment") as failure:
        late.claim(live.ids.sessions[0])
    late.close()
    assert mends_by_itself(failure.value)


def test_a_refused_login_is_not_waited_for():
    assert not mends_by_itself(AccessRefused(url="there", why="the user name or the password is wrong"))
