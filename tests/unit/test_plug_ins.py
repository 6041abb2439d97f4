"""Plug-ins: found by name, tried before they trade, and refused with a sentence for what is wrong with them."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from busy import busy_scenario, busy_strategy, contexts_of

from actors.analysts import FORBID, UnusableAnalystError, load
from actors.market import Market
from cluster.analysts import first_blocks, try_analyst, try_analysts
from cluster.errors import UsageError
from cluster.plan import plan_of
from cluster.runs import prepare
from simulation.intelligence.analysts import ANALYSTS, HISTORY_BLOCKS, BuyAndHold, MarketHistory, Scores
from simulation.intelligence.roster import AnalystSpec, PlugIn, roster_of
from simulation.scenario import AccountSpec
from storage.beginning import scenario_hash

SPEC = AnalystSpec("mine:Own", {}, "one")
N_BLOCKS = 60


def asking(*strategies, **changes):
    """Return a scenario with one account for each (analyst, parameters)."""
    accounts = tuple(
        AccountSpec(name=f"{row}", strategy=busy_strategy("s", analyst=name, custom_parameters=parameters))
        for row, (name, parameters) in enumerate(strategies)
    )
    return busy_scenario(accounts=accounts, blocks=N_BLOCKS, **changes)


@pytest.fixture(scope="module")
def market() -> MarketHistory:
    return first_blocks(plan_of(asking(("momentum", {})), None), N_BLOCKS)


class Steady:
    """Says how far the price is above that of an hour ago: the plug-in that nothing is wrong with."""

    version = "1"

    def analyse(self, market):
        price = market.price_usd
        return self.scores(price[HISTORY_BLOCKS:] / price[HISTORY_BLOCKS - 300 : len(price) - 300])

    def scores(self, ratio):
        return Scores(np.clip(1_000 * ratio - 950, 0, 100), np.full(ratio.shape, 70.0))


class WrongShape(Steady):
    def scores(self, ratio):
        return super().scores(ratio[:-1])


class GivesNan(Steady):
    def scores(self, ratio):
        return super().scores(np.where(ratio == ratio.max(), np.nan, ratio))


class OutOfRange(Steady):
    def scores(self, ratio):
        return Scores(ratio * 100, np.full(ratio.shape, 100.5))


class WrongType(Steady):
    def scores(self, ratio):
        return ratio


class Raises(Steady):
    def analyse(self, market):  # noqa: ARG002 -- the form of an analyst
        raise KeyError("no such\ntoken")


class Counts(Steady):
    calls = 0

    def scores(self, ratio):
        self.calls += 1
        return super().scores(ratio + self.calls / 1e6)


class LooksAhead(Steady):
    """Knows the next block's price, except of the last one, where it has to guess."""

    def analyse(self, market):
        later = np.concatenate([market.price_usd[1:], market.price_usd[-1:]])
        return super().analyse(replace(market, price_usd=later))


class KnowsTheEnd(Steady):
    def scores(self, ratio):
        return super().scores(ratio / ratio[-1])


class Normalises(Steady):
    """Sees nothing later, but all there is earlier."""

    def scores(self, ratio):
        return super().scores(ratio / np.maximum.accumulate(ratio, axis=0))


class Leaves(Steady):
    """Ends the program, as scripts do."""

    def analyse(self, market):  # noqa: ARG002 -- the form of an analyst
        raise SystemExit(0)


class WritesIntoTheMarket(Steady):
    def analyse(self, market):
        market.price_usd[:] = 1.0
        return super().analyse(market)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (WrongType, "answers with ndarray where Scores are expected"),
        (WrongShape, r"gives opportunity_percent of shape \(59, 2\) where \(blocks, tokens\) is \(60, 2\)"),
        (GivesNan, r"gives opportunity_percent nan at row \d+, column \d; 0 to 100 is allowed"),
        (OutOfRange, "gives opportunity_percent 10|gives confidence_percent 100.5 at row 0, column 0"),
        (Raises, "raises KeyError: 'no such.*token'"),
        (Counts, "gives different answers to the same question"),
        (LooksAhead, "sees beyond block 0: .* changes with the blocks after block 0"),
        (KnowsTheEnd, "sees beyond block 0"),
        (Normalises, r"says another thing of block \d+ when the market begins \d+ blocks later"),
        (Leaves, "raises SystemExit: 0"),
        (WritesIntoTheMarket, "raises ValueError: assignment destination is read-only"),
    ],
)
def test_a_plug_in_that_cannot_be_relied_on_is_refused_with_a_sentence(wrong, sentence, market):
    with pytest.raises(UnusableAnalystError, match=rf"^accounts\.one\.strategy\.analyst 'mine:Own': {sentence}"):
        try_analyst(SPEC, wrong(), market)


def test_a_plug_in_that_is_right_is_let_through(market):
    try_analyst(SPEC, Steady(), market)


@pytest.mark.parametrize("name", [name for name in ANALYSTS if name != "multi_factor"])
def test_the_built_in_analysts_pass_what_plug_ins_must(name, market):
    """The multi-factor one reads other records; its own tests cut those in the same way."""
    try_analyst(SPEC, ANALYSTS[name](), market)


# By name.


