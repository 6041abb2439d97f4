"""Recordings: what the known formats are read as, and the sentence about everything else."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.recordings import Read, RecordingError, read_market
from cluster.recordings.ticks import MAX_SQRT_PRICE, MAX_TICK, MIN_SQRT_PRICE, sqrt_price_at_tick
from simulation import wei
from simulation.market.replay import Recording, ReplaySource, ratio
from simulation.market.segment import PoolInfo
from simulation.settings.gas import Gas
from simulation.settings.market import ReplayMarket

SHARED_MARKET = Path(__file__).parents[3] / "shared" / "market"

HOLD_ALL: dict[str, Any] = {"max_gap_hours": 8760}

PRICE_BARS = (
    "unix,symbol,open,close\n1700000000,BTC/USD,1,60000\n1700003600,BTC/USD,1,61000\n1700010800,BTC/USD,1,59000\n"
)
POOL_BARS = (
    "timestamp,closeTick,currentLiquidity\n"
    "2024-01-05 00:00:00,199045,12453647101533358277\n"
    "2024-01-05 00:01:00,199043.0,12453647101533358277\n"
)


def read(folder: Path, content: str | bytes, name: str = "recording.csv", **entry: Any) -> Recording:
    return read_files(folder, {name: content}, **entry).recording


def read_files(folder: Path, files: dict[str, str | bytes], market: dict[str, Any] = HOLD_ALL, **entry: Any) -> Read:
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    entries = [{"path": str(folder / name), **entry} for name in files]
    return read_market(ReplayMarket(source="replay", recordings=entries, **market))


def shared(*names: str, **market: Any) -> Read:
    for name in names:
        if not (SHARED_MARKET / name).exists():
            pytest.skip(f"needs {name} in ../shared/market beside the checkout")
    entries = [{"path": str(SHARED_MARKET / name)} for name in names]
    return read_market(ReplayMarket(source="replay", recordings=entries, **market))


def parquet(**columns: Any) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def states(recording: Recording) -> Any:
    return recording.tokens[0].pools[0].states


def sqrt_price(state: Any) -> int:
    return (int(state["sqrt_2"]) << 128) + wei.join(state["sqrt_1"], state["sqrt_0"])


def liquidity(state: Any) -> int:
    return wei.join(state["liquidity_hi"], state["liquidity_lo"])


def prices_usd(recording: Recording) -> list[float]:
    token, pool = recording.tokens[0], recording.tokens[0].pools[0]
    return (ratio(pool.states, pool.terms) * 10.0 ** (token.decimals - 6)).tolist()


def since_ms(recording: Recording) -> list[int]:
    return (recording.tokens[0].pools[0].since_ms - recording.start_ms).tolist()


def test_price_bars_become_a_pool_of_the_liquidity_given(tmp_path: Path) -> None:
    recording = read(tmp_path, PRICE_BARS, liquidity_usd=5e6, fee_bp=30)
    assert prices_usd(recording) == pytest.approx([60_000, 61_000, 59_000], rel=1e-8)
    assert states(recording)["other_lo"].tolist() == [5 * 10**12] * 3
    assert recording.tokens[0].pools[0].terms == PoolInfo("uniswap_v2", 30)


def test_a_bar_ends_one_shortest_step_after_it_opened(tmp_path: Path) -> None:
    recording = read(tmp_path, PRICE_BARS)
    assert recording.start_at == datetime.fromtimestamp(1_700_003_600, UTC)
    assert since_ms(recording) == [0, 3_600_000, 10_800_000]


@pytest.mark.parametrize(("side", "tick"), [(1, 199_045), (0, -199_045)])
def test_a_pool_stands_at_the_exact_sqrt_price_of_its_tick_on_either_side(tmp_path: Path, side: int, tick: int) -> None:
    recording = read(tmp_path, POOL_BARS.replace("199045", str(tick)).replace("199043.0", str(tick)), token_side=side)
    first = states(recording)[0]
    root, depth = sqrt_price_at_tick(tick), 12_453_647_101_533_358_277
    zero, one = (depth << 96) // root, depth * root >> 96
    assert (sqrt_price(first), liquidity(first)) == (root, depth)
    assert wei.join(first["reserve_hi"], first["reserve_lo"]) == (one if side else zero)
    assert wei.join(first["other_hi"], first["other_lo"]) == (zero if side else one)
    assert recording.tokens[0].pools[0].terms == PoolInfo("uniswap_v3", 5, token_is_zero=side == 0)
    assert prices_usd(recording)[0] == pytest.approx(1e12 * 1.0001**-199045, rel=1e-9)


def test_the_sqrt_price_at_a_tick_is_the_contracts() -> None:
    assert sqrt_price_at_tick(-MAX_TICK) == MIN_SQRT_PRICE
    assert sqrt_price_at_tick(MAX_TICK) == MAX_SQRT_PRICE
    vectors = {
        -50: 79030349367926598376800521322,
        -100: 78833030112140176575862854579,
        -250: 78244023372248365697264290337,
    }
    assert {tick: sqrt_price_at_tick(tick) for tick in vectors} == vectors


@pytest.mark.parametrize(
    ("cell", "symbol", "decimals"),
    [("BTC/USD", "WBTC", 8), ("eth-usdt", "WETH", 18), ("SOLUSDC", "SOL", 18), ("1INCH_USD", "1INCH", 18)],
)
def test_the_token_is_read_off_the_symbol_column(tmp_path: Path, cell: str, symbol: str, decimals: int) -> None:
    recording = read(tmp_path, PRICE_BARS.replace("BTC/USD", cell))
    assert (recording.tokens[0].symbol, recording.tokens[0].decimals) == (symbol, decimals)


@pytest.mark.parametrize(("name", "symbol"), [("ethusdt_1d_binance.csv", "WETH"), ("BTC_USD-Hourly.csv", "WBTC")])
def test_the_token_is_read_off_the_name_of_the_file(tmp_path: Path, name: str, symbol: str) -> None:
    assert read(tmp_path, "date,close\n2024-01-01,10\n2024-01-02,11\n", name).tokens[0].symbol == symbol


def test_the_symbol_of_the_scenario_comes_first(tmp_path: Path) -> None:
    assert read(tmp_path, PRICE_BARS, symbol="LINK").tokens[0].symbol == "LINK"


def test_a_pool_of_a_coin_that_is_known_has_its_decimals(tmp_path: Path) -> None:
    assert read(tmp_path, POOL_BARS, symbol="WBTC").tokens[0].decimals == 8


def test_columns_tell_the_tokens_of_a_pool_and_their_decimals(tmp_path: Path) -> None:
    header, *rows = POOL_BARS.replace("1990", "-1990").splitlines()
    names = "token0_symbol,token1_symbol,token0_decimals,token1_decimals"
    told = "\n".join([f"{header},{names}", *(f"{row},PEPE,USDC,9,6" for row in rows)])
    recording = read(tmp_path, told)
    assert (recording.tokens[0].symbol, recording.tokens[0].decimals) == ("PEPE", 9)
    assert recording.tokens[0].pools[0].terms.token_is_zero is True


@pytest.mark.parametrize(
    "times",
    [
        ("unix", "1700000000", "1700003600"),
        ("open_time", "1700000000000", "1700003600000"),
        ("open_time", "1700000000000000", "1700003600000000"),
        ("Date", "2023-11-14 22:13:20", "2023-11-14 23:13:20"),
        ("timestamp", "2023-11-14T22:13:20Z", "2023-11-15T00:13:20+01:00"),
    ],
)
def test_times_are_read_in_every_usual_form(tmp_path: Path, times: tuple[str, str, str]) -> None:
    column, first, second = times
    recording = read(tmp_path, f"{column},Close\n{first},10\n{second},11\n", symbol="ETH")
    assert recording.start_at == datetime.fromtimestamp(1_700_003_600, UTC)


def test_a_file_that_runs_newest_first_is_turned_round(tmp_path: Path) -> None:
    header, *rows = PRICE_BARS.splitlines()
    turned = read(tmp_path, "\n".join([header, *reversed(rows)]))
    assert prices_usd(turned) == prices_usd(read(tmp_path, PRICE_BARS))


BODY = "timestamp,close\n2024-01-01,10\n2024-01-02,{}\n"
TICKS = "timestamp,closeTick,currentLiquidity\n2024-01-01,1,1\n2024-01-02,{}\n"
REFUSED = {
    "an empty file": ("", "is empty"),
    "a header only": ("timestamp,close\n", "holds 0 bars; at least two"),
    "one bar": ("timestamp,close\n2024-01-01,10\n", "holds 1 bars; at least two"),
    "unknown columns": (
        "a,b\n1,2\n3,4\n",
        "'a, b' are of no known format; accepted are pool events with block_timestamp",
    ),
    "prices without times": ("close\n1\n2\n", "no known format"),
    "a word for a price": (BODY.format("ten"), "line 3, column close: 'ten' is not a price in USD between"),
    "a negative price": (BODY.format("-3"), "line 3, column close: '-3' is not a price"),
    "a price of zero": (BODY.format("0"), "line 3, column close: '0' is not a price"),
    "a price that is no number": (BODY.format("nan"), "'nan' is not a price"),
    "an endless price": (BODY.format("inf"), "'inf' is not a price"),
    "an empty cell": (BODY.format(""), "line 3, column close: '' is not a price"),
    "a glitch": (BODY.format("1000000"), "2024-01-02 00:00:00 has a price more than 10,000 times away"),
    "a tiny price": ("time,close\n1,1e-9\n2,1e-9\n", r"the pool holds 2e\+34 base units of WETH"),
    "a missing cell": ("timestamp,close\n2024-01-01,10\n2024-01-02\n", "line 3 has 1 cells; the header has 2"),
    "a column twice": ("timestamp,close,Close\n2024-01-01,1,1\n2024-01-02,1,1\n", "column 'close' is there twice"),
    "a word for a time": ("time,close\nsoon,1\nlater,2\n", "line 2, column time: 'soon' is not a time"),
    "a time before all": ("time,close\n0001-01-01T00:00:00+23:00,1\n2024-01-01,1\n", "is not a time"),
    "a time after all": ("time,close\n2024-01-01,1\n9999-12-31T23:59:59-23:00,1\n", "is not a time"),
    "a time without end": ("time,close\n1e300,1\n2e300,2\n", "'1e300' is not a time"),
    "years for times": (
        "date,close\n2019,1\n2020,2\n",
        "column date holds years alone, such as '2019'; a time is ISO 8601",
    ),
    "a time twice": ("time,close\n1,1\n1,2\n", "line 3: the time 1970-01-01 00:00:01 comes after 1970-01-01 00:00:01"),
    "a bar too short": (
        "time,close\n20240105,1\n20240106,1\n20240107,1\n2024-01-07 01:00:00,1\n20240108,1\n20240109,1\n",
        "two bars begin 60 minutes apart where most are 1,440",
    ),
    "disorder": ("time,close\n1,1\n5,1\n3,1\n9,1\n", "line 4: .* in a file that runs oldest first"),
    "zero liquidity": (
        TICKS.format("1,0"),
        "line 3, column currentLiquidity: '0' is not a liquidity, a whole number above zero",
    ),
    "endless liquidity": (TICKS.format("1,1e300"), "'1e300' is not a liquidity"),
    "next to no liquidity": (
        TICKS.format("199045,1").replace(",1,1", ",199045,1"),
        "the pool holds .* base units of .*; accepted are",
    ),
    "a tick out of range": (TICKS.format("900000,1"), "line 3, column closeTick: '900000' is not a tick"),
    "half a tick": (TICKS.format("1.5,1"), "'1.5' is not a tick"),
    "an image": (b"\x89PNG\r\n\x1a\n\x00\x00", "byte 0 is not UTF-8 text"),
    "text in another coding": ("timestamp,close\n2024-01-01,1\u00a0".encode("latin-1"), "is not UTF-8 text"),
    "an open quote": ('timestamp,close\n"2024-01-01,1\n2024-01-02,1\n', "is not CSV"),
    "a pair twice": (PRICE_BARS.replace("BTC/USD", "ETH/USD", 1), "column symbol has BTC/USD and ETH/USD"),
    "a pair without USD": (PRICE_BARS.replace("BTC/USD", "ETH/BTC"), "does not tell which token it records"),
}


@pytest.mark.parametrize(("content", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    with pytest.raises(RecordingError, match=sentence) as refusal:
        read(tmp_path, content, name="ethusd.csv")
    assert str(refusal.value).startswith(str(tmp_path))
    assert "\n" not in str(refusal.value)


def test_a_file_that_names_no_token_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"set symbol of this recording"):
        read(tmp_path, BODY.format("11"), name="prices.csv")


@pytest.mark.parametrize(
    ("path", "sentence"), [("none.csv", "No such file"), (".", "a folder without"), ("a\0b", "null")]
)
def test_what_is_not_a_file_is_refused(tmp_path: Path, path: str, sentence: str) -> None:
    with pytest.raises(RecordingError, match=sentence):
        read_market(ReplayMarket(source="replay", recordings=[{"path": str(tmp_path / path)}]))


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.sampled_from([b"time,close\n", b"timestamp,closeTick,currentLiquidity\n", b"unix,symbol,close\n", b""]),
    body=st.binary(max_size=40) | st.text("0123456789.eE+-,:T\n\"'/ abUSD", max_size=60).map(str.encode),
)
def test_no_content_raises_anything_else(tmp_path: Path, header: bytes, body: bytes) -> None:
    try:
        recording = read(tmp_path, header + body, name="ethusd.csv")
    except RecordingError:
        return
    assert min(prices_usd(recording)) > 0


RECORDED = {
    "univ3_mainnet_usdc_weth_005_2024-01-05.minute.csv": ("WETH", 1440, 2269.5),
    "univ3_polygon_usdc_weth_005_2023-08-13.minute.csv": ("WETH", 1440, 1840.0),
    "univ3_polygon_usdc_weth_005_2023-08-14.minute.csv": ("WETH", 1439, 1843.7),
    "univ3_polygon_usdc_weth_005_2023-08-15.minute.csv": ("WETH", 1440, 1827.0),
    "univ3_polygon_usdc_weth_005_2023-08-16.minute.csv": ("WETH", 1440, 1806.5),
    "univ3_polygon_usdc_weth_005_2023-08-17.minute.csv": ("WETH", 1440, 1683.7),
    "btcusd_1h_bitstamp_2018_2022.csv": ("WBTC", 33_259, 43_312.27),
    "btcusdt_1d_binance.csv": ("WBTC", 2142, 30_375.08),
    "ethusdt_1d_binance.csv": ("WETH", 2136, 1909.41),
    "solusdt_1d_binance.csv": ("SOL", 1046, 17.39),
    "fetusdt_1d_binance.csv": ("FET", 1576, 0.2495),
}


@pytest.mark.parametrize("name", RECORDED)
def test_real_recordings_are_replayed_to_their_last_bar(name: str) -> None:
    symbol, n_bars, last_usd = RECORDED[name]
    recording = shared(name).recording
    source = ReplaySource(recording, Gas(), 1, 12_000)
    assert (recording.tokens[0].symbol, len(states(recording))) == (symbol, n_bars)
    _, (mids, _, _) = source.advance(source.begin(), source.n_blocks - 20, 20)
    assert source.tokens[0].price_usd(int(mids["price_q"][-1, 0])) == pytest.approx(last_usd, rel=1e-4)


EVENTS = "univ3_mainnet_usdc_weth_005_2024-01-05.events.csv"


def test_the_recorded_mainnet_day_is_shown_block_by_block() -> None:
    source = ReplaySource(shared(EVENTS).recording, Gas(), 1, 12_000)
    pools = source.advance(source.begin(), 0, source.n_blocks)[1].pools[:, 0]
    shown = 0
    with (SHARED_MARKET / EVENTS).open() as file:
        after = {row["block_timestamp"]: row for row in csv.DictReader(file)}
    for time, row in after.items():
        block, rest = divmod((datetime.fromisoformat(time) - datetime.fromisoformat("2024-01-05 00:00:23")).seconds, 12)
        assert rest == 0
        if row["tx_type"] == "SWAP":
            assert (sqrt_price(pools[block]), liquidity(pools[block])) == (
                int(row["sqrtPriceX96"]),
                int(row["total_liquidity"]),
            )
            shown += 1
    assert shown > 2500


def test_five_recorded_days_are_stitched_with_one_minute_held() -> None:
    read = shared(*(name for name in RECORDED if "polygon" in name), gaps="hold")
    assert len(states(read.recording)) == 5 * 1440 - 1
    assert read.repairs == ("WETH: 1 gap held, the longest of 1 min until 2023-08-14 00:01:00 (at most 24 h are)",)


def test_a_missing_minute_is_refused_where_none_may_be() -> None:
    with pytest.raises(
        RecordingError, match=r"2023-08-14.*nothing is recorded for 1 minutes up to 2023-08-14 00:01:00"
    ):
        shared(*(name for name in RECORDED if "polygon" in name), gaps="refuse")


def test_prices_of_several_tokens_are_played_over_the_time_that_all_cover() -> None:
    read = shared("btcusd_1h_bitstamp_2018_2022.csv", "ethusdt_1d_binance.csv", "solusdt_1d_binance.csv")
    assert [token.symbol for token in read.recording.tokens] == ["WBTC", "WETH", "SOL"]
    assert read.repairs == (
        "btcusd_1h_bitstamp_2018_2022.csv runs newest first and was turned round",
        "not all files cover the same time: played from 2020-08-12 00:00:00 to 2022-03-01 01:00:00",
    )


EVENT_HEADER = "block_timestamp,tx_type,sqrtPriceX96,total_liquidity,current_tick,tick_lower,tick_upper,liquidity,block_number,log_index\n"
SQRT = 1662995104975155420368771254341874


def event(kind: str, second: int, depth: int, span: str = ",,", log: int = 1) -> str:
    return f"2024-01-05 00:00:{second:02},{kind},{SQRT},{depth},199045,{span},{second},{log}\n"


def test_a_position_changes_the_liquidity_where_the_tick_is_inside_it(tmp_path: Path) -> None:
    depth = 12 * 10**18
    text = EVENT_HEADER + event("MINT", 1, 5, "0,9,7") + event("SWAP", 2, depth) + event("SWAP", 2, depth, log=2)
    text += event("MINT", 3, 0, "199045,199050,1000") + event("BURN", 4, 0, "199000,199045,500")
    text += event("BURN", 5, 0, "199040,199050,200") + event("COLLECT", 6, 0)
    recording = read(tmp_path, text)
    assert since_ms(recording) == [0, 1000, 2000, 3000, 4000]
    assert [liquidity(state) - depth for state in states(recording)] == [0, 1000, 1000, 800, 800]


EVENTS_REFUSED = {
    "zero liquidity": (event("SWAP", 1, 0), "line 2, column total_liquidity: '0' is not a liquidity"),
    "no swap": (event("MINT", 1, 5, "1,2,3"), "holds 1 events and no SWAP"),
    "disorder": (event("SWAP", 2, 9**20) + event("SWAP", 1, 9**20) + event("SWAP", 3, 9**20), "line 3: the event of"),
    "an event twice": (event("SWAP", 2, 9**20) * 2, "line 3: the event of"),
    "an unknown kind": (event("FLASH", 2, 9**20), "line 2, column tx_type: 'FLASH' is not one of SWAP"),
    "a burn of all": (event("SWAP", 1, 9**20) + event("BURN", 2, 0, f"0,887000,{9**20}"), "line 3: leaves the pool"),
}


@pytest.mark.parametrize(("rows", "sentence"), EVENTS_REFUSED.values(), ids=EVENTS_REFUSED)
def test_bad_events_are_refused(tmp_path: Path, rows: str, sentence: str) -> None:
    with pytest.raises(RecordingError, match=sentence):
        read(tmp_path, EVENT_HEADER + rows)


def test_parquet_is_read_like_csv(tmp_path: Path) -> None:
    times = [datetime(2024, 1, 5, 0, minute, tzinfo=UTC) for minute in (0, 1)]
    content = parquet(timestamp=times, closeTick=[199045, 199043], currentLiquidity=["12453647101533358277"] * 2)
    assert states(read(tmp_path, content, "a.parquet")).tobytes() == states(read(tmp_path, POOL_BARS)).tobytes()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"time,close\n1,2\n", "is not Parquet, whose files begin with PAR1"),
        (b"PAR1 and no more", "is not Parquet that can be read"),
        (parquet(time=[1, 2], close=[1.0, -2.0]), "row 2, column close: '-2.0' is not a price"),
        (parquet(time=[1, 2], close=[[1.0], [2.0]]), "column close holds List"),
    ],
)
def test_bad_parquet_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(RecordingError, match=sentence):
        read(tmp_path, content, "ethusd.parquet")


DAYS = "time,close\n2024-01-0{},10\n2024-01-0{},11\n"
MARKETS_REFUSED: dict[str, tuple[dict[str, str | bytes], dict[str, Any], dict[str, Any], str]] = {
    "no time in common": ({"eth_usd.csv": DAYS.format(1, 2), "sol_usd.csv": DAYS.format(5, 6)}, {}, {}, "don't overlap in time: WETH"),
    "overlapping files": ({"eth_usd.csv": DAYS.format(1, 3), "ethusd.csv": DAYS.format(2, 3)}, {}, {}, "begins at .* before eth_usd.csv"),
    "a long gap": ({"eth_usd.csv": DAYS.format(1, 2), "ethusd.csv": DAYS.format(8, 9)}, {"max_gap_hours": 72}, {}, "for 7,200 minutes up to 2024-01-08 00:00:00; accepted are up to 72 hours"),
    "an unknown hub": ({"eth_usd.csv": DAYS.format(1, 2)}, {}, {"against": "DOGE"}, "WETH is traded against DOGE, which is neither"),
    "no decimals": ({"pool.csv": POOL_BARS}, {}, {"symbol": "PEPE"}, "does not tell how many decimals PEPE has; set decimals"),
    "no tier": ({"pool.csv": POOL_BARS}, {}, {"fee_bp": 7}, "fee_bp 7 is no tier of uniswap_v3"),
    "another venue": ({"pool.csv": POOL_BARS}, {}, {"venue": "sushiswap"}, "its venue is uniswap_v3, not sushiswap"),
    "prices on V3": ({"eth_usd.csv": DAYS.format(1, 2)}, {}, {"venue": "uniswap_v3"}, "can't be uniswap_v3"),
    "the wrong side": ({"pool.csv": POOL_BARS}, {}, {"token_side": 0}, r"WETH begins at a price of 4.4\de\+20 USD; .*token_side"),
    "another file": ({"eth_usd.csv": DAYS.format(1, 2)}, {}, {"sha256": "0" * 64}, "it is another recording"),
    "a far price": ({"eth_usd.csv": "time,close\n1,1\n2,90\n"}, {"repeat": 5}, {}, "played 5 times; repeat it less"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "market", "entry", "sentence"), MARKETS_REFUSED.values(), ids=MARKETS_REFUSED)
def test_a_bad_market_is_refused_in_one_sentence(
    tmp_path: Path, files: dict[str, str | bytes], market: dict[str, Any], entry: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RecordingError, match=sentence):
        read_files(tmp_path, files, market, **entry)


def test_a_folder_is_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a recording")
    read_files(tmp_path, {"eth_usd.csv": DAYS.format(1, 2), "sol_usd.csv": DAYS.format(1, 2)})
    market = read_market(ReplayMarket(source="replay", recordings=[{"path": str(tmp_path)}])).market
    assert [Path(entry.path).name for entry in market.recordings] == ["eth_usd.csv", "sol_usd.csv"]
    assert all(entry.sha256 for entry in market.recordings)


@pytest.mark.parametrize(("name", "scale"), [("base_fee_gwei", 1), ("baseFeePerGas", 10**9)])
def test_recorded_base_fees_are_read_in_either_unit(tmp_path: Path, name: str, scale: int) -> None:
    gas = tmp_path / "gas.csv"
    gas.write_text(f"timestamp,{name}\n2024-01-02,{9 * scale}\n2024-01-03,{7 * scale}\n")
    read = read_files(tmp_path, {"eth_usd.csv": DAYS.format(1, 2)}, {"gas_path": str(gas)})
    assert read.recording.fees is not None
    assert read.recording.fees.base_fee_wei.tolist() == [9 * 10**9, 7 * 10**9]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("time,price\n1,1\n", "hold no base fees; accepted are"),
        ("time,base_fee_wei\n", "holds no base fee"),
        ("time,base_fee_wei\n1,-1\n", "line 2, column base_fee_wei: '-1' is not a base fee"),
        ("time,base_fee_wei\n1,1\n1,2\n", "times must be all different"),
        ("time,base_fee_wei\n1,1\n2,2\n", r"don't overlap in time: gas \(gas.csv\)"),
    ],
)
def test_bad_base_fees_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "gas.csv").write_text(text)
    with pytest.raises(RecordingError, match=sentence):
        read_files(tmp_path, {"eth_usd.csv": DAYS.format(1, 2)}, {"gas_path": str(tmp_path / "gas.csv")})
