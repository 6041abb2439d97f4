"""What a run prints when it ends."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from report_samples import failure_of, result_of
from rich.console import Console

from cluster.latency import Written
from cluster.runs import RunSummary
from cluster.summary import print_summary


def summary_of(*accounts, failures=()):
    return RunSummary(
        run_id=UUID(int=1),
        status="COMPLETED",
        digest="d1" * 32,
        seed=7,
        blocks=21_600,
        trades=40,
        decisions=400,
        wall_seconds=3.5,
        accounts=list(accounts),
        failures=list(failures),
        database_url="postgresql://host/db",
        written=Written(),
    )


def printed(*accounts, failures=()):
    console = Console(file=io.StringIO(), width=120, markup=False)
    print_summary(console, summary_of(*accounts, failures=failures), [], None)
    return console.file.getvalue()


def test_the_summary_tells_what_trading_cost():
    head, line, *_ = printed(result_of("careful")).splitlines()
    assert head.split()[-6:] == ["gas", "USD", "costs", "USD", "equity", "USD"]
    assert line.split()[-3:] == ["30.00", "34.25", "10,500.00"]


def test_no_number_is_cut_short_in_120_columns():
    large = {"gas_usd": Decimal(123_456), "cost_usd": Decimal(-123_456), "final_equity_usd": Decimal(12_345_678)}
    told = printed(replace(result_of("an account with a long name"), strategy="moderate on a bad line", **large))
    assert "123,456.00" in told
    assert "-123,456.00" in told
    assert "12,345,678.00" in told
    assert max(map(len, told.splitlines())) <= 120


def test_a_session_that_failed_is_named_with_its_block_and_message():
    said = "Analyst mine:Own failed at block 5000: ValueError: no idea."
    assert f"01 Jan 16:40  careful failed. {said}\n" in printed(result_of("careful"), failures=[failure_of("careful")])
    told = summary_of(result_of("careful"), failures=[failure_of("careful")]).as_json()
    assert told["failures"] == [{"account": "careful", "strategy": "moderate", "block": 5000, "message": said}]
