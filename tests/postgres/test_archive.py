"""Runs go to files whole or not at all, and come back as they were."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from uuid import UUID

import polars as pl
import pytest
from repository import ROOT

from storage import archiving, run_files
from storage.errors import (
    AnotherArchive,
    ArchiveNotWritten,
    ContentChanged,
    DamagedArchive,
    NoArchive,
    OtherSchema,
    RunGoesOn,
    RunIsThere,
    RunNotFound,
    SchemaOutdated,
    SessionNotFound,
    StorageError,
)
from storage.models import Base
from storage.run_files import RUN_TABLES, columns_of
from storage.store import Store

NO_RUN = UUID(int=1)
KILLED = """
import os, signal, sys
from pathlib import Path
from uuid import UUID
from storage import archiving
from storage.store import Store

setattr(archiving, sys.argv[4], lambda *_: os.kill(os.getpid(), signal.SIGKILL))
Store(sys.argv[1]).archive(UUID(sys.argv[2]), Path(sys.argv[3]))
"""
POINTS = {"_keep": "written", "_delete": "named", "_archived": "deleted, not committed"}
"""Where an archive is killed, and how far it had come."""


@pytest.fixture
def content(sql):
    """Return all that is stored of all runs, by table."""

    def content():
        return {table: sql(f"SELECT {', '.join(columns_of(table))} FROM {table} ORDER BY 1") for table in RUN_TABLES}

    return content


@pytest.fixture
def resigned(finished, store, sql):
    """Return a function that changes the finished run and makes the change the one that it ended with."""

    def resigned(change, *values):
        sql(change, *values)
        sql("UPDATE runs SET digest = %s", store.digest(finished.ids.run_id))

    return resigned


def damage(path):
    """Change one byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def test_a_table_of_runs_is_not_forgotten():
    others = {"users", "sweeps", "sweep_cohorts", "trials", "autopilot_knowledge"}
    assert set(RUN_TABLES) | others == set(Base.metadata.tables)


# There and back.


def test_a_restored_run_has_its_digest_and_every_value(finished, store, sql, content, tmp_path):
    before, run_id = content(), finished.ids.run_id
    archived = store.archive(run_id, tmp_path)
    assert all(rows == [] for rows in content().values())
    assert sql("SELECT name FROM users") == [("local",)]
    restored = store.restore(tmp_path / str(run_id))
    assert content() == before
    assert archived.digest == restored.digest == store.digest(run_id) == before["runs"][0][9]
    assert archived.rows == restored.rows == sum(len(rows) for rows in before.values())
    assert store.check() == []


def test_the_files_alone_give_the_digest(finished, store, tmp_path):
    before = store.digest(finished.ids.run_id)
    store.archive(finished.ids.run_id, tmp_path)
    assert run_files.digest_of(tmp_path / str(finished.ids.run_id)) == before


def test_an_archive_has_a_file_for_each_table_and_says_what_it_is(finished, store, tmp_path):
    archived = store.archive(finished.ids.run_id, tmp_path)
    names = {path.name for path in archived.folder.iterdir()}
    assert names == {f"{table}.parquet" for table in RUN_TABLES} | {"manifest.json"}
    assert [path.name for path in tmp_path.iterdir()] == [str(finished.ids.run_id)]
    told = json.loads((archived.folder / "manifest.json").read_text())
    assert (told["run_id"], told["status"], told["digest"]) == (str(archived.run_id), "COMPLETED", archived.digest)
    assert told["tables"]["runs"]["rows"] == 1


def test_money_times_and_numbers_in_the_files_have_types(finished, store, tmp_path):
    trades = pl.read_parquet(store.archive(finished.ids.run_id, tmp_path).folder / "paper_trades.parquet")
    assert trades.schema["cash_after_usd"] == pl.Decimal(20, 6)
    assert trades.schema["created_at"] == pl.Datetime("us", "UTC")
    assert trades.schema["ordinal"] == pl.Int64()
    assert trades["amount_in"].cast(pl.Float64).max() > 0


