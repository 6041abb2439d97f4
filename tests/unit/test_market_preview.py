"""The preview of a market: what is kept of it, how much of that, and the page that shows it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest
from busy import busy_scenario
from hypothesis import given
from hypothesis import strategies as st

from cluster.market_moves import Moves
from cluster.market_page import render
from cluster.market_preview import chunks, class_volatility_percent, preview
from cluster.market_series import BINS_MAX, Extremes, Grid, Means
from cluster.plan import plan_of
from cluster.scenarios import Overrides, load
from simulation.settings.market import Regime, TokenClass

PRICE_BARS = "".join(f"{1_700_000_000 + 3_600 * hour},BTC/USD,1,{60_000 + 100 * hour}\n" for hour in range(48))


@cache
def seen(blocks=1_200, length=None, **changes):
    plan = plan_of(busy_scenario(blocks=blocks, **changes), None)
    whole, rest = divmod(blocks, length or blocks)
    return preview(plan, [length or blocks] * whole + [rest] * (rest > 0))


def charts(page):
    return json.loads(re.search(r'id="charts">(.*?)</script>', page).group(1))


def text(page):
    return re.sub(r"<(style|script).*?</\1>|<[^>]+>", "", page, flags=re.DOTALL)


# Bins.


@given(st.integers(1, 10**8))
def test_a_market_of_any_length_fits_into_the_bins(blocks):
    grid = Grid(blocks)
    assert grid.bins <= BINS_MAX
    assert (grid.bins - 1) * grid.bin_blocks < blocks <= grid.bins * grid.bin_blocks


def test_a_bin_keeps_its_lowest_and_its_highest_value_in_the_order_they_came():
    grid = Grid(4 * BINS_MAX)
    series = Extremes(grid, 1)
    values = np.tile([5.0, 1.0, 9.0, 6.0], BINS_MAX)
    values[4:8] = [5.0, 9.0, 1.0, 6.0]
    series.add(0, values[:, np.newaxis])
    line = series.line(0)
    assert line.values[:6] == (1.0, 9.0, 9.0, 1.0, 1.0, 9.0)
    assert (line.first_block, line.step_blocks, len(line.values)) == (1.0, 2.0, 2 * BINS_MAX)
    assert series.bounds(0) == (1.0, 9.0)


def test_a_short_series_is_kept_as_it_is():
    series = Extremes(Grid(3), 1)
    series.add(0, np.array([[3.0], [1.0], [2.0]]))
    assert series.line(0).values == (3.0, 1.0, 2.0)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=8))
def test_bins_do_not_depend_on_how_a_series_is_cut(lengths):
    values = np.random.default_rng(1).normal(size=(sum(lengths), 2))
    grid = Grid(len(values))
    whole, cut = (Extremes(grid, 2), Means(grid, 2)), (Extremes(grid, 2), Means(grid, 2))
    for series in whole:
        series.add(0, values)
    first = 0
    for length in lengths:
        for series in cut:
            series.add(first, values[first : first + length])
        first += length
    assert [series.line(1) for series in cut] == [series.line(1) for series in whole]


# Moves.


def moves_of(prices, block_time_ms=60_000, length=None):
    moves = Moves(Grid(len(prices)), block_time_ms, prices.shape[1])
    for first in range(0, len(prices), length or len(prices)):
        moves.add(first, prices[first : first + (length or len(prices))])
    return moves


def test_a_price_that_rises_steadily_has_the_volatility_of_its_hours():
    hourly = 0.01
    prices = np.exp(np.arange(7_200) / 60 * hourly)[:, np.newaxis]
    assert moves_of(prices).volatility_percent(0) == pytest.approx(100 * hourly * 24**0.5)


def test_the_bounce_of_a_pool_within_its_fee_is_no_volatility():
    prices = np.where(np.arange(7_200) % 2, 1.001, 1.0)[:, np.newaxis]
    assert moves_of(prices).volatility_percent(0) == pytest.approx(0.0, abs=1e-9)


def test_a_drawdown_is_the_deepest_fall_below_the_peak_so_far():
    prices = np.array([1.0, 4.0, 3.0, 5.0, 2.0, 6.0])[:, np.newaxis]
    assert moves_of(prices, length=2).max_drawdown_percent(0) == 60.0


def test_moves_do_not_depend_on_how_a_market_is_cut():
    prices = np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.001, (5_000, 2)), axis=0))
    whole, cut = moves_of(prices), moves_of(prices, length=77)
    assert cut.volatility_percent(1) == pytest.approx(whole.volatility_percent(1))
    assert cut.correlation(1) == pytest.approx(whole.correlation(1))
    assert cut.max_drawdown_percent(1) == whole.max_drawdown_percent(1)


def test_tokens_are_correlated_as_their_returns_are():
    common, own = np.random.default_rng(1).normal(0, 0.001, (2, 100_000))
    prices = np.exp(np.cumsum(np.stack([common, -common, 0.6 * common + 0.8 * own, 0 * own], axis=1), axis=0))
    moves = moves_of(prices)
    assert moves.correlation(0) == pytest.approx(1.0)
    assert moves.correlation(1) == pytest.approx(-1.0)
    assert moves.correlation(2) == pytest.approx(0.6, abs=0.05)
    assert moves.correlation(3) is None


def test_a_market_of_one_block_has_no_volatility_yet():
    assert seen(blocks=1).tokens[0].volatility_percent is None


# What is told of a market.


@pytest.mark.parametrize(
    ("token_class", "percent"), [("major", 4.2), ("mid", 5.6), ("meme", 8.7), ("stable", 0.19), ("new_meme", 24.8)]
)
def test_the_figure_of_a_class_is_the_one_that_the_model_states(token_class, percent):
    scenario = busy_scenario()
    token = scenario.market.tokens[0].model_copy(update={"token_class": TokenClass(token_class)})
    market = scenario.market.model_copy(update={"tokens": (token,)})
    figure = class_volatility_percent(scenario.model_copy(update={"market": market}), 0)
    assert figure == pytest.approx(percent, abs=0.06)
    calm = market.model_copy(update={"regime": Regime.CALM})
    assert class_volatility_percent(scenario.model_copy(update={"market": calm}), 0) == pytest.approx(0.6 * figure)


def test_a_preview_is_the_same_however_the_market_is_cut():
    whole, cut = seen(blocks=1_200), seen(blocks=1_200, length=130)
    for one, other in zip(whole.tokens, cut.tokens, strict=True):
        assert (one.price_usd, one.swap, one.change_percent) == (other.price_usd, other.swap, other.change_percent)
        assert [pool.depth_usd.values for pool in other.pools] == [
            pytest.approx(pool.depth_usd.values, rel=1e-4) for pool in one.pools
        ]
    assert whole.base_fee_gwei.line == cut.base_fee_gwei.line


def test_a_preview_begins_where_the_run_does():
    whole, late = seen(blocks=600), seen(blocks=300, start_block=300)
    assert late.clock.start_at == whole.clock.start_at + timedelta(hours=1)
    assert late.tokens[0].price_usd.values == whole.tokens[0].price_usd.values[300:]


def test_the_depth_of_a_pool_against_another_token_is_in_usd():
    (pool,) = seen().tokens[1].pools
    assert pool.info.against == "WETH"
    assert pool.start_depth_usd == pytest.approx(2e6, rel=0.2)


def test_a_swap_costs_the_fee_of_each_pool_and_its_own_impact():
    direct, hops = (token.swap for token in seen().tokens)
    assert (str(direct.fee_usd), direct.usd_pool) == ("0.500000", None)
    assert (str(hops.fee_usd), hops.usd_pool.fee_bp) == ("3.498500", 5)
    assert 0 <= direct.impact_usd < hops.impact_usd < 5


def test_chunks_are_the_blocks_of_the_run_and_shorter_where_pools_are_many():
    plan = plan_of(load(None, Overrides(blocks=100_000)), None)
    assert sum(chunks(plan)) == 100_000
    assert max(chunks(plan)) * 11 <= 200_000


# The page.


def test_the_header_says_in_one_sentence_how_long_which_tokens_and_which_pools():
    market = seen()
    assert (
        f"4 simulated hours, on 1 January 2026 (UTC), of a synthetic market with seed {market.seed}: WETH and PEPE in "
        "2 pools of uniswap_v3 and uniswap_v2."
    ) in text(render(market))


def test_every_token_has_its_chart_of_price_pools_volatility_and_class():
    drawn = charts(render(seen()))
    assert list(drawn) == ["prices", "fees", "token-0", "token-1"]
    assert [trace["yaxis"] for trace in drawn["token-1"]["data"]] == ["y", "y2", "y3", "y3"]


def test_a_longer_market_takes_no_more_room():
    short, long = (render(seen(blocks=blocks, length=10_000)) for blocks in (2_400, 60_000))
    points = [len(trace["y"]) for page in (short, long) for chart in charts(page).values() for trace in chart["data"]]
    assert max(points) <= 2 * BINS_MAX
    assert len(long) < 1.02 * len(short)


def test_the_page_of_the_built_in_scenario_stays_small():
    plan = plan_of(load(None, Overrides(blocks=3_000)), None)
    page = render(preview(plan, chunks(plan)))
    assert len(page) < 6_000_000
    assert len(json.dumps(charts(page))) < 600_000


def test_hostile_names_are_shown_as_they_are():
    market = seen()
    hostile = "</script><img src=x onerror=alert(1)>"
    tokens = (replace(market.tokens[0], symbol=hostile, name=hostile), market.tokens[1])
    page = render(replace(market, name=hostile, market=hostile, tokens=tokens, scenario_yaml=hostile))
    assert "<img" not in page
    assert charts(page)["prices"]["data"][0]["name"] == "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;"


def test_the_page_refers_to_nothing_outside_itself():
    page = re.sub(r"<script>.*?</script>", "", render(seen()), flags=re.DOTALL)
    assert not re.search(r"\b(src|href|action)=|url\(|@import", page)


# The command.


SCENARIO = """
name: short
blocks: 300
market:
  source: synthetic
  tokens: [{symbol: WETH, name: Ether, token_class: major, price_usd: 3000, pools: [{fee_bp: 5, liquidity_usd: 1.0e+8}]}]
