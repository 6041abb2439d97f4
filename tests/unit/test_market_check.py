"""`paperdex market check`: its table of checks, the series of both sides, what it prints and how it ends."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from repository import ROOT

from cluster import market_check
from cluster.recorded_series import SOURCES, read_folder
from cluster.scenarios import Overrides, load
from simulation.market import sampling
from simulation.market.realism import CHECKS, MODEL, OWN, Band, Check, measure, spread
from simulation.market.synthetic import SyntheticSource
from simulation.settings.market import SyntheticMarket

if TYPE_CHECKING:
    from pathlib import Path

DAYS = 90


@pytest.fixture(scope="module")
def scenario():
    return load(None, Overrides())


@pytest.fixture(scope="module", autouse=True)
def short_spans():
    """Measure shorter spans than a user does, and as many series."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "MINUTE_DAYS", 3)
        patch.setattr(sampling, "WATCHED_BLOCKS", 3000)
        patch.setattr(sampling, "TRACKED_BLOCKS", 1500)
        patch.setattr(sampling, "FEE_BLOCKS", 3000)
        yield


@pytest.fixture(scope="module")
def series(scenario):
    return sampling.series_of(scenario.market, scenario.gas, 1, DAYS)


def write(folder: Path, name: str, header: str, rows: list[str]) -> None:
    (folder / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    """A folder with one small recording of each kind."""
    folder = tmp_path / "recorded"
    folder.mkdir()
    closes = 100.0 * np.exp(np.cumsum(0.01 * np.random.default_rng(1).standard_normal(2200)))
    write(folder, "btcusd_1h_x.csv", "unix,close", [f"{3600 * at},{close}" for at, close in enumerate(closes)][::-1])
    days = [f"{86_400_000 * at},{close}" for at, close in enumerate(closes[:200])]
    write(folder, "ethusdt_1d_x.csv", "open_time,close", days)
    write(folder, "btcusdt_1d_x.csv", "open_time,close", days[50:])
    write(folder, "solusdt_1d_x.csv", "open_time,close", days)
    for name, factor in (("a", 1), ("b", 2)):
        rows = [f"2024-01-05 00:{at:02}:00,{factor * (at % 7)}.0" for at in range(60)]
        write(folder, f"univ3_{name}_usdc_weth_005_2024.minute.csv", "timestamp,closeTick", rows)
    events = [f"{13 + at},SWAP,1,{2**97 + 2**80 * (at % 5)}" for at in range(300)]
    events += [f"10,SWAP,2,{2**96}", f"10,SWAP,1,{2**95}", "11,MINT,1,"]
    header = "block_number,tx_type,log_index,sqrtPriceX96"
    write(folder, "univ3_mainnet_usdc_weth_005_2024.events.csv", header, events)
    return folder


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_has_a_band_with_a_source_and_its_recorded_value_has_one_too(check) -> None:
    assert check.band.low <= check.band.high
    assert check.band.source in {MODEL, OWN}
    assert math.isnan(check.recorded.low) or (check.recorded.low <= check.recorded.high and check.recorded.source)


def test_no_two_checks_share_a_name() -> None:
    assert len({(check.group, check.name) for check in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize("check", [check for check in CHECKS if check.band.source == OWN], ids=lambda c: c.name)
def test_a_band_drawn_around_recorded_values_holds_them(check) -> None:
    if not math.isnan(check.recorded.low):
        assert check.band.holds(check.recorded.low)
        assert check.band.holds(check.recorded.high)


def test_a_band_holds_its_ends_and_nothing_that_is_no_number() -> None:
    band = Band(1.0, 2.0)
    assert [band.holds(value) for value in (0.99, 1.0, 2.0, 2.01, math.nan)] == [False, True, True, False, False]


def test_a_synthetic_market_offers_every_series_that_is_checked(series) -> None:
    assert {check.series for check in CHECKS} == set(series)


def test_every_recorded_series_is_one_that_is_checked() -> None:
    assert {source.series for source in SOURCES} <= {check.series for check in CHECKS}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_every_check_measures_a_number_on_a_synthetic_market(check, series) -> None:
    assert math.isfinite(check.measure(series[check.series]))


def test_hours_days_and_minutes_are_as_many_as_were_asked_for(series) -> None:
    assert len(series["major 1 h"]) == DAYS * 24
    assert len(series["major 1 d"]) == DAYS
    assert len(series["major 1 min"]) == 3 * 1440
    assert len(series["base fee"]) == 3000
    assert len(series["major track"]) == 1500
    assert len(series["pool days"]) == 3000


def test_a_walk_knows_the_variance_of_each_block_but_those_of_a_jump(scenario) -> None:
    market, _ = sampling.cast(scenario.market)
    walk = sampling.walk(SyntheticSource(market, scenario.gas, 1, 12_000), ((20_000, 1),))
    returns, variance = np.diff(walk.reference, axis=0), walk.variance[1:]
    assert 0 < np.isnan(variance).sum() < 0.02 * variance.size
    assert np.nanmean(returns**2 / variance, axis=0) == pytest.approx(np.ones(5), abs=0.05)
    assert (returns[np.isnan(variance)] ** 2).mean() > 2 * (returns[np.isfinite(variance)] ** 2).mean()


def test_samples_of_different_steps_join_without_a_gap(scenario) -> None:
    market, _ = sampling.cast(scenario.market)
    source = SyntheticSource(market, scenario.gas, 1, 12_000)
    single = sampling.walk(source, ((40, 1),))
    mixed = sampling.walk(source, ((10, 1), (6, 5)))
    assert np.array_equal(mixed.reference, single.reference[[*range(10), *range(14, 40, 5)]])
    assert np.array_equal(mixed.base_fee_wei, single.base_fee_wei)


def test_the_tokens_that_stand_for_their_classes_are_the_first_ones(scenario) -> None:
    market, cast = sampling.cast(scenario.market)
    classes = [market.tokens[at].token_class for at in (*cast.majors, cast.mid, *cast.memes)]
    assert classes == ["major", "major", "mid", "meme", "meme"]
    chosen = [token.symbol for token in market.tokens]
    assert [token.symbol for token in scenario.market.tokens if token.symbol in chosen] == chosen


def test_a_market_without_a_class_that_is_checked_is_refused(scenario) -> None:
    majors = SyntheticMarket(tokens=scenario.market.tokens[:2])
    with pytest.raises(ValueError, match="1 of class mid; this one has 0"):
        sampling.cast(majors)


def test_a_spread_is_the_median_and_the_ends_of_what_the_samples_measure() -> None:
    check = next(check for check in CHECKS if check.series == "distances")
    found = spread([measure(check, np.array(sample)) for sample in ([0.5], [-0.9], [0.6, 0.1])])
    assert (found.median, found.low, found.high) == (0.6, 0.5, 0.9)


def test_recorded_hours_are_read_oldest_first(folder) -> None:
    found = read_folder(folder)
    assert np.array_equal(found["major 1 h"].arrays[0][:200], found["major 1 d"].arrays[0])


def test_two_coins_are_compared_on_the_days_that_both_have(folder) -> None:
    both = read_folder(folder)["major, major 1 d"].arrays[0]
    assert both.shape == (150, 2)
    assert np.array_equal(both[:, 0], both[:, 1])


def test_each_minute_file_of_a_pool_is_a_sample_whose_price_falls_as_the_tick_rises(folder) -> None:
    samples = read_folder(folder)["pool 1 min"]
    assert [array[:3].tolist() for array in samples.arrays] == [[0.0, -1.0, -2.0], [0.0, -2.0, -4.0]]
    assert len(samples.files) == 2


def test_a_block_without_a_swap_keeps_the_price_of_the_last_swap(folder) -> None:
    blocks = read_folder(folder)["pool 1 block"].arrays[0]
    assert blocks[:4] == pytest.approx([0.0, 0.0, 0.0, -2.0 * math.log(2.0)])


@pytest.fixture
def measured(monkeypatch, series):
    """Let the command measure the series that are there."""
    monkeypatch.setattr(market_check, "simulate", lambda seeds, _days: [series for _ in seeds])


@pytest.fixture
def forgiving(monkeypatch):
    """Give every check a band that anything lies in."""
    wide = tuple(
        type(c)(c.group, c.name, c.unit, c.series, c.measure, Band(-math.inf, math.inf), c.recorded) for c in CHECKS
    )
    monkeypatch.setattr(market_check, "CHECKS", wide)


@pytest.mark.usefixtures("measured", "forgiving")
def test_the_status_is_0_when_every_check_holds(paperdex) -> None:
    status, stdout, _ = paperdex("market", "check")
    assert status == 0
    assert f"{len(CHECKS)} of {len(CHECKS)} hold." in stdout


@pytest.mark.usefixtures("measured")
def test_the_status_is_1_when_a_check_fails(paperdex, monkeypatch) -> None:
    first = CHECKS[0]
    never = type(first)(first.group, first.name, "", first.series, first.measure, Band(-2.0, -1.0), first.recorded)
    monkeypatch.setattr(market_check, "CHECKS", (never,))
    status, stdout, _ = paperdex("market", "check")
    assert status == 1
    assert "FAILS" in stdout
    assert "0 of 1 hold, 1 fail." in stdout


def season(band: Band) -> Check:
    """Return a check that takes a year."""
    first = CHECKS[0]
    return Check(first.group, first.name, "", first.series, first.measure, band, first.recorded, least_days=365)


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("days", ["90", "364"])
def test_a_check_that_takes_more_days_says_so_and_does_not_fail(paperdex, monkeypatch, days) -> None:
    monkeypatch.setattr(market_check, "CHECKS", (season(Band(-2.0, -1.0)),))
    status, stdout, _ = paperdex("market", "check", "--days", days)
    assert status == 0
    assert "needs 365 d" in stdout
    assert "0 of 1 hold, 1 need more days than these; --days 365 is enough." in stdout


@pytest.mark.usefixtures("measured")
def test_a_check_that_has_the_days_it_takes_is_judged(paperdex, monkeypatch) -> None:
    monkeypatch.setattr(market_check, "CHECKS", (season(Band(-2.0, -1.0)),))
    status, stdout, _ = paperdex("market", "check", "--days", "365")
    assert status == 1
    assert "0 of 1 hold, 1 fail." in stdout


@pytest.mark.usefixtures("measured")
def test_json_tells_a_check_that_takes_more_days_from_one_that_fails(paperdex, monkeypatch) -> None:
    monkeypatch.setattr(market_check, "CHECKS", (season(Band(-2.0, -1.0)),))
    (short,), (judged,) = (
        json.loads(paperdex("market", "check", "--json", "--days", days)[1])["checks"] for days in ("90", "365")
    )
    assert (short["holds"], short["needs_days"]) == (None, 365)
    assert (judged["holds"], judged["needs_days"]) == (False, None)


@pytest.mark.usefixtures("measured")
def test_the_table_has_a_line_for_every_check_and_fits_a_pipe(paperdex) -> None:
    _, stdout, _ = paperdex("market", "check")
    lines = [line.rstrip() for line in stdout.splitlines() if line.rstrip().endswith(("holds", "FAILS"))]
    assert len(lines) == len(CHECKS)
    assert max(map(len, lines)) <= 120
    assert "…" not in stdout


@pytest.mark.parametrize(
    ("value", "shown"),
    [(-0.0004, "0"), (0.0126, "0.013"), (1.125, "1.125"), (4.2, "4.2"), (45.46, "45.5"), (357.4, "357"), (100.0, "100"), (math.nan, "nan")],
)  # fmt: skip
def test_a_number_is_shown_with_the_decimals_that_say_something(value, shown) -> None:
    assert market_check.number(value) == shown


def test_the_page_shows_every_check() -> None:
    page = (ROOT / "docs" / "market" / "realism.md").read_text(encoding="utf-8")
    assert [check.name for check in CHECKS if f"{check.name}, " not in page and f"{check.name} " not in page] == []


@pytest.mark.usefixtures("measured", "forgiving")
def test_what_was_recomputed_is_marked(paperdex, folder) -> None:
    _, stdout, _ = paperdex("market", "check", "--recordings", str(folder))
    marked = [
        line for line in stdout.splitlines() if line.startswith("major: daily volatility") and "* btcusd_1h" in line
    ]
    assert len(marked) == 1
    assert f"* measured just now on {folder}" in stdout


@pytest.mark.usefixtures("measured", "forgiving")
def test_json_has_every_number_of_the_table(paperdex, folder) -> None:
    _, stdout, _ = paperdex("market", "check", "--seeds", "4", "--recordings", str(folder), "--json")
    found = json.loads(stdout)
    assert (found["seeds"], found["days"], found["holds"], len(found["checks"])) == (4, 730, True, len(CHECKS))
    recomputed = {check["series"] for check in found["checks"] if check["recorded"]["recomputed"]}
    assert recomputed == {source.series for source in SOURCES}
    assert found["checks"][0]["band"] == {"low": None, "high": None, "source": MODEL}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds", "0"], "'--seeds': Input should be greater than or equal to 4, not '0'."),
        (["--seeds", "many"], "'--seeds': Input should be a valid integer"),
        (["--days", "89"], "'--days': Input should be greater than or equal to 90, not '89'."),
        (["--recordings", "nowhere"], "--recordings nowhere is not a folder; name one that holds recorded markets."),
        (["--recordings", "."], "--recordings . holds no recording that is known; looked for btcusd_1h_*.csv"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(paperdex, arguments, said) -> None:
    status, stdout, stderr = paperdex("market", "check", *arguments)
    assert (status, stdout) == (2, "")
    assert stderr.count("\n") == 1
    assert said in stderr


DAYS_RECORDED = [f"{86_400_000 * at},{100 + at % 3}" for at in range(90)]
MINTS = [f"{at},MINT,1," for at in range(300)]


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        ("btcusd_1h_x.csv", ["time,price", "1,2"], "is no CSV with unix, close"),
        ("btcusd_1h_x.csv", [], "is no CSV with unix, close"),
        ("btcusd_1h_x.csv", ["unix,close", "1,2"], "holds 1 rows; at least 2,160 are needed"),
        ("ethusdt_1d_x.csv", ["open_time,close", *DAYS_RECORDED, "9,high"], "holds something else than numbers"),
        ("ethusdt_1d_x.csv", ["open_time,close", *DAYS_RECORDED, "9,"], "has an empty or infinite cell among open_time, close"),
        ("ethusdt_1d_x.csv", ["open_time,close", *DAYS_RECORDED, "9,inf"], "has an empty or infinite cell among"),
        ("ethusdt_1d_x.csv", ["open_time,close", *DAYS_RECORDED, "9,-2"], "has a price that is not above zero"),
        ("ethusdt_1d_x.csv", ["open_time,close", *DAYS_RECORDED[::3] * 3], "has a price that never moves"),
        ("univ3_mainnet_usdc_weth_005_x.events.csv", ["block_number,tx_type,log_index,sqrtPriceX96", *MINTS], "holds no swap"),
    ],
    ids=lambda part: part[-1][:12] if isinstance(part, list) and part else None,
)  # fmt: skip
def test_a_recording_that_cannot_be_measured_is_one_line_and_status_2(paperdex, tmp_path, name, rows, said) -> None:
    (tmp_path / name).write_text("\n".join(rows), encoding="utf-8")
    status, stdout, stderr = paperdex("market", "check", "--recordings", ".")
    assert (status, stdout) == (2, "")
    assert stderr.count("\n") == 1
    assert said in stderr


def test_two_coins_that_share_no_days_are_not_compared(paperdex, folder) -> None:
    write(folder, "btcusdt_1d_x.csv", "open_time,close", [f"{at},{1 + at}" for at in range(1, 91)])
    status, _, stderr = paperdex("market", "check", "--recordings", str(folder))
    assert status == 2
    assert "have 0 days in common; at least 90 are needed" in stderr