def test_a_table_that_does_not_fit_into_memory_at_once_comes_back_too(finished, store, content, monkeypatch, tmp_path):
    monkeypatch.setattr(run_files, "CHUNK_ROWS", 7)
    before = content()
    store.restore(store.archive(finished.ids.run_id, tmp_path).folder)
    assert content() == before
    assert store.check() == []


@pytest.mark.parametrize(
    "said",
    ["", "\\N", "a\tb\nc\rd", "\\t\\\\", "\b\f\v\x01\x7f", "\u2028 μ 😀", "\"quoted\", 'twice'", "NULL", "$1 ${1}"],
)
def test_whatever_a_decision_says_comes_back(finished, resigned, store, content, tmp_path, said):
    resigned("UPDATE paper_ai_thought_logs SET primary_reasoning = %s, key_factors = to_jsonb(ARRAY[%s])", said, said)
    before = content()
    store.restore(store.archive(finished.ids.run_id, tmp_path).folder)
    assert content() == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE paper_performance_metrics SET sharpe_ratio = 1e23, profit_factor = 5e-324",
        "UPDATE paper_performance_metrics SET sharpe_ratio = '-0', profit_factor = 'infinity'",
        "UPDATE paper_performance_metrics SET sharpe_ratio = 1e15, profit_factor = 123456789012345.6",
        "UPDATE paper_trades SET amount_in = 10::numeric ^ 77 + 1",
        "UPDATE paper_positions SET current_price_usd = 99999999999999999999.999999999999999999",
        "UPDATE paper_trading_accounts SET total_profit_loss_usd = -0.000001",
        "UPDATE paper_trades SET created_at = '0987-01-02 03:04:05.000600+00'",
        "UPDATE paper_trades SET created_at = '9999-12-31 23:59:59.999999+00'",
        "UPDATE paper_trades SET created_at = '2026-01-01 00:00:10.5+02'",
    ],
)
def test_whatever_a_column_can_hold_comes_back(finished, resigned, store, content, tmp_path, change):
    resigned(change)
    before = content()
    store.restore(store.archive(finished.ids.run_id, tmp_path).folder)
    assert content() == before


def test_an_adjustment_that_undoes_another_goes_and_comes_with_it(finished, resigned, store, content, tmp_path):
    names = [name for name in columns_of("autopilot_logs") if name != "recorded_at"]
    other = {
        "log_id": "overlay(log_id::text placing '1' from 36)::uuid",
        "ordinal": "ordinal + 1",
        "is_reversal": "true",
        "reverses_log_id": "log_id",
    }
    picked = ", ".join(other.get(name, name) for name in names)
    resigned(f"INSERT INTO autopilot_logs ({', '.join(names)}) SELECT {picked} FROM autopilot_logs")
    before = content()
    assert len(before["autopilot_logs"]) == 2
    store.restore(store.archive(finished.ids.run_id, tmp_path).folder)
    assert content() == before


def test_another_run_stays_as_it_is(finished, begin, store, tmp_path):
    other = begin(seed=8).run()
    before = store.digest(other)
    store.archive(finished.ids.run_id, tmp_path)
    assert [run.run_id for run in store.runs()] == [str(other)]
    assert store.digest(other) == before
    assert store.check() == []


def test_every_file_and_every_name_is_on_the_disk_before_anything_is_deleted(finished, store, monkeypatch, tmp_path):
    synced, at_deletion, delete = set(), [], archiving._delete

    def sync(handle):
        synced.add(os.fstat(handle).st_ino)

    def look_and_delete(*given):
        at_deletion.append(set(synced))
        delete(*given)

    monkeypatch.setattr(archiving.archive_folder.os, "fsync", sync)
    monkeypatch.setattr(archiving, "_delete", look_and_delete)
    folder = store.archive(finished.ids.run_id, tmp_path / "new" / "place").folder
    wanted = {*folder.iterdir(), folder, tmp_path / "new" / "place", tmp_path / "new", tmp_path}
    assert {path.stat().st_ino for path in wanted} <= at_deletion[0]


# What is left alone.


def test_a_run_that_goes_on_is_not_archived(begin, store, sql, content, tmp_path):
    live = begin()
    store.commit(live.batches(300))
    sql("UPDATE runs SET finished_at = now() - interval '1 year'")
    before = content()
    with pytest.raises(RunGoesOn, match=f"Run {live.ids.run_id} is RUNNING"):
        store.archive(live.ids.run_id, tmp_path)
    assert store.ended_runs(0) == []
    assert content() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", ["COMPLETED", "STOPPED", "ERROR"])
