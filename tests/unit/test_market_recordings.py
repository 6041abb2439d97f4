"""Recordings: what the known formats are read as, and the sentence about everything else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.recordings import RecordingError, read_recording
from simulation.market.replay import Recording, ReplaySource
from simulation.scenario import ReplayMarket
from simulation.settings.gas import Gas

SHARED_MARKET = Path(__file__).parents[3] / "shared" / "market"

PRICE_BARS = (
    "unix,symbol,open,close\n1700000000,BTC/USD,1,60000\n1700003600,BTC/USD,1,61000\n1700010800,BTC/USD,1,59000\n"
)
POOL_BARS = (
    "timestamp,closeTick,currentLiquidity\n"
    "2024-01-05 00:00:00,199045,12453647101533358277\n"
    "2024-01-05 00:01:00,199043.0,12453647101533358277\n"
)


def read(folder: Path, content: str | bytes, name: str = "recording.csv", **market: object) -> Recording:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_recording(path, ReplayMarket(source="replay", path=str(path), **market))


def prices_usd(recording: Recording) -> list[float]:
    token = ReplaySource(recording, Gas(), 1, 12_000).tokens[0]
    return [token.price_usd(int(price_q)) for price_q in recording.mids()["price_q"]]


def test_price_bars_become_a_pool_of_the_liquidity_given(tmp_path: Path) -> None:
    recording = read(tmp_path, PRICE_BARS, liquidity_usd=5e6, fee_bp=30)
    assert prices_usd(recording) == pytest.approx([60_000, 61_000, 59_000], rel=1e-8)
    assert recording.reserve_micro_usd.tolist() == [5 * 10**12] * 3
    assert recording.fee_bp == 30


def test_a_bar_ends_one_shortest_step_after_it_opened(tmp_path: Path) -> None:
    recording = read(tmp_path, PRICE_BARS)
    assert recording.start_at == datetime.fromtimestamp(1_700_003_600, UTC)
    assert recording.close_ms.tolist() == [0, 3_600_000, 10_800_000]


def test_a_pool_is_read_with_the_virtual_reserves_of_its_range(tmp_path: Path) -> None:
    recording = read(tmp_path, POOL_BARS)
    assert (recording.symbol, recording.decimals) == ("WETH", 18)
    assert prices_usd(recording) == pytest.approx([1e12 * 1.0001**-199045, 1e12 * 1.0001**-199043], rel=1e-12)
    product = float(recording.reserve_micro_usd[0]) * (float(recording.reserve_hi[0]) * 2.0**64)
    assert product == pytest.approx(12453647101533358277.0**2, rel=1e-3)


@pytest.mark.parametrize(
    ("cell", "symbol", "decimals"),
    [("BTC/USD", "WBTC", 8), ("eth-usdt", "WETH", 18), ("SOLUSDC", "SOL", 18), ("1INCH_USD", "1INCH", 18)],
)
def test_the_token_is_read_off_the_symbol_column(tmp_path: Path, cell: str, symbol: str, decimals: int) -> None:
    recording = read(tmp_path, PRICE_BARS.replace("BTC/USD", cell))
    assert (recording.symbol, recording.decimals) == (symbol, decimals)


@pytest.mark.parametrize(("name", "symbol"), [("ethusdt_1d_binance.csv", "WETH"), ("BTC_USD-Hourly.csv", "WBTC")])
def test_the_token_is_read_off_the_name_of_the_file(tmp_path: Path, name: str, symbol: str) -> None:
    assert read(tmp_path, "date,close\n2024-01-01,10\n2024-01-02,11\n", name).symbol == symbol


def test_the_symbol_of_the_scenario_comes_first(tmp_path: Path) -> None:
    assert read(tmp_path, PRICE_BARS, symbol="LINK").symbol == "LINK"


def test_a_pool_keeps_its_decimals_under_another_symbol(tmp_path: Path) -> None:
    recording = read(tmp_path, POOL_BARS, symbol="WBTC")
    assert (recording.symbol, recording.decimals) == ("WBTC", 18)


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
    "unknown columns": ("a,b\n1,2\n3,4\n", "'a, b' are of no known format; accepted are pool bars with timestamp"),
    "prices without times": ("close\n1\n2\n", "no known format"),
    "a word for a price": (BODY.format("ten"), "line 3, column close: 'ten' is not a price in USD between"),
    "a negative price": (BODY.format("-3"), "line 3, column close: '-3' is not a price"),
    "a price of zero": (BODY.format("0"), "line 3, column close: '0' is not a price"),
    "a price that is no number": (BODY.format("nan"), "'nan' is not a price"),
    "an endless price": (BODY.format("inf"), "'inf' is not a price"),
    "an empty cell": (BODY.format(""), "line 3, column close: '' is not a price"),
    "a glitch": (BODY.format("1000000"), "2024-01-02 00:00:00 has a price more than 10,000 times away"),
    "a tiny price": ("time,close\n1,1e-9\n2,1e-9\n", r"has 2e\+34 base units of the token"),
    "a missing cell": ("timestamp,close\n2024-01-01,10\n2024-01-02\n", "line 3 has 1 cells; the header has 2"),
    "a column twice": ("timestamp,close,Close\n2024-01-01,1,1\n2024-01-02,1,1\n", "column 'close' is there twice"),
    "a word for a time": ("time,close\nsoon,1\nlater,2\n", "line 2, column time: 'soon' is not a time"),
    "a time before all": ("time,close\n0001-01-01T00:00:00+23:00,1\n2024-01-01,1\n", "is not a time"),
    "a time after all": ("time,close\n2024-01-01,1\n9999-12-31T23:59:59-23:00,1\n", "is not a time"),
    "a time without end": ("time,close\n1e300,1\n2e300,2\n", "'1e300' is not a time"),
    "a time twice": ("time,close\n1,1\n1,2\n", "line 3: the time 1970-01-01 00:00:01 comes after 1970-01-01 00:00:01"),
    "disorder": ("time,close\n1,1\n5,1\n3,1\n9,1\n", "line 4: .* in a file that runs oldest first"),
    "zero liquidity": (TICKS.format("1,0"), "line 3, column currentLiquidity: '0' is not a liquidity above zero"),
    "endless liquidity": (TICKS.format("1,1e300"), "'1e300' is not a liquidity"),
    "next to no liquidity": (TICKS.format("1,1"), "has .* in the pool; accepted are"),
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
    with pytest.raises(RecordingError, match=r"set market\.symbol"):
        read(tmp_path, BODY.format("11"), name="prices.csv")


@pytest.mark.parametrize(("path", "sentence"), [("none.csv", "No such file"), (".", "not a file"), ("a\0b", "null")])
def test_what_is_not_a_file_is_refused(tmp_path: Path, path: str, sentence: str) -> None:
    with pytest.raises(RecordingError, match=sentence):
        read_recording(tmp_path / path, ReplayMarket(source="replay", path=path))


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
    assert recording.mids()["price_q"].min() > 0


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
    path = SHARED_MARKET / name
    if not path.exists():
        pytest.skip(f"needs {name} in ../shared/market beside the checkout")
    symbol, n_bars, last_usd = RECORDED[name]
    recording = read_recording(path, ReplayMarket(source="replay", path=str(path)))
    source = ReplaySource(recording, Gas(), 1, 12_000)
    assert (recording.symbol, len(recording.close_ms)) == (symbol, n_bars)
    _, (mids, _, _) = source.advance(source.begin(), source.n_blocks - 20, 20)
    assert source.tokens[0].price_usd(int(mids["price_q"][-1, 0])) == pytest.approx(last_usd, rel=1e-4)
    assert np.diff(recording.close_ms).min() > 0
