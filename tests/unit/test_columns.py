"""Columns made from arrays at once, and the text that they become."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
from busy import busy_scenario, contexts_of
from hypothesis import given
from hypothesis import strategies as st

from cluster.plan import plan_of
from simulation.market.segment import Clock
from simulation.sweeping.columns import columns_of
from storage.columns import INTEGER, NULL, TEXT, USD, Column, Table, json_list, object_form, or_null, times_of
from storage.copying import escaped, to_json
from storage.ids import ORDINAL_DIGITS, Kind, derive, stem_of
from storage.trial_rows import settings_of

ORDINALS = st.integers(0, 2**40 - 1)
AMOUNTS = Table((Column("key", TEXT, lambda rows: rows["key"]), Column("usd", USD, lambda rows: rows["micro_usd"])))


def context():
    return contexts_of(plan_of(busy_scenario(), None), 0xF00D)[1]


def test_a_table_writes_a_line_for_each_row_in_the_order_of_its_columns():
    rows = {"key": ["one", "two"], "micro_usd": [1_500_000, -1]}
    assert AMOUNTS.names == ("key", "usd")
    assert AMOUNTS.encode(rows) == b"one\t1500000e-6\ntwo\t-1e-6\n"


def test_no_rows_are_no_text():
    assert AMOUNTS.encode({"key": [], "micro_usd": []}) == b""


@given(st.integers(-(2**63), 2**63 - 1))
def test_micro_usd_are_written_exactly(micro_usd):
    assert Decimal(USD % micro_usd) * 10**6 == micro_usd


@given(st.lists(ORDINALS, max_size=5))
def test_keys_written_at_once_are_those_derived_one_by_one(ordinals):
    one = context()
    derived = [str(derive(one.prefix, Kind.TRADE, one.session, ordinal)) for ordinal in ordinals]
    assert one.keys(Kind.TRADE, ordinals) == derived


def test_what_is_not_there_has_no_key():
    assert context().keys(Kind.POSITION, [-1]) == [NULL]


@given(
    st.integers(100, 60_000), st.lists(st.integers(0, 10**6), max_size=5), st.integers(-12, 12), st.integers(0, 999_999)
)
def test_times_written_at_once_are_those_of_the_clock(block_time_ms, blocks, hours, microsecond):
    start_at = datetime(2026, 1, 2, 3, 4, 5, microsecond, tzinfo=timezone(timedelta(hours=hours)))
    clock = Clock(start_at, block_time_ms)
    times = [datetime.fromisoformat(text) for text in times_of(clock, np.array(blocks, np.int64))]
    assert times == [clock.at(block) for block in blocks]
    assert {time.tzinfo for time in times} <= {UTC}


def test_a_value_that_is_not_there_yet_is_null():
    assert or_null([1, 2], [True, False]) == [1, NULL]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=4))
def test_a_list_of_texts_is_json_behind_the_escapes_of_copy(texts):
    written = json_list(texts)
    assert not set(written) & set("\t\n\r")
    assert json.loads(written.replace("\\\\", "\\")) == texts


def test_an_object_is_filled_in_as_json():
    form = object_form({"blocks": INTEGER, "micro_usd": INTEGER})
    assert json.loads(form % (3, -4)) == {"blocks": 3, "micro_usd": -4}


SETTINGS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.text() | st.none()


@given(st.lists(st.tuples(SETTINGS, SETTINGS), max_size=4))
def test_settings_of_trials_are_written_as_json_writes_them(values):
    points = [{"strategy.stop": stop, "trading.mode": mode} for stop, mode in values]
    assert settings_of(columns_of(points)) == [escaped(to_json(point)) for point in points]


@given(st.integers(0, 2**22 - 1), ORDINALS)
def test_a_key_s_text_is_its_stem_and_the_ordinal(session, ordinal):
    key = str(derive(0xF00D, Kind.TRIAL, session, ordinal))
    assert key == f"{stem_of(0xF00D, Kind.TRIAL, session)}{ordinal:0{ORDINAL_DIGITS}x}"
