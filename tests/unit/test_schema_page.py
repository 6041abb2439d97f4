"""The page of the schema says what the models say."""

from __future__ import annotations

import re

from repository import ROOT

from storage.models import Base
from storage.schema_page import page

PAGE = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
TABLES = Base.metadata.tables


def section(name):
    return page().split(f"\n### {name}\n")[1].split("\n### ")[0].split("\n## ")[0]


def test_the_page_is_what_make_schema_writes():
    assert page() == PAGE, "run `make schema`"


def test_every_table_and_column_is_on_the_page_once_with_its_sentence():
    assert sorted(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)) == sorted(TABLES)
    for name, table in TABLES.items():
        told = section(name)
        assert table.comment in told
        for column in table.columns:
            (line,) = (line for line in told.splitlines() if line.startswith(f"| `{column.name}` |"))
            assert line.endswith(f"| {column.comment} |")


def test_a_column_shows_its_type_null_default_and_rule():
    told = section("paper_trades")
    assert "| `fee_usd` | NUMERIC(20, 6) | no | `0` | `fee_usd >= 0` |" in told
    assert "| `amount_in` | NUMERIC(78, 0) | no | `0` | `amount_in >= 0` |" in told
    assert "| `block` | BIGINT | yes |  | `block >= decided_block` |" in told
    assert "| `id` | BIGINT | no | `identity` |" in section("paper_trading_configs")


def test_rules_references_and_indexes_stand_below_the_columns():
    told = section("paper_positions")
    assert "- `is_open = (quantity > 0)`" in told
    assert "- `session_id`: [paper_trading_sessions](#paper_trading_sessions), `session_id`" in told
    assert "- `account_id`, `token_address`, unique where `is_open`" in told
    assert "- `session_id`, `ordinal`" in told


def test_the_diagram_has_every_key_and_relation():
    diagram = PAGE.split("```mermaid\n")[1].split("```")[0]
    relations = re.findall(r"^    (\w+) (\S+) (\w+) : (\w+)$", diagram, re.MULTILINE)
    foreign = {(key.column.table.name, table.name) for table in TABLES.values() for key in table.foreign_keys}
    assert len(relations) == sum(len(table.foreign_keys) for table in TABLES.values())
    assert {(one, many) for one, _, many, _ in relations} == foreign
    assert ("runs", "||--o{", "paper_trading_accounts", "run") in relations
    assert ("paper_trading_accounts", "||--o|", "paper_trading_configs", "account") in relations
    assert ("paper_trades", "|o--o{", "paper_ai_thought_logs", "paper_trade") in relations
    assert "fee_usd" not in diagram


def test_a_reader_finds_the_page():
    for path in ("README.md", "docs/architecture.md", "docs/concepts.md"):
        assert "schema.md)" in (ROOT / path).read_text(encoding="utf-8")