def test_a_run_that_has_ended_is_archived_however_it_ended(begin, store, tmp_path, status):
    live = begin()
    store.commit(live.batches(300))
    digest = store.finish_run(live.ids.run_id, status, "" if status == "COMPLETED" else "So.")
    store.restore(store.archive(live.ids.run_id, tmp_path).folder)
    assert store.digest(live.ids.run_id) == digest
    assert store.check() == []


def test_a_run_that_was_altered_after_its_end_is_not_archived(finished, store, sql, content, tmp_path):
    sql("UPDATE paper_trades SET simulated_gas_used = simulated_gas_used + 1 WHERE ordinal = 0")
    before = content()
    with pytest.raises(ContentChanged, match="is not what it was when it ended"):
        store.archive(finished.ids.run_id, tmp_path)
    assert content() == before


def test_an_unknown_run_is_not_archived(store, tmp_path):
    with pytest.raises(RunNotFound):
        store.archive(NO_RUN, tmp_path)


def test_only_runs_that_ended_long_enough_ago_are_listed(finished, begin, store, sql):
    begin(seed=8).run()
    begin(seed=9)
    sql("UPDATE runs SET finished_at = now() - interval '30 days' WHERE run_id = %s", str(finished.ids.run_id))
    assert [run.run_id for run in store.ended_runs(30 * 86_400 - 60)] == [finished.ids.run_id]
    assert store.ended_runs(30 * 86_400 + 60) == []
    assert len(store.ended_runs(0)) == 2


def test_a_batch_of_a_stale_owner_finds_no_session(begin, store, tmp_path):
    live = begin()
    store.commit(live.batches(300))
    late = live.batches(300)
    store.finish_run(live.ids.run_id, "STOPPED", "Stopped.")
    store.archive(live.ids.run_id, tmp_path)
    with pytest.raises(SessionNotFound):
        store.commit(late)


# Damage.


def test_files_that_do_not_hold_the_run_delete_nothing(finished, store, content, monkeypatch, tmp_path):
    before, write = content(), archiving.archive_folder.write_manifest

    def write_and_damage(folder, manifest):
        write(folder, manifest)
        damage(folder / "paper_trades.parquet")

    monkeypatch.setattr(archiving.archive_folder, "write_manifest", write_and_damage)
    with pytest.raises(DamagedArchive, match="paper_trades"):
        store.archive(finished.ids.run_id, tmp_path)
    assert content() == before
    assert not (tmp_path / str(finished.ids.run_id)).exists()


@pytest.mark.parametrize("table", sorted(RUN_TABLES))
def test_a_damaged_file_is_not_restored(finished, store, content, tmp_path, table):
    folder = store.archive(finished.ids.run_id, tmp_path).folder
    damage(folder / f"{table}.parquet")
    with pytest.raises(DamagedArchive, match=rf"{table}\.parquet .*; the database is as it was\.$"):
        store.restore(folder)
    assert all(rows == [] for rows in content().values())


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda folder: (folder / "runs.parquet").unlink(), DamagedArchive, "runs.parquet can't be read"),
        (lambda folder: (folder / "runs.parquet").write_bytes(b""), DamagedArchive, "runs.parquet can't be read"),
        (lambda folder: (folder / "runs.parquet").write_bytes((folder / "paper_trades.parquet").read_bytes()), DamagedArchive, "runs.parquet has other columns"),
        (lambda folder: (folder / "manifest.json").unlink(), NoArchive, "manifest.json can't be read"),
        (lambda folder: (folder / "manifest.json").write_text("{"), DamagedArchive, "does not say what it must"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), DamagedArchive, "does not say what it must"),
        (lambda folder: (folder / "manifest.json").write_bytes(b"\xff"), DamagedArchive, "is no text"),
        (lambda folder: rewrite(folder, digest="0" * 64), DamagedArchive, "its rows have the digest"),
        (lambda folder: rewrite(folder, run_id="7"), DamagedArchive, "does not say what it must"),
        (lambda folder: rewrite(folder, tables={}), DamagedArchive, "does not name the tables"),
        (lambda folder: rewrite(folder, schema="0003", version="0.0.9"), OtherSchema, "has schema 0003, .*; restore it with paperdex 0.0.9"),
    ],
)  # fmt: skip
def test_an_archive_that_is_not_whole_is_refused_in_a_sentence(finished, store, content, tmp_path, change, error, said):
    folder = store.archive(finished.ids.run_id, tmp_path).folder
    change(folder)
    with pytest.raises(error, match=said) as refusal:
        store.restore(folder)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).endswith(".")
    assert all(rows == [] for rows in content().values())