@pytest.mark.parametrize(
    ("name", "parameters", "sentence"),
    [
        ("momentun", {}, "is not known; give multi_factor, momentum, mean_reversion, buy_and_hold, or module:Class"),
        ("no_such_file:Own", {}, "there is no module no_such_file in the current folder or where Python looks"),
        ("busy:Own", {}, "module busy has no class 'Own'; it has no class"),
        ("watcher:Own", {}, "module watcher has no class 'Own'; it has "),
        ("broken:Own", {}, "its module cannot be imported: ZeroDivisionError: division by zero"),
        ("leaving:Own", {}, "its module cannot be imported: SystemExit: bye"),
        ("leaving_late:Own", {}, r"its class refuses the custom_parameters \(none\): SystemExit: bye"),
        ("formless:Own", {}, r"has no method analyse\(market\)"),
        ("formless:Nameless", {}, "has no version; give its class one, such as version = '1'"),
        ("momentum", {"lookback": 3}, r"its class refuses the custom_parameters \(lookback\): TypeError: .*lookback"),
        (
            "momentum",
            {"lookback_blocks": 0},
            "its class refuses .*: ValueError: lookback_blocks 0 is not from 1 to 1800",
        ),
        ("multi_factor", {"weight": 3}, r"its class refuses the custom_parameters \(weight\): TypeError"),
    ],
)
def test_an_analyst_that_cannot_be_had_is_one_sentence(name, parameters, sentence, in_folder):
    in_folder("broken.py", "1 / 0")
    in_folder("leaving.py", "import sys\nsys.exit('bye')\n")
    in_folder("leaving_late.py", "import sys\n\nclass Own:\n    def __init__(self):\n        sys.exit('bye')\n")
    in_folder("formless.py", "class Own:\n    pass\n\nclass Nameless:\n    def analyse(self, market):\n        pass\n")
    with pytest.raises(UsageError, match=rf"^accounts\.0\.strategy\.analyst '{name}': {sentence}.*\.$"):
        prepare(asking((name, parameters)))


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    """Return what writes a module into the current folder, to be forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield lambda name, text: (tmp_path / name).write_text(text)
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


OWN = """
from simulation.intelligence.analysts import BuyAndHold

class Own(BuyAndHold):
    def __init__(self, percent=100):
        object.__setattr__(self, "percent", percent)

    def __setattr__(self, name, value):
        raise AttributeError

    def analyse(self, market):
        scores = super().analyse(market)
        return type(scores)(scores.opportunity_percent, scores.confidence_percent * self.percent / 100)
"""


def test_a_switch_forbids_every_analyst_that_is_not_built_in(in_folder, monkeypatch):
    monkeypatch.setenv(FORBID, "1")
    in_folder("hostile.py", "raise SystemExit('this code has run')")
    sentence = f"'hostile:Own': is not built in, and {FORBID} forbids others; give multi_factor, momentum, "
    with pytest.raises(UsageError, match=sentence):
        prepare(asking(("hostile:Own", {})))
    with pytest.raises(UnusableAnalystError, match="'offered': is not built in"):
        load(AnalystSpec("offered", {}, "one"))
    assert prepare(asking(("momentum", {}))).plug_ins == ()


def test_a_plug_in_of_the_current_folder_is_what_its_account_listens_to(in_folder):
    in_folder("sitting_here.py", OWN)
    scenario = prepare(asking(("multi_factor", {}), ("sitting_here:Own", {"percent": 30}))).scenario
    market = Market(scenario)
    _, segment, _ = market.segment(market.begin(), 10)
    assert segment.signals.shape == (2, 10, 2)
    assert (segment.signals["confidence_bp"][1] == 3_000).all()
    assert segment.signals["trend_bp"][0].any()


def test_a_market_elsewhere_looks_where_the_user_stands(in_folder, tmp_path, monkeypatch):
    in_folder("standing_there.py", OWN)
    monkeypatch.chdir("/")
    assert Market(asking(("standing_there:Own", {})), folder=str(tmp_path)).tokens


def test_an_installed_package_offers_analysts_by_name(monkeypatch):
    class Point:
        name = "offered"

        def load(self):
            return BuyAndHold

    monkeypatch.setattr("actors.analysts.entry_points", lambda group: [Point()] if group == "paperdex.analysts" else [])
    assert isinstance(load(AnalystSpec("offered", {}, "one")), BuyAndHold)
    assert try_analysts(plan_of(asking(("offered", {})), None)) == (PlugIn("offered", "1", {}),)


# Several in one run.


def test_analysts_are_numbered_in_the_order_in_which_accounts_name_them():
    named = [("momentum", {}), ("multi_factor", {}), ("momentum", {}), ("momentum", {"lookback_blocks": 5})]
    roster = roster_of(asking(*named).accounts)
    assert [(spec.name, spec.account) for spec in roster.analysts] == [
        ("momentum", "0"), ("multi_factor", "1"), ("momentum", "3"),
    ]  # fmt: skip
    assert roster.rows == ((0,), (1,), (0,), (2,))


def test_one_and_true_are_different_parameters():
    named = [("momentum", {"lookback_blocks": 1}), ("momentum", {"lookback_blocks": True})]
    assert roster_of(asking(*named).accounts).rows == ((0,), (1,))


def test_a_session_is_told_which_analyst_it_listens_to():
    plan = plan_of(asking(("momentum", {}), ("buy_and_hold", {}), ("momentum", {})), None)
    assert [context.analyst for context in contexts_of(plan, prefix=1)] == [0, 1, 0]


def test_the_analyst_and_its_parameters_are_part_of_what_a_run_is():
    runs = [("multi_factor", {}), ("momentum", {}), ("momentum", {"lookback_blocks": 5})]
    assert len({scenario_hash(asking(run)) for run in runs}) == 3


def test_another_version_of_a_plug_in_makes_another_run():
    scenario = asking(("mine:Own", {}))
    assert len({scenario_hash(scenario, (PlugIn("mine:Own", version, {}),)) for version in ("1", "2")}) == 2
