"""The report of a sweep: what the page says, of whom, and that it stays small and self-contained."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape

import numpy as np
import pytest
from busy import busy_scenario
from sweep_samples import STOP, SWEEP, TARGET, Trials, sweep_of, verdict_of

from cluster.errors import UsageError
from cluster.runs import prepare
from cluster.sweeping import equity, report
from cluster.sweeping.equity import Curve, curve_of, curves, traded_again
from cluster.sweeping.plan import load_sweep
from cluster.sweeping.report import collect
from cluster.sweeping.report_charts import LINES_MAX, lines_of, pairs
from cluster.sweeping.report_page import render
from storage.sweep_records import TrialDetail

TWO = [{"figure": "sharpe_ratio"}, {"figure": "max_drawdown_percent", "direction": "minimize"}]
START = datetime(2026, 1, 1, tzinfo=UTC)


def peak(setting, market):
    return 10.0 - abs(setting[STOP] - 3 - market) + setting[TARGET] / 1000


@pytest.fixture
def collected(monkeypatch):
    """Return a function that collects the report of a sweep whose winner is not traded again but drawn from here."""

    def collected(sweep=None, value=peak, trials_status=None, **changes):
        store = Store(Trials(sweep or sweep_of(), value, trials_status or {}), changes)
        monkeypatch.setattr(report, "curves", lambda *_asked: iter([a_curve(0)]))
        return collect(store, SWEEP)

    return collected


class Store:
    """A Store with one sweep."""

    def __init__(self, trials, changes=None, equity_usd="10125.000000"):
        self._trials, self._changes, self._equity_usd = trials, changes or {}, Decimal(equity_usd)

    def __getattr__(self, name):
        return getattr(self._trials, name)

    def sweep(self, _sweep_id):
        return self._trials.sweep_detail(**self._changes)

    def trial(self, _key):
        return TrialDetail({}, {"equity_usd": self._equity_usd})


def a_curve(market):
    times = tuple(START + timedelta(hours=hour) for hour in range(3))
    change = np.array([0.0, 0.5, 1.25])
    return Curve(market, times, change, change - 1, change + 1, 10_125.0)


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page[page.index("<body>") : page.index("<script")]))


def charts_of(page):
    return json.loads(re.search(r'id="charts">(.*?)</script>', page, re.DOTALL)[1])


def test_the_page_says_what_was_tried_and_that_luck_is_a_sufficient_explanation(collected):
    text = text_of(render(collected()))
    assert "100 settings of account plain on 2 markets of 4 simulated hours, chosen by grid" in text
    assert "Luck is a sufficient explanation: the deflated Sharpe ratio is 0.4100, the best of 100 trials." in text
    assert "stop loss percent 3, take profit percent 3658dd626-e01c-800e-8000-000000000016" in text


def test_the_sweep_that_stands_on_the_page_is_a_file_that_a_sweep_takes(collected, tmp_path):
    (shown,) = re.findall(r"<pre>(.*?)</pre>", render(collected()), re.DOTALL)
    (tmp_path / "sweep.yaml").write_text(unescape(shown))
    assert load_sweep(tmp_path / "sweep.yaml")[0].model_dump(exclude={"scenario"}) == sweep_of().model_dump(
        exclude={"scenario"}
    )


def test_the_page_says_what_winners_came_to_that_were_chosen_anew(collected):
    text = text_of(render(collected()))
    assert "0.41Sharpe ratio, chosen anew 15 times" in text
    assert "0.30median Sharpe ratio of 3 paths, purged" in text
    assert "6 winners had a Sharpe ratio of 0.41 in what followed" in text


def test_the_page_of_a_sweep_that_was_judged_without_choosing_anew_says_what_it_has(collected):
    stored = verdict_of()
    del stored["reselection"]
    text = text_of(render(collected(verdict=stored)))
    assert "Probability of backtest overfitting: 0.47." in text
    assert "chosen anew" not in text


def test_every_chart_has_its_place_in_the_page_and_every_place_its_chart(collected):
    page = render(collected(sweep_of(objectives=TWO)))
    places = set(re.findall(r'<div id="([\w-]+)" class="chart', page))
    assert places == charts_of(page).keys() == {"equity-0", "heat-0", "parallel", "front"}


def test_an_unjudged_sweep_shows_its_best_by_the_first_objective(collected):
    told = collected(verdict=None, digest=None, status="STOPPED", error_message="Stopped by the user.")
    text = text_of(render(told))
    assert "This sweep is STOPPED; it shows what was kept until then" in text
    assert "By the first objective; a sweep is judged when it ends." in text
    assert told.best[0]["settings"] == {STOP: 3, TARGET: 10}


def test_a_sweep_of_which_nothing_stands_says_so(collected):
    dead = {(number, 0): "ERROR" for number in range(100)}
    text = text_of(render(collected(trials_status=dead, verdict=verdict_of(best=[], verdict=None))))
    assert "No point was traded on all markets." in text
    assert "100 failed" in text


def test_pruned_points_are_counted_and_not_ranked(collected):
    told = collected(trials_status={(number, 1): "PRUNED" for number in range(60)})
    assert "60 pruned" in text_of(render(told))
    assert min(told.survey.sample.numbers) == 60


def test_hostile_names_are_shown_as_they_are(collected):
    hostile = "</script><img src=x onerror=alert(1)>"
    page = render(collected(sweep_of(name=hostile[:90]), error_message=hostile, status="ERROR"))
    assert "<img" not in page[page.index("<body>") : page.index("* plotly.js")]


def test_one_market_has_no_section_on_stability(collected):
    page = render(collected(sweep_of(markets={"seeds": [1]})))
    assert "Is the optimum stable?" not in page
    assert "Is the optimum stable?" in render(collected())


def test_a_page_without_the_library_stays_small_however_many_points_there_are(collected):
    many = sweep_of(vary={STOP: {"uniform": [1, 20]}, TARGET: {"uniform": [1, 20]}, "strategy.max_hold_hours": {"integer": [1, 72]}},
                    trials=9_000, sampler={"kind": "random"}, objectives=TWO)  # fmt: skip
    page = render(collected(many, lambda setting, market: setting[STOP] % 7 - setting[TARGET] * market))
    assert len(page) - page.index('id="charts"') > 4_000_000  # the library
    assert len(json.dumps(charts_of(page))) < 300_000
    assert "points spread evenly over the 9,000 that were traded" in page


def test_heatmaps_are_of_the_four_most_important_fields(collected):
    fields = (
        "stop_loss_percent",
        "take_profit_percent",
        "max_hold_hours",
        "max_daily_trades",
        "confidence_threshold",
        "max_concurrent_positions",
    )
    vary = {f"strategy.{field}": {"grid": [10, 20]} for field in fields}
    told = collected(
        sweep_of(vary=vary),
        lambda setting, _: setting["strategy.max_hold_hours"] + 2.0 * setting["strategy.max_daily_trades"],
    )
    drawn = pairs(told)
    assert len(drawn) == 6
    assert {axis.path for axis in drawn[0]} == {"strategy.max_hold_hours", "strategy.max_daily_trades"}


def test_bins_that_begin_with_the_same_digits_stay_apart(collected):
    near = sweep_of(
        vary={STOP: {"uniform": [10, 10.03]}, TARGET: {"grid": [1, 2]}}, trials=60, sampler={"kind": "random"}
    )
    heat = charts_of(render(collected(near, lambda setting, _: setting[STOP])))["heat-0"]["data"][0]
    assert len(heat["z"]) * len(heat["z"][0]) == 24


def test_a_bounded_number_of_lines_is_drawn_the_best_among_them():
    assert lines_of(10) == list(range(10))
    drawn = lines_of(100_000)
    assert len(drawn) == len(set(drawn)) == LINES_MAX
    assert drawn[:40] == list(range(40))
    assert drawn[-1] == 99_999


def test_what_is_traded_again_and_comes_to_something_else_is_not_drawn(monkeypatch):
    monkeypatch.setattr(report, "curves", lambda *_asked: iter([a_curve(0)]))
    told = collect(Store(Trials(sweep_of(), peak), equity_usd="10125.000001"), SWEEP)
    assert told.curves == ()
    assert "Traded again, it ended with 10,125.000000 USD and not with the 10,125.000001" in text_of(render(told))


def test_a_sweep_of_another_version_is_not_traded_again():
    told = collect(Store(Trials(sweep_of(), peak)), SWEEP)
    assert "The sweep was traded by paperdex 0.0.9" in text_of(render(told))
    with pytest.raises(UsageError):
        next(curves(None, Trials(sweep_of(), peak).sweep_detail(), {STOP: 3}))


def test_the_winner_is_traded_again_in_segments_of_any_length():
    settings = {STOP: 1, TARGET: 1}
    scenario = busy_scenario(blocks=900, accounts=busy_scenario().accounts[1:2], record="none", autopilot=False)
    whole, parts = (
        traded_again(prepare(scenario.model_copy(update={"segment_blocks": length})), settings) for length in (900, 300)
    )
    assert whole[0].tolist() == parts[0].tolist()
    assert len(whole[0]) == 900 // scenario.review_blocks
    assert whole[1] == parts[1] == pytest.approx(10_000 * np.prod(1 + whole[0]), abs=1e-5)


def test_a_curve_begins_at_nothing_and_ends_where_its_returns_lead(monkeypatch):
    monkeypatch.setattr(equity, "TIMES_MAX", 5)
    plan = prepare(busy_scenario(blocks=6_000, review_blocks=100))
    curve = curve_of(1, plan, np.full(60, 0.001), 10_600.0)
    assert (curve.market, len(curve.times), curve.change_percent[0]) == (1, 6, 0.0)
    assert curve.change_percent[-1] == pytest.approx(100 * (1.001**60 - 1))
    assert curve.times[-1] - curve.times[0] == timedelta(milliseconds=6_000 * plan.scenario.block_time_ms)
    assert (curve.low_percent <= curve.change_percent + 1e-9).all()