def rewrite(folder, **changes):
    """Change what a manifest says."""
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_an_archive_under_another_runs_name_does_not_come_back(finished, store, content, tmp_path):
    folder = store.archive(finished.ids.run_id, tmp_path).folder
    rewrite(folder, run_id=str(NO_RUN))
    with pytest.raises(DamagedArchive, match="restored, it has the digest"):
        store.restore(folder)
    assert all(rows == [] for rows in content().values())


def test_a_run_that_is_there_is_not_restored_over_itself(finished, store, content, tmp_path):
    folder = store.archive(finished.ids.run_id, tmp_path).folder
    store.restore(folder)
    before = content()
    with pytest.raises(RunIsThere, match="is in the database already"):
        store.restore(folder)
    assert content() == before


def test_a_database_of_an_older_schema_takes_and_gives_no_archive(finished, store, new_url, tmp_path):
    folder = store.archive(finished.ids.run_id, tmp_path).folder
    empty = Store(new_url())
    for refused in (
        lambda: empty.restore(folder),
        lambda: empty.archive(NO_RUN, tmp_path),
        lambda: empty.ended_runs(0),
    ):
        with pytest.raises(SchemaOutdated):
            refused()
    empty.close()


def test_a_place_that_cannot_be_written_keeps_the_run(finished, store, content, tmp_path):
    before = content()
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveNotWritten, match=r"can't be written: .*; the run is still in the database\."):
        store.archive(finished.ids.run_id, tmp_path / "file")
    assert content() == before


def test_an_archive_of_more_is_not_replaced_by_one_of_less(finished, store, content, tmp_path):
    folder = store.archive(finished.ids.run_id, tmp_path).folder
    store.restore(folder)
    store.prune(finished.ids.run_id)
    before, files = content(), (folder / "manifest.json").read_bytes()
    with pytest.raises(AnotherArchive):
        store.archive(finished.ids.run_id, tmp_path)
    assert content() == before
    assert (folder / "manifest.json").read_bytes() == files


# Others at the same time.


