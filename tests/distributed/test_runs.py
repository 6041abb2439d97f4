"""Whole runs on a real cluster and a real Postgres: a run is a function, and what it leaves adds up."""

from __future__ import annotations

from collections import Counter

import pytest
import ray
from busy import busy_scenario
from ray.util.state import list_actors
from repository import ROOT
from watcher import Watcher

from cluster.runs import Place, execute, prepare
from cluster.scenarios import Overrides, load
from simulation.autopilot.knowledge import IGNORANT, Knowledge
from simulation.settings.market import ReplayMarket
from storage.errors import StaleOwner

ONE = busy_scenario().accounts[1:2]
"""The account that is enough where nothing depends on there being several: each is a process."""
POLYGON_DAY = ROOT.parent / "shared" / "market" / "univ3_polygon_usdc_weth_005_2023-08-17.minute.csv"


@pytest.mark.slow  # runs of other segments in which somebody dies, in test_absent_database.py and test_services.py, have it too
def test_a_run_has_one_digest_whatever_the_length_of_its_segments(run, store, undisturbed):
    result = run(busy_scenario(segment_blocks=100))
    assert result.run_id != undisturbed.summary.run_id
    assert result.digest == undisturbed.summary.digest
    assert result.accounts == undisturbed.summary.accounts
    assert store.check() == []


@pytest.mark.slow  # a run with two writers survives blow after blow in test_kills.py
@pytest.mark.parametrize("writers", [2, 3])
def test_a_run_has_one_digest_however_many_write_it(writers, run, store, undisturbed):
    result = run(busy_scenario(segment_blocks=100), writers=writers)
    assert result.digest == undisturbed.summary.digest
    assert (result.written.writers, result.written.commits) == (writers, 12 * writers)
    assert store.check() == []


def test_every_actor_of_a_run_has_a_name_that_a_person_recognises(undisturbed):
    assert sorted(undisturbed.actors) == [
        "AccountSession plain", "AccountSession smart", "AccountSession tuned", "AutoPilot", "Market", "Writer",
    ]  # fmt: skip


def test_a_summary_tells_what_is_stored(undisturbed):
    told = undisturbed.summary.as_json()
    assert list(told) == [
        "run_id", "status", "digest", "seed", "blocks", "trades", "decisions", "wall_seconds", "writer",
        "accounts", "failures",
    ]  # fmt: skip
    assert told["writer"]["commits"] == 4
    assert told["writer"]["rows"] > told["decisions"]
    assert 0 < told["writer"]["commit_latency"]["p50_ms"] <= told["writer"]["commit_latency"]["max_ms"]
    assert {account["name"] for account in told["accounts"]} == {"tuned", "plain", "smart"}
    assert told["trades"] > 100
    assert (told["seed"], told["blocks"]) == (9, 1200)


@pytest.mark.slow  # two runs; knowledge is part of the digests in tests/postgres/test_knowledge.py
def test_a_run_with_one_version_of_knowledge_repeats_exactly(run, store, sql, undisturbed):
    known = Knowledge(1, (9, 0, 0) * (len(IGNORANT.counts) // 3))
    sql(
        "INSERT INTO autopilot_knowledge (version, from_version, from_run, outcomes, counts, hash) "
        "VALUES (1, 0, %s, 9, %s::jsonb, %s)",
        str(undisturbed.summary.run_id),
        str(list(known.counts)),
        known.hash,
    )
    first, second = (run(busy_scenario(knowledge=1, segment_blocks=blocks)) for blocks in (300, 100))
    assert first.digest == second.digest != undisturbed.summary.digest
    sure = sql("SELECT DISTINCT confidence_in_adjustment::float FROM autopilot_logs WHERE NOT is_reversal")
    assert sure == [(90.91,)]
    assert store.check() == []


def test_a_recording_is_traded_to_its_end(run, store, tmp_path):
    file = tmp_path / "weth.csv"
    file.write_text("timestamp,closeTick,currentLiquidity\n" + "".join(_minutes(100)))
    market = ReplayMarket(source="replay", recordings=[{"path": str(file)}])
    result = run(busy_scenario(market=market, blocks=10_000, accounts=ONE))
    assert result.blocks == 99 * 5 + 1
    assert result.trades > 0
    assert store.check() == []


def _minutes(count):
    """Yield minutes of a WETH pool near 1800 USD, whose price swings by two percent."""
    for minute in range(count):
        tick = 201_300 + (minute * 37) % 200
        yield f"2023-08-17 {minute // 60:02}:{minute % 60:02}:00,{tick},1000000000000000000\n"


@pytest.mark.skipif(not POLYGON_DAY.exists(), reason="the recorded days are not part of the repository")
def test_the_day_of_the_crash_is_traded_for_real(run, store):
    market = ReplayMarket(source="replay", recordings=[{"path": str(POLYGON_DAY)}])
    result = run(busy_scenario(market=market, blocks=1_500, segment_blocks=500, accounts=ONE))
    assert (result.blocks, result.trades > 0) == (1_500, True)
    assert store.check() == []


def test_a_session_that_somebody_else_claims_ends_the_run_with_one_sentence(run, store, sql):
    claim = "UPDATE session_checkpoints SET incarnation = incarnation + 1"
    with pytest.raises(StaleOwner) as raised:
        run(busy_scenario(segment_blocks=50, accounts=ONE), Watcher(300, lambda: sql(claim)))
    assert str(raised.value).endswith("belongs to incarnation 2; a batch of incarnation 1 is refused.")
    assert "\n" not in str(raised.value)
    assert store.runs()[0].status == "ERROR"
    assert store.runs()[0].error_message == f"StaleOwner: {raised.value}"


@pytest.mark.slow  # thirty processes
def test_twenty_four_accounts_are_twenty_four_live_actors_beside_market_auto_pilot_and_writer(url):
    """On a private cluster, whose dashboard answers `ray list actors`."""
    seen, told = [], []

    def look():
        here = ray.get_runtime_context().gcs_address  # the cluster that other tests share may be there too
        seen.extend(list_actors(here, filters=[("state", "=", "ALIVE")], limit=100))

    plan = prepare(load(None, Overrides(accounts=24, blocks=300)))
    execute(plan, Place(url), Watcher(300, look), lambda result, _: told.append(result.blocks))
    assert told == [300]
    names = [f"AccountSession {account.name}" for account in plan.scenario.accounts]
    assert sorted(actor.name for actor in seen) == sorted([*names, "AutoPilot", "Market", "Writer"])
    assert Counter(actor.class_name for actor in seen) == {
        "AccountSession": 24,
        "AutoPilot": 1,
        "Market": 1,
        "Writer": 1,
    }
    assert {"AccountSession Careful", "AccountSession Careful 3", "AccountSession Unlucky 2"} <= set(names)
