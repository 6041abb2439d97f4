"""Every value goes to Postgres as a parameter: no source builds SQL from one."""

from __future__ import annotations

import ast

import pytest
from built_sql import Source
from repository import modules

REVIEWED = {
    ("storage/migrations/versions/0001_initial.py", "upgrade"): "The file of the first schema, beside the migration.",
    (
        "storage/migrations/versions/0012_sweeps.py",
        "upgrade",
    ): "The file of the tables of sweeps, beside the migration.",
    (
        "storage/migrations/rights.py",
        "give",
    ): "Tables and rights that migrations name, which are no parameters of a DO.",
    ("storage/chain.py", ""): "Columns of the log, which its model declares.",
    ("storage/committing.py", "_chain"): "Tables and columns, which storage.written names.",
    ("storage/models/base.py", "named"): "Defaults of columns, which the models declare.",
    ("storage/committing.py", "copy"): "Tables and columns, which storage.written and storage.beginning name.",
}
"""Where what is built is no constant and no value either, and why."""


def built_by(source):
    return list(Source(ast.parse(source)).built())


def test_no_statement_is_built_from_values():
    found = {
        (module.name, function): f"{module.name}:{line}: {statement}"
        for module in modules("storage")
        for line, function, statement in Source(module.tree).built()
    }
    assert {where: found[where] for where in found.keys() - REVIEWED.keys()} == {}
    assert REVIEWED.keys() - found.keys() == set(), "what is not built any more needs no reason"


BUILT = [
    "def f(c, key): c.execute(text(f\"SELECT * FROM t WHERE key = '{key}'\"))",
    "def f(c, key): c.execute(\"SELECT * FROM t WHERE key = '%s'\" % key)",
    "def f(c, key): c.execute('SELECT * FROM t WHERE key = {}'.format(key))",
    "def f(c, key): c.execute('SELECT * FROM t WHERE key = ' + key)",
    "def f(c, keys): c.execute('SELECT * FROM t WHERE key IN (' + ', '.join(keys) + ')')",
    "def f(c, key):\n    asked = 'SELECT * FROM t'\n    asked += f' WHERE key = {key}'\n    c.exec_driver_sql(asked)",
    "def _of(c, key): c.execute(text(f'SELECT {key}'))\ndef f(c, key): _of(c, key)",
    "class A:\n    def f(self, c): c.execute(f'SELECT {self.key}')",
    "def f(c, rows):\n    for row in rows: c.execute(f'INSERT INTO t VALUES ({row})')",
    "def f(c, keys): c.execute(' '.join(f'SELECT {key}' for key in keys))",
    "def f(c, table): c.copy_expert(f'COPY {table} FROM STDIN', file)",
    "def f(c, key): c.execute(sql.SQL(f'SELECT {key}'))",
    "TABLE = 't'\ndef f(c, TABLE): c.execute(f'SELECT * FROM {TABLE}')",
    "def f(c): c.execute(f'SELECT {ask()}')",
    "import os\ndef f(c): c.execute(f\"SELECT {os.environ['KEY']}\")",
    "def _of(key): return f'SELECT {key}'\ndef f(c, key): c.execute(_of(key))",
]

CONSTANT = [
    "ASKED = 'SELECT 1'\ndef f(c): c.execute(ASKED)",
    "def f(c, key): c.execute('SELECT * FROM t WHERE key = %s', (key,))",
    "T = 't'\nASKED = text(f'SELECT * FROM {T} WHERE key = :key')\ndef f(c, key): c.execute(ASKED, {'key': key})",
    "T = 't'\ndef f(c): c.execute(f'SELECT * FROM {T}')",
    "TS = ('a', 'b')\ndef f(c):\n    for table in TS: c.execute(f'SELECT * FROM {table}')",
    "TS = ('a', 'b')\ndef f(c): c.execute('; '.join(f'DROP TABLE {table}' for table in TS))",
    "TS = ('a', 'b')\ndef _of(table): return text(f'SELECT * FROM {table}')\nASKED = {t: _of(t) for t in TS}",
    "def _allow(*kinds):\n    told = ', '.join(kinds)\n    op.execute(f'CHECK ({told})')\n_allow('A', 'B')",
    "def f(c, query: TextClause, key): c.execute(query, {'key': key})",
    "def f(c, key): c.execute(sql.SQL('SELECT {}').format(sql.Literal(key)))",
    "from a import T\ndef f(c):\n    asked = f'SELECT * FROM {T}'\n    c.execute(asked)",
]


@pytest.mark.parametrize("source", BUILT)
def test_what_is_built_from_a_value_is_found(source):
    assert len(built_by(source)) >= 1


@pytest.mark.parametrize("source", CONSTANT)
def test_what_is_made_of_constants_is_none_of_that(source):
    assert built_by(source) == []
