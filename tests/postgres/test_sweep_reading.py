"""Sweeps in a real Postgres: found by name, counted, read by many, exported whole, and what is done with them."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
import yaml
from sweep_samples import STOP, TARGET, Trials, sweep_of, verdict_of

from cluster.sweeping.naming import trial_named
from simulation.sweeping.columns import columns_of
from simulation.sweeping.samplers import sampler_of
from simulation.trials import TRIAL
from storage import trial_files
from storage.copying import encode
from storage.errors import AmbiguousRun, ExportNotWritten, NothingSoCalled, RunNotFound, SweepNotFound
from storage.ids import Kind, derive
from storage.trial_rows import TRIALS, CohortBatch, Results, SweepContext

PREFIX = 0xABCD_0000_0001
FAILED = "no lane:\topen one \\ of two,\nor both"
"""With characters that COPY writes otherwise."""


def sweep_id_of(prefix):
    return derive(prefix, Kind.SWEEP, 0, 0)


def begin_sweep(store, prefix=PREFIX, name="exits", sweep=None):
    """Begin a sweep of which nothing is traded yet."""
    detail = Trials(sweep or sweep_of(name=name), None).sweep_detail()
    store.begin_sweep(sweep_id_of(prefix), name, detail.spec, detail.spec_hash, detail.markets, detail.points)
    return sweep_id_of(prefix)


def trade(store, sweep, prefix=PREFIX):
    """Write all trials of a sweep, every 17th of them failed; what they come to is a function of their number."""
    context = SweepContext(sweep_id_of(prefix), prefix, 8_760.0)
    numbers = [n for n, point in enumerate(sampler_of(sweep).ask(range(sweep.n_points))) if sweep.space.allows(point)]
    columns = columns_of(sampler_of(sweep).ask(numbers))
    for market in range(sweep.markets.size):
        told = np.zeros(len(numbers), TRIAL)
        told["next_block"], told["initial_micro_usd"] = 1_200, 10_000 * 10**6
        told["equity_micro_usd"] = 10_000 * 10**6 + np.array(numbers) * 1_234_567 - market
        told["completed_trades"], told["won_micro_usd"] = 3, np.array(numbers) + 1
        returns = np.sin(np.outer(np.array(numbers) + 1, np.arange(1, 41) + market)) / 100
        errors = [FAILED if number % 17 == 3 else "" for number in numbers]
        key = derive(prefix, Kind.COHORT, market, 0)
        cohort = encode([(key, context.sweep_id, market, 0, sweep.n_points, sweep.n_points - len(numbers))])
        trials = TRIALS.encode(Results(context, market, numbers, columns, errors, told, returns))
        store.commit_cohorts([CohortBatch(context.sweep_id, 1, key, cohort, trials)])


@pytest.fixture
def traded(store):
    """Write a small sweep with its trials, and end it."""
    sweep = sweep_of(constraints=[f"{STOP} <= {TARGET}"])
    sweep_id = begin_sweep(store, sweep=sweep)
    trade(store, sweep)
    store.finish_sweep(sweep_id, 1, "COMPLETED", "", verdict_of(failed=3))
    return sweep_id


def test_a_sweep_is_found_by_its_name_the_latest_of_that_name(store, sql):
    first, second, other = begin_sweep(store), begin_sweep(store, PREFIX + 1), begin_sweep(store, PREFIX + 2, "other")
    sql("UPDATE sweeps SET started_at = now() - interval '1 day' WHERE sweep_id = %s", str(other))
    assert store.resolve_sweep("exits") == second != first
    assert store.resolve_sweep("other") == store.resolve_run_or_sweep("other") == other
    assert store.resolve_run_or_sweep("latest-sweep") == store.resolve_sweep("latest") == second
    assert store.resolve_run_or_sweep(str(first)) == first
    with pytest.raises(AmbiguousRun):
        store.resolve_run_or_sweep("abcd")


def test_a_name_that_looks_like_the_beginning_of_a_key_is_a_name_where_no_key_begins_so(store):
    named = begin_sweep(store, name="cafe")
    assert store.resolve_sweep("cafe") == store.resolve_run_or_sweep("cafe") == named


def test_latest_is_a_run_and_never_a_sweep(store, begin):
    run_id = begin().ids.run_id
    begin_sweep(store)
    assert store.resolve_run_or_sweep("latest") == run_id


@pytest.mark.parametrize("name", ["nothing", "beef", "latest-sweep", "", "latest"])
def test_what_is_not_there_is_one_sentence(store, name):
    with pytest.raises((NothingSoCalled, RunNotFound, SweepNotFound), match="There is no "):
        store.resolve_run_or_sweep(name)
    with pytest.raises(SweepNotFound, match=r'There is no sweep .*; name one by its id, .* its name, or "latest"\.'):
        store.resolve_sweep(name)


def test_how_far_a_sweep_is_is_counted_by_its_cohorts(store, traded):
    covered = store.covered(traded)
    assert (covered.trials, covered.skipped) == (2 * 55, 2 * 45)


def test_outcomes_are_what_the_rows_say(store, sql, traded):
    sql("UPDATE trials SET status = 'PRUNED' WHERE point = 14")
    rows = sql(
        "SELECT point, market, status, won_usd FROM trials WHERE point >= 11 AND point < 40 ORDER BY point, market"
    )
    found = store.outcomes_between(traded, 11, 40)
    assert found.point.tolist() == [row[0] for row in rows]
    assert found.market.tolist() == [row[1] for row in rows]
    assert found.failed.tolist() == [row[2] == "ERROR" for row in rows]
    assert found.pruned.tolist() == [row[2] == "PRUNED" for row in rows]
    assert found.column("won_usd").tolist() == [float(row[3]) for row in rows]
    assert found.failed.any()
    assert found.pruned.sum() == 2


def test_settings_are_those_of_the_points_that_were_traded(store, traded):
    assert store.settings_of_points(traded, [0, 10, 11]) == {0: {STOP: 1, TARGET: 1}, 11: {STOP: 2, TARGET: 2}}


def test_of_points_with_the_same_setting_the_first_that_ran_to_the_end_is_none_that_repeats(store, sql, traded):
    assert store.repeated_points(traded).tolist() == []
    alike = "UPDATE trials SET settings = (SELECT settings FROM trials WHERE point = %s LIMIT 1) WHERE point = %s"
    for point in (11, 12, 22):
        sql(alike, 14, point)
    assert store.repeated_points(traded).tolist() == [12, 14, 22]
    sql("UPDATE trials SET status = 'PRUNED' WHERE point = 11 OR point = 12")
    assert store.repeated_points(traded).tolist() == [11, 12, 22]


def test_the_first_failure_is_told(store, sql, traded):
    assert store.failure_of_trials(traded) == FAILED
    sql("DELETE FROM trials WHERE status = 'ERROR'")
    assert store.failure_of_trials(traded) == ""


def test_every_trial_is_a_row_of_the_exported_file_with_every_figure_as_it_is_stored(store, sql, traded, tmp_path):
    written = store.export_sweep(traded, tmp_path / "trials.parquet")
    frame = pl.read_parquet(tmp_path / "trials.parquet")
    names = [name for name in frame.columns if name not in (STOP, TARGET, *trial_files.OF_MARKET)]
    stored = sql(f"SELECT settings, {', '.join(names)} FROM trials ORDER BY point, market")
    assert written.trials == len(stored) == 110
    assert frame.select(STOP, TARGET).rows() == [(row[0][STOP], row[0][TARGET]) for row in stored]
    for name, values in zip(names, list(zip(*stored, strict=True))[1:], strict=True):
        expected = [bytes(value) if isinstance(value, memoryview) else value for value in values]
        assert frame[name].to_list() == expected, name
    assert FAILED in frame["error_message"].to_list()
    assert isinstance(frame["equity_usd"][0], Decimal)


def test_a_row_says_of_its_market_what_it_is(store, sql, traded, tmp_path):
    replayed = '{"source": "replay", "recordings": [{"path": "weth.csv"}, {"path": "a/link.csv"}]}'
    sql(
        "UPDATE sweeps SET markets = jsonb_build_array("
        "jsonb_set(jsonb_set(markets -> 0, '{seed}', '9223372036854775807'), '{market,regime}', '\"crash\"'), "
        f"jsonb_set(markets -> 1, '{{market}}', '{replayed}'))"
    )
    store.export_sweep(traded, tmp_path / "trials.parquet")
    frame = pl.read_parquet(tmp_path / "trials.parquet")
    assert frame.columns[1:6] == ["point", "market", "seed", "regime", "recording"]
    assert frame["market"].to_list() == [0, 1] * 55
    seed = store.sweep(traded).markets[1]["seed"]
    told = [(2**63 - 1, "crash", None), (seed, None, "weth.csv; a/link.csv")]
    assert frame.select("seed", "regime", "recording").rows() == told * 55


def test_the_sums_of_a_trial_are_read_as_the_page_says(store, traded, tmp_path):
    store.export_sweep(traded, tmp_path / "trials.parquet")
    first = pl.read_parquet(tmp_path / "trials.parquet").row(0, named=True)
    sums, squares = np.frombuffer(first["part_sums"], "<f8").reshape(2, 16)
    returns = np.sin(np.arange(1, 41)) / 100  # 40 periods are 16 parts of two, without the oldest eight
    np.testing.assert_allclose(sums, returns[8:].reshape(16, 2).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(squares, (returns[8:] ** 2).reshape(16, 2).sum(axis=1), rtol=1e-12)


def test_the_file_says_which_sweep_it_is_what_defines_it_and_its_digest(store, traded, tmp_path):
    store.export_sweep(traded, tmp_path / "trials.parquet")
    said = pl.read_parquet_metadata(tmp_path / "trials.parquet")
    detail = store.sweep(traded)
    assert said["paperdex.sweep_id"] == str(traded)
    assert said["paperdex.digest"] == detail.digest == store.sweep_digest(traded)
    assert json.loads(said["paperdex.spec"]) == detail.spec
    assert list(json.loads(said["paperdex.spec"])["vary"]) == [STOP, TARGET]


def test_a_file_of_many_parts_is_the_same_as_one_of_one(store, traded, tmp_path, monkeypatch):
    store.export_sweep(traded, tmp_path / "one.parquet")
    monkeypatch.setattr(trial_files, "CHUNK_ROWS", 7)
    store.export_sweep(traded, tmp_path / "many.parquet")
    assert pl.read_parquet(tmp_path / "many.parquet").equals(pl.read_parquet(tmp_path / "one.parquet"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.parquet", "one.parquet"]


def test_values_of_all_kinds_have_a_type_of_their_own(store, tmp_path):
    vary = {
        STOP: {"uniform": [1, 20]},
        "strategy.max_hold_hours": {"grid": [1, 72]},
        "strategy.use_fast_lane": {"choice": [True, False]},
        "strategy.trading_mode": {"choice": ["CUSTOM", "MODERATE"]},
        "strategy.max_trade_size_usd": {"grid": [10, 12.5]},
    }
    sweep = sweep_of(vary=vary, trials=20, sampler={"kind": "random"})
    sweep_id = begin_sweep(store, sweep=sweep)
    trade(store, sweep)
    store.export_sweep(sweep_id, tmp_path / "trials.parquet")
    frame = pl.read_parquet(tmp_path / "trials.parquet")
    assert [frame.schema[path] for path in vary] == [pl.Float64, pl.Int64, pl.Boolean, pl.String, pl.Float64]
    asked = sampler_of(sweep).ask(range(20))
    assert frame.filter(pl.col("market") == 0).select(*vary).rows() == [tuple(point.values()) for point in asked]


def test_a_sweep_without_trials_is_a_file_without_rows(store, tmp_path):
    assert store.export_sweep(begin_sweep(store), tmp_path / "none.parquet").trials == 0
    assert pl.read_parquet(tmp_path / "none.parquet").height == 0


def test_an_export_that_fails_leaves_what_was_there(store, traded, tmp_path, monkeypatch):
    (tmp_path / "trials.parquet").write_text("mine")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trial_files.TrialWriter, "close", full)
    with pytest.raises(ExportNotWritten, match=r"trials.parquet can't be written: No space left on device; name"):
        store.export_sweep(traded, tmp_path / "trials.parquet")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("trials.parquet", "mine")]


@pytest.mark.usefixtures("traded")
def test_a_sweep_is_shown_and_exported_by_its_name(paperdex, url, tmp_path):
    status, stdout, stderr = paperdex("show", "sweep", "exits", "--database-url", url)
    assert (status, stderr) == (0, "")
    assert "110 of 200, 90 skipped, 3 points failed" in stdout
    assert "Luck is a sufficient explanation" in stdout
    assert paperdex("sweep", "export", "exits", "-o", "all.parquet", "--database-url", url)[0] == 0
    assert (tmp_path / "all.parquet").exists()


@pytest.mark.usefixtures("traded")
def test_a_sweep_has_a_report_as_a_run_has(paperdex, url, sql, tmp_path):
    sql("UPDATE sweeps SET version = '0.0.1'")  # so that its winner, which nobody has traded, is not traded again
    status, stdout, stderr = paperdex("report", "exits", "-o", "sweep.html", "--database-url", url)
    assert (status, stderr) == (0, "")
    page = (tmp_path / "sweep.html").read_text()
    assert stdout.strip() == str(tmp_path / "sweep.html")
    assert "Luck is a sufficient explanation" in page
    assert "Is the optimum stable?" in page


@pytest.mark.usefixtures("traded")
def test_a_trial_is_promoted_to_a_scenario(paperdex, url, tmp_path):
    trial = str(derive(PREFIX, Kind.TRIAL, 1, 22))
    status, stdout, _ = paperdex("sweep", "promote", trial, "--as", "tight", "--database-url", url)
    (account,) = yaml.safe_load(stdout)["accounts"]
    assert (status, account["strategy"]["name"], account["strategy"]["stop_loss_percent"]) == (0, "tight", 3)
    assert paperdex("sweep", "promote", trial, "--as", "tight", "-o", "t.yaml", "--database-url", url)[0] == 0
    assert (tmp_path / "t.yaml").read_text() == stdout


@pytest.mark.usefixtures("traded")
@pytest.mark.parametrize(
    ("name", "point", "market"),
    [("exits:22", 22, 0), ("latest-sweep:22:1", 22, 1), ("latest:0", 0, 0), (f"{PREFIX:012x}:11:1", 11, 1)],
)
def test_a_trial_goes_by_its_sweep_and_the_numbers_of_its_point_and_market(paperdex, url, name, point, market):
    status, stdout, _ = paperdex("sweep", "promote", name, "--as", "tight", "--database-url", url)
    assert (status, stdout.splitlines()[0]) == (
        0, f"# Trial {derive(PREFIX, Kind.TRIAL, market, point)}, point {point} of sweep {sweep_id_of(PREFIX)}:"
    )  # fmt: skip


def test_a_point_may_have_the_commas_of_the_leaderboard(store):
    sweep = sweep_of(vary={STOP: {"uniform": [1, 10], "step": 0.01}, TARGET: {"integer": [10, 12]}})
    begin_sweep(store, sweep=sweep)
    trade(store, sweep)
    assert trial_named(store, "exits:1,234").row["point"] == trial_named(store, "exits:1234").row["point"] == 1_234


FAILING = str(derive(PREFIX, Kind.TRIAL, 0, 37))
"""A trial that failed."""


@pytest.mark.usefixtures("traded")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sweep", "promote", FAILING, "--as", "x"], f"Trial {FAILING} failed (no lane"),
        (["sweep", "promote", str(derive(PREFIX, Kind.TRIAL, 0, 10)), "--as", "x"], "There is no trial "),
        (["sweep", "promote", "nonsense", "--as", "x"], "There is no trial nonsense; name one as SWEEP:POINT, such as latest-sweep:0, or by its id."),
        (["sweep", "promote", "nothing:1", "--as", "x"], "There is no sweep nothing; name one by its id"),
        (["sweep", "promote", "exits:100", "--as", "x"], "exits:100: there is no point 100; the sweep has points 0 to 99."),
        (["sweep", "promote", f"exits:{'9' * 5_000}", "--as", "x"], "; the sweep has points 0 to 99."),
        (["sweep", "promote", "exits:1:2", "--as", "x"], "exits:1:2: there is no market 2; the sweep has markets 0 to 1."),
        (["sweep", "promote", "exits:first", "--as", "x"], "exits:first: 'first' is not the number of a point; the sweep has points 0 to 99."),
        (["sweep", "promote", "exits:-1", "--as", "x"], "exits:-1: '-1' is not the number of a point"),
        (["sweep", "promote", "exits:1:", "--as", "x"], "exits:1:: '' is not the number of a market; the sweep has markets 0 to 1."),
        (["sweep", "promote", ":1", "--as", "x"], "':1' is no trial; write SWEEP:POINT or SWEEP:POINT:MARKET, such as latest-sweep:43."),
        (["sweep", "promote", "exits:10", "--as", "x"], "exits:10: there is no such trial; a constraint skips its setting, or it has not been traded yet."),
        (["replay", "exits:100"], "exits:100: there is no point 100; the sweep has points 0 to 99."),
        (["replay", "exits:37"], f"Trial {FAILING} has not traded, so there is nothing to replay"),
        (["sweep", "promote", str(derive(PREFIX, Kind.TRIAL, 0, 0)), "--as", "plain"], "--as 'plain' is taken"),
        (["sweep", "promote", str(derive(PREFIX, Kind.TRIAL, 0, 0)), "--as", "x", "-o", "there.yaml"], "--output there.yaml is there already"),
        (["sweep", "export", "nonsense"], "There is no sweep nonsense"),
        (["show", "sweep", "nonsense"], "There is no sweep nonsense"),
        (["report", "nonsense"], "There is no run nonsense, and no sweep"),
        (["sweep", "--resume", "exits"], "is COMPLETED; only a sweep that was interrupted can be resumed."),
        (["sweep", "--resume", "nonsense"], "There is no sweep nonsense"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_and_nothing_is_written(paperdex, url, sql, tmp_path, arguments, sentence):
    (tmp_path / "there.yaml").write_text("mine")
    status, stdout, stderr = paperdex(*arguments, "--database-url", url)
    assert (status, stdout) == (2, "")
    assert sentence in stderr
    assert stderr.count("\n") == 1
    assert [(path.name, path.read_text()) for path in tmp_path.glob("*.*")] == [("there.yaml", "mine")]
    assert sql("SELECT count(*) FROM paper_strategy_configs") == [(0,)]
