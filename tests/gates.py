"""Gates in a database, at which a transaction can be caught at a named point."""

from __future__ import annotations

from contextlib import contextmanager

import psycopg2
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

IN_COPY, AT_COMMIT = 1, 2
"""In the middle of a COPY of rows; and when all is written and COMMIT has been sent, before it is done."""

_INSTALL = f"""
    CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock_shared(TG_ARGV[0]::bigint); RETURN NEW; END $$;
    CREATE TRIGGER gate_in_copy BEFORE INSERT ON paper_ai_thought_logs
    FOR EACH ROW EXECUTE FUNCTION wait_at_gate({IN_COPY});
    CREATE CONSTRAINT TRIGGER gate_at_commit AFTER UPDATE ON session_checkpoints DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.seq > OLD.seq) EXECUTE FUNCTION wait_at_gate({AT_COMMIT});
"""

_WAITING = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted LIMIT 1"

PATIENCE_SECONDS = 60


def install(sql):
    """Put the gates into a database; they are open."""
    sql(_INSTALL)


def remove(sql):
    """Take the gates out again."""
    sql("DROP FUNCTION wait_at_gate CASCADE")


@contextmanager
def caught(url, gate):
    """Close a gate until a transaction waits at it, and give the number of its server process; then open it."""
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (gate,))

        def waiting():
            cursor.execute(_WAITING, (gate,))
            return cursor.fetchone()

        until_one_waits = Retrying(
            retry=retry_if_result(lambda found: found is None),
            wait=wait_fixed(0.01),
            stop=stop_after_delay(PATIENCE_SECONDS),
        )
        (pid,) = until_one_waits(waiting)
        yield pid
    connection.close()  # which opens the gate