def test_of_two_that_archive_a_run_at_once_one_does_and_nothing_is_lost(finished, store, url, content, tmp_path):
    before, ended = content(), []
    stores = [Store(url) for _ in range(2)]

    def archive(one):
        try:
            ended.append(one.archive(finished.ids.run_id, tmp_path).folder)
        except StorageError as error:
            ended.append(error)

    threads = [threading.Thread(target=archive, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in stores:
        one.close()
    (folder,) = (end for end in ended if not isinstance(end, StorageError))
    assert list(tmp_path.iterdir()) == [folder]
    store.restore(folder)
    assert content() == before


def test_what_somebody_changes_after_the_files_were_read_back_is_not_deleted(
    finished, store, sql, content, monkeypatch, tmp_path
):
    keep = archiving._keep

    def keep_and_change(*given):
        keep(*given)
        sql("UPDATE paper_ai_thought_logs SET primary_reasoning = 'I felt like it.' WHERE ordinal = 0")

    monkeypatch.setattr(archiving, "_keep", keep_and_change)
    with pytest.raises(StorageError, match="could not serialize access"):
        store.archive(finished.ids.run_id, tmp_path)
    assert len(content()["runs"]) == 1
    assert sql("SELECT count(*) > 0 FROM paper_ai_thought_logs WHERE primary_reasoning = 'I felt like it.'") == [
        (True,)
    ]


# Killed in the middle.


@pytest.mark.parametrize("point", POINTS, ids=POINTS.values())
def test_an_error_in_the_middle_loses_nothing_and_the_next_try_succeeds(
    finished, store, content, monkeypatch, tmp_path, point
):
    before = content()

    def fail(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(archiving, point, fail)
        with pytest.raises(KeyboardInterrupt):
            store.archive(finished.ids.run_id, tmp_path)
    assert content() == before
    _archive_and_restore(store, finished.ids.run_id, tmp_path)
    assert content() == before


@pytest.mark.parametrize("point", POINTS, ids=POINTS.values())
def test_a_killed_archive_loses_nothing_and_the_next_try_succeeds(finished, store, url, content, tmp_path, point):
    before = content()
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, url, str(finished.ids.run_id), str(tmp_path), point],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert content() == before
    assert store.check() == []
    _archive_and_restore(store, finished.ids.run_id, tmp_path)
    assert content() == before


def test_a_damaged_file_of_a_killed_archive_deletes_nothing(finished, store, content, monkeypatch, tmp_path):
    before = content()
    with monkeypatch.context() as patch:
        patch.setattr(archiving, "_delete", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.archive(finished.ids.run_id, tmp_path)
    damage(tmp_path / str(finished.ids.run_id) / "paper_trades.parquet")
    with pytest.raises(DamagedArchive):
        store.archive(finished.ids.run_id, tmp_path)
    assert content() == before


def _archive_and_restore(store, run_id, place):
    folder = store.archive(run_id, place).folder
    assert list(place.iterdir()) == [folder]
    store.restore(folder)
    assert store.check() == []


# The commands.


def test_the_command_archives_old_runs_and_says_so(finished, begin, store, sql, paperdex, url, tmp_path):
    other = begin(seed=8).run()
    digest = store.digest(finished.ids.run_id)
    sql("UPDATE runs SET finished_at = now() - interval '31 days' WHERE run_id = %s", str(finished.ids.run_id))
    arguments = ("db", "archive", "--older-than", "30d", "--to", "kept", "--database-url", url)
    status, stdout, stderr = paperdex(*arguments, "--dry-run")
    assert (status, stderr) == (0, "")
    assert str(finished.ids.run_id) in stdout
    assert f"1 run would be archived in {tmp_path / 'kept'}." in stdout
    assert not (tmp_path / "kept").exists()
    assert len(store.runs()) == 2

    status, stdout, stderr = paperdex(*arguments)
    assert (status, stderr) == (0, "")
    assert str(finished.ids.run_id) in stdout
    assert digest[:16] in stdout
    assert f"1 run archived in {tmp_path / 'kept'}." in stdout
    assert [run.run_id for run in store.runs()] == [str(other)]
    assert paperdex(*arguments) == (0, f"0 runs archived in {tmp_path / 'kept'}.\n", "")

    status, stdout, stderr = paperdex("db", "restore", f"kept/{finished.ids.run_id}", "--database-url", url)
    assert (status, stderr) == (0, "")
    assert f"Run {finished.ids.run_id} (busy) is back: " in stdout
    assert digest in stdout
    assert paperdex("db", "check", "--database-url", url) == (0, "Nothing found.\n", "")


@pytest.mark.usefixtures("finished")
def test_a_run_that_must_be_left_alone_does_not_keep_the_others_back(begin, store, sql, paperdex, url):
    other = begin(seed=8).run()
    sql("UPDATE paper_trades SET simulated_gas_used = 1 WHERE account_id::text LIKE '00000000-f00d%'")
    status, stdout, stderr = paperdex("db", "archive", "--older-than", "0d", "--database-url", url)
    assert status == 1
    assert str(other) in stdout
    assert "1 run archived" in stdout
    assert stderr.count("\n") == 1
    assert "is not what it was when it ended" in stderr
    assert len(store.runs()) == 1


def test_a_running_run_named_is_one_line_and_status_2(begin, paperdex, url):
    live = begin()
    status, stdout, stderr = paperdex("db", "archive", "--run", str(live.ids.run_id), "--database-url", url)
    assert (status, stdout) == (2, "")
    assert stderr == f"Run {live.ids.run_id} is RUNNING; only a run that has ended can be archived or pruned.\n"
