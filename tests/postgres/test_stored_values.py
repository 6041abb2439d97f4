"""Keys, exact numbers, and COPY text that comes back from Postgres as it went in."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulation import wei
from storage import units
from storage.copying import encode
from storage.ids import TAIL_START, Kind, derive, key_range, new_prefix, prefix_of, run_id_of
from storage.store import Store

PREFIXES = st.integers(0, 2**48 - 1)
SESSIONS = st.integers(0, 2**22 - 1)
ORDINALS = st.integers(0, 2**40 - 1)
KINDS = st.sampled_from(Kind)


@given(PREFIXES, KINDS, SESSIONS, ORDINALS)
def test_a_key_is_a_uuid_of_version_eight_and_knows_its_run(prefix, kind, session, ordinal):
    key = derive(prefix, kind, session, ordinal)
    assert (key.version, key.variant) == (8, UUID(int=0x8000 << 64 | 2 << 62).variant)
    assert prefix_of(key) == prefix
    low, high = key_range(prefix)
    assert low <= key <= high


@given(st.lists(st.tuples(KINDS, SESSIONS, ORDINALS), min_size=2, max_size=2, unique=True))
def test_different_rows_have_different_keys(rows):
    one, other = (derive(5, *row) for row in rows)
    assert one != other


@given(PREFIXES, PREFIXES, KINDS, SESSIONS, ORDINALS)
def test_the_tail_of_a_key_is_the_same_in_every_run(one, other, kind, session, ordinal):
    keys = [str(derive(prefix, kind, session, ordinal)) for prefix in (one, other)]
    assert keys[0][TAIL_START - 1 :] == keys[1][TAIL_START - 1 :]
    assert keys[0][: TAIL_START - 1].replace("-", "") == f"{one:012x}"


@pytest.mark.parametrize("place", [(2**48, 0, 0), (0, 2**22, 0), (0, 0, 2**40), (-1, 0, 0), (0, -1, 0), (0, 0, -1)])
def test_a_key_does_not_overflow_into_its_neighbour(place):
    prefix, session, ordinal = place
    with pytest.raises(AssertionError):
        derive(prefix, Kind.TRADE, session, ordinal)


def test_prefixes_are_random():
    assert len({new_prefix() for _ in range(100)}) == 100


def test_keys_of_a_session_sort_as_its_rows_do():
    keys = [derive(9, Kind.TRADE, 3, ordinal) for ordinal in range(1000)]
    assert keys == sorted(keys)
    assert run_id_of(9) == derive(9, Kind.RUN, 0, 0)


@given(st.integers(-(10**30), 10**30), st.integers(0, 18))
def test_a_fixed_number_is_exact(value, places):
    text = units.fixed(value, places)
    assert int(text.replace(".", "")) == value
    assert len(text.partition(".")[2]) == places


@given(st.integers(1, 10**15), st.integers(1, 10**33), st.integers(0, 18))
def test_a_price_is_rounded_down_at_eighteen_decimals(micro_usd, quantity, decimals):
    stored = units.price(micro_usd, quantity, decimals)
    exact_numerator = micro_usd * 10 ** (decimals + 12)
    assert stored * quantity <= exact_numerator < (stored + 1) * quantity


@given(st.integers(0, 2**112), st.integers(0, 2**50), st.integers(60, 127))
def test_a_stored_value_is_the_kernels_to_the_micro_usd(quantity, price_q, shift):
    value = units.value_micro_usd(quantity, price_q, shift)
    if value < 2**64:
        hi, lo = wei.split(quantity)
        import numpy as np

        assert value == wei.mul_shift(np.uint64(hi), np.uint64(lo), np.uint64(price_q), shift)


TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
).map(lambda value: {"value": value})
ROWS = st.tuples(
    TEXTS,
    st.none() | TEXTS,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.decimals(-(10**12), 10**12, places=6),
    st.uuids(),
    st.binary(max_size=30),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 -- bounds
    JSONS,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, min_size=1, max_size=5))
def test_what_is_copied_in_is_what_comes_out(url, rows):
    from storage.committing import copy

    store = Store(url)
    with store._transaction() as connection:
        connection.exec_driver_sql(
            "CREATE TEMP TABLE copied (a text, b text, c bigint, d double precision, e boolean, f numeric, g uuid, "
            "h bytea, i timestamptz, j jsonb)"
        )
        copy(connection, "copied", "abcdefghij", encode(rows))
        found = connection.exec_driver_sql("SELECT * FROM copied").all()
        connection.exec_driver_sql("DROP TABLE copied")
    store.close()
    assert [(*row[:7], bytes(row[7]), *row[8:]) for row in found] == rows


def test_a_number_that_is_no_python_number_is_refused():
    import numpy as np

    with pytest.raises(KeyError):
        encode([(np.int64(1),)])


def test_json_that_is_none_is_refused():
    with pytest.raises(ValueError, match="JSON compliant"):
        encode([({"value": float("nan")},)])


@pytest.mark.usefixtures("finished")
def test_the_periods_of_a_session_follow_each_other_and_add_up_to_it(sql):
    gaps = sql(
        "SELECT count(*) FROM (SELECT period_start, lag(period_end) OVER (PARTITION BY session_id ORDER BY ordinal)"
        " AS before FROM paper_performance_metrics) AS periods WHERE before <> period_start"
    )
    assert gaps == [(0,)]
    unequal = sql(
        "SELECT count(*) FROM paper_trading_sessions AS sessions JOIN paper_trading_accounts AS accounts"
        " USING (account_id) JOIN (SELECT session_id, sum(total_trades) AS trades, sum(winning_trades) AS won,"
        " sum(total_pnl_usd) AS pnl, sum(gas_paid_usd) AS gas FROM paper_performance_metrics GROUP BY session_id)"
        " AS periods USING (session_id) WHERE (trades, won, gas, pnl) <> (sessions.total_trades,"
        " accounts.winning_trades, sessions.gas_paid_usd, sessions.equity_usd - accounts.initial_balance_usd)"
    )
    assert unequal == [(0,)]
