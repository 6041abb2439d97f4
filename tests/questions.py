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
