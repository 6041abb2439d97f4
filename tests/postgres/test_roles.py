"""Three roles of a database: the owner changes tables, the writer does what a run does, the reader looks."""

from __future__ import annotations

from uuid import UUID

import psycopg2
import pytest
from questions import drop_role, questions
from sqlalchemy.engine import make_url

from storage.errors import AccessRefused, StorageError
from storage.models import Base
from storage.store import Store

ROLES = ("owner", "writer", "reader")
PASSWORD = "s3cret of a login"
"""Which the embedded server does not ask for."""


def as_login(url, user):
    """Return a URL for another login."""
    return make_url(url).set(username=user, password=PASSWORD).render_as_string(hide_password=False)


@pytest.fixture
def database(new_url):
    """Make an empty database and bring it up to date, as an administrator does; its roles go with it."""
    url = new_url()
    store = Store(url)
    store.upgrade()
    yield url
    store.downgrade("base")
    store.close()


@pytest.fixture
def login(database, execute):
    """Make logins that are members of a role of the database, as docs/database.md says, and return their URLs."""
    name = make_url(database).database
    execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    made = []

    def new(role):
        made.append(f"{name}_{role}_login")
        execute(f"CREATE ROLE {made[-1]} LOGIN PASSWORD '{PASSWORD}' IN ROLE {name}_{role}")
        return as_login(database, made[-1])

    yield new
    for made_login in made:
        drop_role(execute, made_login)


@pytest.fixture
def as_role(login):
    """Return a store and a way to run SQL as a login in a role."""
    opened = []

    def new(role):
        url = login(role)
        store, asked = Store(url), questions(url)
        opened.append((store, asked))
        return store, asked.__enter__()

    yield new
    for store, asked in opened:
        store.close()
        asked.__exit__(None, None, None)


@pytest.fixture
def lived(as_role, live_of):
    """Let a writer live a whole run."""
    store, ask = as_role("writer")
    store.upgrade()  # as a run does; there is nothing to change
    live = live_of(store)
    run_id = live.run()
    return store, ask, run_id


def test_a_writer_lives_a_whole_run(lived, database):
    store, _, run_id = lived
    assert store.run(run_id).status == "COMPLETED"
    assert store.digest(run_id) == store.run(run_id).digest
    administrator = Store(database)
    assert administrator.check() == []
    administrator.close()


def test_a_writer_stops_a_run_and_takes_it_up_again(as_role, live_of):
    store, _ = as_role("writer")
    live = live_of(store)
    store.commit(live.batches(300))
    store.finish_run(live.ids.run_id, "STOPPED", "Stopped by the user.")
    with store.hold(live.ids.run_id):
        conductor = store.reopen_run(live.ids.run_id).conductor
        assert store.claim(live.ids.sessions[0], conductor) == 3
        store.fail_session(live.ids.sessions[1], "It failed.", conductor)


FORBIDDEN_TO_A_WRITER = [
    "CREATE TABLE mine (a int)",
    "ALTER TABLE runs ADD COLUMN a int",
    "DROP TABLE autopilot_logs",
    "TRUNCATE paper_trades",
    "CREATE INDEX ON paper_trades (gas_paid_usd)",
    "UPDATE runs SET scenario = '{}'",
    "UPDATE runs SET pruned_at = now()",
    "UPDATE paper_ai_thought_logs SET reason = 'STOP_LOSS'",
    "UPDATE autopilot_logs SET reason = 'other'",
    "UPDATE alembic_version SET version_num = '0001'",
    "SELECT * FROM users",
    "INSERT INTO users (user_id, name) VALUES (gen_random_uuid(), 'me')",
    *(f"DELETE FROM {table}" for table in sorted(Base.metadata.tables)),
]


def test_a_writer_changes_no_table_deletes_nothing_and_rewrites_no_audit_trail(as_role):
    _, ask = as_role("writer")
    for statement in FORBIDDEN_TO_A_WRITER:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            ask(statement)


def test_a_reader_shows_reports_checks_and_digests(lived, as_role):
    _, _, run_id = lived
    store, ask = as_role("reader")
    assert store.check() == []
    assert store.digest(run_id) == store.run(run_id).digest
    assert store.resolve_run("latest") == run_id
    assert [run.run_id for run in store.runs()] == [str(run_id)]
    assert len(store.leaderboard(run_id)) == len(store.costs(run_id)) == 3
    assert store.equity(run_id)
    assert store.counts(run_id).trades > 0
    assert store.failures(run_id) == []
    assert store.pruned_at(run_id) is None
    assert store.sessions_of(run_id)
    assert store.autopilot_history(run_id) == []
    (decision, *_) = store.notable_decisions(run_id)
    assert store.thought(str(decision.thought_id))
    (trade,), (session,) = (ask(f"SELECT {key}::text FROM {table} LIMIT 1")[0] for key, table in SHOWN)
    assert store.trade(trade)
    assert store.session(session)