accounts: [{name: one}]
"""


def test_the_command_writes_market_html_here_and_says_where(paperdex, tmp_path):
    (tmp_path / "short.yaml").write_text(SCENARIO)
    assert paperdex("market", "preview", "short.yaml") == (0, f"{tmp_path / 'market.html'}\n", "")
    assert "1 simulated hour" in text((tmp_path / "market.html").read_text())


def test_fewer_blocks_may_be_asked_for(paperdex, tmp_path):
    (tmp_path / "short.yaml").write_text(SCENARIO)
    assert paperdex("market", "preview", "short.yaml", "--blocks", "50", "-o", "few.html")[0] == 0
    assert "10 simulated minutes" in text((tmp_path / "few.html").read_text())


def test_a_recorded_market_is_shown_without_a_class(paperdex, tmp_path):
    (tmp_path / "bars.csv").write_text(f"unix,symbol,open,close\n{PRICE_BARS}")
    market = "{source: replay, recordings: [{path: bars.csv}]}"
    (tmp_path / "replay.yaml").write_text(f"market: {market}\naccounts: [{{name: one}}]\n")
    status, _, _ = paperdex("market", "preview", "replay.yaml", "-o", "it.html")
    page = (tmp_path / "it.html").read_text()
    assert status == 0
    assert "of a replay of bars.csv" in text(page)
    assert "recorded" in text(page)
    assert len(charts(page)["token-0"]["data"]) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "no/where.html"], "--output no/where.html: the folder no does not exist; create it or name another."),
        (["-o", "."], "--output . is a folder; name a file such as ./output.html."),
        (["nowhere.yaml"], "Scenario nowhere.yaml cannot be read: No such file or directory; name a YAML file."),
        (["--blocks", "0"], "Invalid value for '--blocks': Input should be greater than or equal to 1, not '0'."),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(paperdex, tmp_path, arguments, said):
    assert paperdex("market", "preview", *arguments) == (2, "", f"{said}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_is_one_sentence(paperdex, tmp_path, monkeypatch):
    (tmp_path / "short.yaml").write_text(SCENARIO)

    def refuse(_self, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(tmp_path), "replace", refuse)
    status, _, said = paperdex("market", "preview", "short.yaml", "--blocks", "10", "-o", "it.html")
    assert (status, said) == (2, "--output it.html can't be written (No space left on device); name another file.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["short.yaml"]


def test_a_name_that_no_file_can_have_is_one_sentence(paperdex, tmp_path):
    name = "x" * 300 + ".html"
    assert paperdex("market", "preview", "-o", name)[::2] == (
        2,
        f"--output {name} can't be written (File name too long); name another file.\n",
    )
    assert list(tmp_path.iterdir()) == []
