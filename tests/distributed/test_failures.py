"""A session that fails in a real run ends in ERROR with what it had, and the others never notice."""

from __future__ import annotations

import json
import shutil
import sys
from functools import cache

import pytest
import yaml
from busy import busy_scenario, busy_strategy
from repository import ROOT
from watcher import Killer, Watcher

from actors.market import Market
from simulation.intelligence.analysts import HISTORY_BLOCKS
from simulation.scenario import AccountSpec

FAILS_AT = 700
NAME = "stops_working:Breaks"
MESSAGE = f"Analyst {NAME} failed at block {FAILS_AT}: ValueError: no idea of row 0, by <object object>."

CONTENT = """
    SELECT substr({key}::text, 14) AS row, to_jsonb(stored) - ARRAY['run_id', 'recorded_at'] AS content
    FROM {table} AS stored JOIN paper_trading_accounts AS accounts USING (account_id)
    WHERE accounts.run_id = '{run}' AND accounts.name <> 'broken' ORDER BY 1
"""


@pytest.fixture(autouse=True)
def plug_in(monkeypatch, tmp_path):
    """Stand in a folder with an analyst that fails."""
    shutil.copy(ROOT / "tests" / "breaking.py", tmp_path / "stops_working.py")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("stops_working", None)


@cache
def base_fee_gwei():
    """Return the base fee of the block at which the analyst fails, which no earlier block has."""
    market = Market(busy_scenario())
    fees = market.records(market.begin(), FAILS_AT + 1)[1]["base_fee_wei"][HISTORY_BLOCKS:] / 1e9
    assert list(fees).index(fees[FAILS_AT]) == FAILS_AT
    return float(fees[FAILS_AT])


def broken(*, fails=True):
    parameters = {"base_fee_gwei": base_fee_gwei() if fails else 0.0}
    return AccountSpec(name="broken", strategy=busy_strategy("broken", analyst=NAME, custom_parameters=parameters))


def scenario(*, fails=True, **changes):
    return busy_scenario(accounts=(*busy_scenario().accounts[:2], broken(fails=fails)), **changes)


def rows(sql, result, key, table):
    """Return the rows of the accounts that are well, without the keys, in which runs differ."""
    found = sql(CONTENT.format(key=key, table=table, run=result.run_id))
    return [
        (row, {name: value for name, value in content.items() if not name.endswith("_id")}) for row, content in found
    ]


def test_a_session_whose_analyst_fails_ends_in_error_its_actor_is_gone_and_the_others_go_on(run, store, sql):
    names = []

    def look():
        import ray

        names.extend(ray.util.list_named_actors())

    failed, well = run(scenario(segment_blocks=50), Watcher(1_000, look)), run(scenario(fails=False))
    assert "AccountSession plain" in names
    assert "AccountSession broken" not in names
    assert (failed.status, well.status, well.failures) == ("COMPLETED", "COMPLETED", [])
    assert [(failure.account, failure.block, failure.message) for failure in failed.failures] == [
        ("broken", FAILS_AT, MESSAGE)
    ]
    ended = "SELECT accounts.name, status, stopped_at - started_at = 12 * {} * interval '1 s', error_message "
    ended += "FROM paper_trading_sessions JOIN paper_trading_accounts AS accounts USING (account_id) "
    ended += f"WHERE run_id = '{failed.run_id}' ORDER BY ordinal"
    assert sql(ended.format(FAILS_AT))[-1] == ("broken", "ERROR", True, MESSAGE)
    assert [row[:3] for row in sql(ended.format(1_200))[:2]] == [
        (name, "COMPLETED", True) for name in ("tuned", "plain")
    ]
    for key, table in (
        ("trade_id", "paper_trades"),
        ("position_id", "paper_positions"),
        ("thought_id", "paper_ai_thought_logs"),
        ("session_id", "paper_trading_sessions"),
    ):
        assert rows(sql, failed, key, table) == rows(sql, well, key, table) != []
    assert store.check() == []


@pytest.mark.slow  # the ones beside it show how a session fails
@pytest.mark.parametrize(("block", "actor"), [(450, "AccountSession broken"), (850, "Market")])
def test_a_run_in_which_a_session_fails_has_one_digest_whatever_its_segments_and_who_dies(block, actor, run, store):
    whole, killer = run(scenario()), Killer(block, actor)
    assert run(scenario(segment_blocks=50), killer).digest == whole.digest
    assert killer.progress[-1].restarts == 1
    assert store.check() == []


def test_a_command_ends_with_status_1_when_every_session_failed(paperdex, ray_address, store, url, tmp_path):
    content = busy_scenario(accounts=(broken(),)).model_dump(mode="json")
    (tmp_path / "alone.yaml").write_text(yaml.safe_dump(content))
    status, stdout, stderr = paperdex(
        "run", "alone.yaml", "--json", "--database-url", url, "--ray-address", ray_address
    )
    told = json.loads(stdout)
    assert (status, told["status"]) == (1, "ERROR")
    assert told["failures"] == [{"account": "broken", "strategy": "broken", "block": FAILS_AT, "message": MESSAGE}]
    assert f"broken failed. {MESSAGE}\n" in stderr
    stored = store.runs()[0]
    assert (stored.status, stored.error_message) == ("ERROR", "Every session of the run has failed.")
    assert store.check() == []