SHOWN = (("trade_id", "paper_trades"), ("session_id", "paper_trading_sessions"))


def test_a_reader_writes_nothing(lived, as_role):
    _, _, run_id = lived
    store, ask = as_role("reader")
    for statement in (*FORBIDDEN_TO_A_WRITER, "CREATE TEMP TABLE mine (a int)", "UPDATE runs SET status = 'ERROR'"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            ask(statement)
    with pytest.raises(AccessRefused, match="permission denied for table"):
        store.claim(UUID(int=1))
    with pytest.raises(AccessRefused):
        store.finish_run(run_id, "STOPPED")


def test_an_owner_migrates_prunes_and_archives(lived, as_role, tmp_path):
    _, _, run_id = lived
    store, ask = as_role("owner")
    store.prune(run_id)
    archived = store.archive(run_id, tmp_path)
    assert ask("SELECT count(*) FROM runs") == [(0,)]
    assert store.restore(tmp_path / str(run_id)).digest == archived.digest
    ask("ALTER TABLE runs ADD COLUMN a int")
    ask("ALTER TABLE runs DROP COLUMN a")


def test_a_login_without_a_role_is_not_let_in(login, database, execute):
    login("reader")
    name = make_url(database).database
    execute(f"CREATE ROLE {name}_nobody LOGIN PASSWORD '{PASSWORD}'")
    store = Store(as_login(database, f"{name}_nobody"))
    with pytest.raises(AccessRefused, match="the user may not connect to this database"):
        store.runs()
    store.close()
    drop_role(execute, f"{name}_nobody")


def test_every_table_belongs_to_the_owner_and_shows_itself_to_the_reader(database):
    with questions(database) as ask:
        rows = ask(
            "SELECT tablename, tableowner = current_database() || '_owner', has_table_privilege(current_database() "
            "|| '_reader', 'public.' || tablename, 'SELECT') FROM pg_tables WHERE schemaname = 'public'"
        )
    assert {table: told for table, *told in rows} == {
        table: [True, table != "users"] for table in (*Base.metadata.tables, "alembic_version")
    }


def test_a_writer_of_one_database_is_nobody_in_another(as_role, new_url):
    _, ask = as_role("writer")
    (me,) = ask("SELECT current_user")[0]
    other = new_url()
    store = Store(other)
    store.upgrade()
    with questions(as_login(other, me)) as asked_there:
        for table in Base.metadata.tables:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                asked_there(f"SELECT * FROM {table}")
    store.downgrade("base")
    store.close()


def test_a_downgrade_takes_the_roles_back(database):
    store = Store(database)
    with questions(database) as ask:
        made = "SELECT count(*) FROM pg_roles WHERE rolname LIKE current_database() || '%%'"
        assert ask(made) == [(len(ROLES),)]
        store.downgrade("0010")
        assert ask(made) == [(0,)]
        assert ask("SELECT count(*) FROM pg_tables WHERE tableowner <> current_user AND schemaname = 'public'") == [
            (0,)
        ]
        store.upgrade()
        assert ask(made) == [(len(ROLES),)]
    store.close()


@pytest.mark.parametrize(("may_make", "made"), [("NOCREATEROLE", 0), ("CREATEROLE", 3)])
def test_who_may_not_make_roles_gets_the_tables_all_the_same_and_is_told(new_url, execute, paperdex, may_make, made):
    url = make_url(new_url())
    user = f"{url.database}_modest"
    execute(f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}' {may_make}")
    execute(f"ALTER DATABASE {url.database} OWNER TO {user}")
    store = Store(as_login(url, user))
    said = (
        f"No roles were made for database {url.database}, because {user} may not make them (permission denied to create "
        "role); its rights are as before.\n"
    )
    status, told, warned = paperdex("db", "upgrade", "--database-url", as_login(url, user))
    assert (status, told, warned) == (0, "The schema is up to date.\n", "" if made else said)
    assert store.upgrade() == ()
    assert store.check() == []
    with questions(url.render_as_string(hide_password=False)) as ask:
        assert ask(
            "SELECT count(*) FROM pg_roles WHERE rolname ~ (current_database() || '_(owner|writer|reader)')"
        ) == [(made,)]
    store.downgrade("base")
    store.close()
    execute(f"ALTER DATABASE {url.database} OWNER TO postgres")
    with questions(url.render_as_string(hide_password=False)) as ask:
        drop_role(ask, user)


def test_a_revoked_right_is_one_sentence(lived, database):
    store, _, _ = lived
    with questions(database) as ask:
        ask("REVOKE SELECT ON runs FROM " + make_url(database).database + "_writer")
    with pytest.raises(StorageError) as failure:
        store.runs()
    assert type(failure.value) is AccessRefused
    assert str(failure.value).endswith(
        "refuses this login: permission denied for table runs; nothing but another right, password or URL helps."
    )
