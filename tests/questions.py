"""SQL on a test's database."""

from __future__ import annotations

from contextlib import contextmanager

import psycopg2


@contextmanager
def questions(url):
    """Give a function that runs SQL at ``url`` and returns the rows, if any."""
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    connection.autocommit = True

    def run(statement, *values):
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    yield run
    connection.close()


def drop_role(run, role):
    """Drop a login once its connections are gone: one that was closed may still be clearing its temporary tables away."""
    run(f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = '{role}'")
    run(f"DROP OWNED BY {role}")
    run(f"DROP ROLE {role}")
