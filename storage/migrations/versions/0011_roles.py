"""Give a database three roles without login, of which an administrator makes logins members: owner, writer, reader."""

# ruff: noqa: S608 -- the statements are put together from constants of this file

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Roles are of the whole server, rights of one database: a writer of one database must be nobody in the next, so that
# each has roles of its own, named after it. A name has 63 bytes at most, and a longer one would lose its ending.
_NAMED = """
    stem text := CASE WHEN octet_length(current_database()) <= 56 THEN current_database()
        ELSE 'paperdex_' || md5(current_database()) END;
    owner_role text := stem || '_owner';
    writer_role text := stem || '_writer';
    reader_role text := stem || '_reader';
    mark text := 'Made by paperdex for database ' || current_database();
    role_name text;
    relation record;
"""

GRANT = f"""
DO $$
DECLARE {_NAMED}
BEGIN
    FOREACH role_name IN ARRAY ARRAY[owner_role, writer_role, reader_role] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXECUTE format('COMMENT ON ROLE %I IS %L', role_name, mark);
        END IF;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role_name);
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role_name);
    END LOOP;

    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO %I, %I', current_database(), owner_role, writer_role);
    EXECUTE format('GRANT CREATE ON SCHEMA public TO %I', owner_role);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA public TO %I, %I', writer_role, reader_role);
    EXECUTE format('REVOKE ALL ON users FROM %I, %I', writer_role, reader_role);
    EXECUTE format(
        'GRANT INSERT ON runs, paper_trading_accounts, paper_trading_configs, paper_strategy_configs,
            paper_trading_sessions, session_checkpoints, paper_positions, paper_trades, paper_ai_thought_logs,
            paper_performance_metrics, autopilot_logs, autopilot_performance_snapshots TO %I', writer_role);
    EXECUTE format(
        'GRANT UPDATE ON paper_trading_accounts, paper_strategy_configs, paper_trading_sessions, session_checkpoints,
            paper_positions, paper_trades TO %I', writer_role);
    EXECUTE format(
        'GRANT UPDATE (status, error_message, digest, digest_revision, finished_at, incarnation) ON runs TO %I',
        writer_role);
    EXECUTE format(
        'GRANT UPDATE (last_adjustment_type) ON autopilot_performance_snapshots TO %I', writer_role);

    IF NOT pg_has_role(current_user, owner_role, 'USAGE') THEN
        EXECUTE format('GRANT %I TO %I', owner_role, current_user);
    END IF;
    FOR relation IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER TABLE public.%I OWNER TO %I', relation.tablename, owner_role);
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'No roles were made for database %, because % may not make them (%); its rights are as before.',
        current_database(), current_user, SQLERRM;
END $$
"""
"""All of it or nothing: whoever may not make roles gets the tables all the same."""

REVOKE = f"""
DO $$
DECLARE {_NAMED}
BEGIN
    FOR relation IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tableowner = owner_role LOOP
        EXECUTE format('ALTER TABLE public.%I OWNER TO %I', relation.tablename, current_user);
    END LOOP;
    FOREACH role_name IN ARRAY ARRAY[owner_role, writer_role, reader_role] LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name);
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', role_name);
        EXECUTE format('REVOKE ALL ON SCHEMA public FROM %I', role_name);
        EXECUTE format('REVOKE ALL ON DATABASE %I FROM %I', current_database(), role_name);
        IF EXISTS (
            SELECT FROM pg_roles WHERE rolname = role_name AND shobj_description(oid, 'pg_authid') = mark
        ) THEN
            BEGIN
                EXECUTE format('DROP ROLE %I', role_name);
            EXCEPTION WHEN dependent_objects_still_exist THEN
                RAISE WARNING 'Role % stays, because other objects belong to it.', role_name;
            END;
        END IF;
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'The roles of database % stay, because % may not drop them (%).',
        current_database(), current_user, SQLERRM;
END $$
"""


def upgrade() -> None:
    """Apply the change; the tables belong to the owner role from now on."""
    op.get_bind().connection.cursor().execute(GRANT)  # not by SQLAlchemy, to which % is a parameter


def downgrade() -> None:
    """Undo the change; logins that had their rights by a role have none any more, and roles made by hand stay."""
    op.get_bind().connection.cursor().execute(REVOKE)  # not by SQLAlchemy, to which % is a parameter
