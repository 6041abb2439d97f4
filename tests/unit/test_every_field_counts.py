"""Every field that a user can set changes what happens, in the direction that its sentence promises.

Each case plays one market twice, with one seed and with nothing changed but its field.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from busy import busy_scenario, busy_strategy
from hand_made import CERTAIN, GWEI, MICRO_USD, RULES, Played, account, stage, tempting, token
from pydantic import ValidationError
from reviewable import review_of, reviewable

from actors.market import Market
from simulation import cohort as cohorts
from simulation.autopilot.guardrails import Refusal
from simulation.choices import DecisionType, Failure, Lane, Reason, Side
from simulation.market.segment import terms_of
from simulation.scenario import AccountSpec
from simulation.settings.strategy import Aggressiveness, Strategy, TradingConfig, TradingMode
from simulation.trading.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from hand_made import Stage

WITHOUT_A_CASE = {
    "name": "names the strategy in tables, charts and thoughts, and nothing is decided by it",
}
"""Fields that are meant to change nothing that is traded, and why."""


@dataclass(frozen=True)
class Case:
    """One field, two values of it, and what a run with the second shows against a run with the first."""

    field: str
    values: tuple[Any, Any]
    market: Callable[[], Stage]
    shows: Callable[[Played], Any]
    relation: Callable[[Any, Any], bool]
    """Of what the run with the second value shows to what the run with the first shows."""
    exactly: Any = None
    """What the run with the second value shows, where the field itself says it."""
    told: tuple[DecisionType, Reason] | None = None
    """A decision that only the run with the second value has."""
    strategy: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=dict)
    accounts: int = 1


# Markets, and what is looked at in what became of them.


def wanted(n_blocks: int = 40) -> Stage:
    """Return a calm market of three tokens that the analyst always says to buy."""
    made = stage(n_blocks, token("AAA"), token("BBB"), token("CCC"))
    for row in range(3):
        made.signal(8_000, slice(None), token_row=row)
    return made


def moved(price_usd: float, since: int) -> Callable[[], Stage]:
    """Return a market with one purchase of a token that costs 2 USD, and another price later."""

    def made() -> Stage:
        market = tempting()
        market.price(price_usd, since=since)
        return market

    return made


def shallow() -> Stage:
    """Return a market in which a large purchase moves the price, and gas is cheap enough to attack it."""
    made = tempting()
    made.price(2.0, since=0, liquidity_usd=4e5)
    made.base_fee(0.01, slice(None))
    return made


def orders(played: Played) -> int:
    return len(played.trades)


def analyses(played: Played) -> int:
    return len(played.outcome.decisions)


def open_positions(played: Played) -> int:
    return int(played.session["open_positions"])


def fast_orders(played: Played) -> int:
    return int((played.trades["lane"] == Lane.FAST).sum())


def largest_purchase_usd(played: Played) -> float:
    bought = played.trades[played.trades["side"] == Side.BUY]
    return float(bought["in_lo"].max()) / MICRO_USD


def sales(played: Played) -> int:
    return int((played.trades["side"] == Side.SELL).sum())


def first_sale_block(played: Played) -> int:
    return int(played.trades["decided_block"][played.trades["side"] == Side.SELL][0])


def failures(failure: Failure) -> Callable[[Played], int]:
    return lambda played: int((played.trades["failure"] == failure).sum())


def tokens(played: Played) -> set[int]:
    return set(played.trades["token"].tolist())


def blocks_on_the_way(played: Played) -> int:
    return int((played.trades["block"] - played.trades["decided_block"]).sum())


def total(cost: str) -> Callable[[Played], int]:
    return lambda played: int(played.trades[cost].sum())


def gas_price_gwei(played: Played) -> float:
    return float(played.trades["gas_price_wei"].max()) / GWEI


LARGE = {"max_position_size_percent": 100, "max_trade_size_usd": 10_000}
BOTH_LANES = {"use_fast_lane": True, "use_smart_lane": True}
LESS, MORE, SUBSET = operator.lt, operator.gt, operator.lt

OF_STRATEGY = [
    Case(
        "trading_mode", (TradingMode.AGGRESSIVE, TradingMode.CONSERVATIVE), tempting, largest_purchase_usd, LESS, 300.0,
        strategy={"max_trade_size_usd": 100_000},
    ),
    Case("decision_interval_blocks", (1, 7), lambda: stage(40), analyses, LESS, 6),
    Case("use_fast_lane", (True, False), tempting, fast_orders, LESS, 0, strategy={"use_smart_lane": True, "max_trade_size_usd": 50}),
    Case("use_smart_lane", (False, True), tempting, fast_orders, LESS, 0, strategy={"fast_lane_threshold_usd": 0}),
    Case("fast_lane_threshold_usd", (499, 500), tempting, fast_orders, MORE, 1, strategy=BOTH_LANES),
    Case("max_position_size_percent", (5, 3), tempting, largest_purchase_usd, LESS, 300.0),
    Case("max_trade_size_usd", (500, 250), tempting, largest_purchase_usd, LESS, 250.0),
    Case(
        "stop_loss_percent", (20, 5), moved(1.8, 10), sales, MORE, 1,
        told=(DecisionType.STOP_LOSS, Reason.STOP_LOSS),
    ),
    Case(
        "take_profit_percent", (50, 5), moved(2.2, 10), sales, MORE, 1, told=(DecisionType.TAKE_PROFIT, Reason.TAKE_PROFIT)
    ),
    Case(
        "max_hold_hours", (3, 1), tempting, first_sale_block, LESS, 10, rules={"block_time_ms": 600_000}
    ),
    Case(
        "max_daily_trades", (20, 2), wanted, orders, LESS, 2, told=(DecisionType.SKIP, Reason.DAILY_TRADES)
    ),
    Case(
        "max_concurrent_positions", (5, 2), wanted, open_positions, LESS, 2,
        told=(DecisionType.SKIP, Reason.CONCURRENT_POSITIONS),
    ),
    Case(
        "min_liquidity_usd", (10_000, 2_000_000_000), wanted, orders, LESS, 0,
        told=(DecisionType.SKIP, Reason.LOW_LIQUIDITY),
    ),
    Case("max_slippage_percent", (Decimal("0.5"), 3), moved(2.04, 4), failures(Failure.SLIPPAGE), LESS, 0),
    Case(
        "confidence_threshold", (80, Decimal("80.01")), wanted, orders, LESS, 0,
        told=(DecisionType.SKIP, Reason.LOW_CONFIDENCE),
    ),
    Case("allowed_tokens", ((), ("BBB",)), wanted, tokens, SUBSET, {1}),
    Case("blocked_tokens", ((), ("BBB",)), wanted, tokens, SUBSET, {0, 2}),
]  # fmt: skip

OF_TRADING = [
    Case("base_slippage_percent", (0, 5), tempting, total("drift_micro_usd"), MORE),
    Case("gas_price_multiplier", (1, 3), tempting, gas_price_gwei, MORE, 13.0),
    Case("gas_price_multiplier", (1, Decimal("0.1")), lambda: tempting(60), failures(Failure.EXPIRED), MORE, 1),
    Case("execution_delay_ms", (0, 25_000), tempting, blocks_on_the_way, MORE, 3),
    Case("max_position_size_percent", (100, 3), tempting, largest_purchase_usd, LESS, 300.0),
    Case(
        "max_daily_trades", (1000, 2), wanted, orders, LESS, 2, told=(DecisionType.SKIP, Reason.DAILY_TRADES)
    ),
    Case(
        "stop_loss_percent", (50, 5), moved(1.8, 10), sales, MORE, 1, told=(DecisionType.STOP_LOSS, Reason.STOP_LOSS),
        strategy={"stop_loss_percent": 20},
    ),
    Case("simulate_network_issues", (False, True), tempting, blocks_on_the_way, MORE, accounts=300),
    Case(
        "simulate_mev", (True, False), shallow, total("sandwich_micro_usd"), LESS, 0, strategy=LARGE, accounts=20
    ),
    Case("failure_rate_percent", (0, 100), wanted, failures(Failure.REVERTED), MORE, 20, strategy={"allowed_tokens": ("AAA",)}),
]  # fmt: skip


def cases(of: list[Case]) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.field} {case.values[1]}") for case in of])


def play(case: Case, strategy: dict[str, Any], trading: dict[str, Any]) -> Played:
    fields = {**case.strategy, **strategy}
    accounts = [account(f"{row}", trading=trading, **fields) for row in range(case.accounts)]
    return case.market().run(*accounts, **case.rules)


def compare(case: Case, before: Played, after: Played) -> None:
    assert case.relation(case.shows(after), case.shows(before))
    if case.exactly is not None:
        assert case.shows(after) == case.exactly
    if case.told is not None:
        assert len(after.decided(*case.told)) > 0
        assert len(before.decided(*case.told)) == 0


@cases(OF_STRATEGY)
def test_a_field_of_the_strategy_changes_the_run_as_it_promises(case: Case) -> None:
    compare(case, *(play(case, {case.field: value}, {}) for value in case.values))


@cases(OF_TRADING)
def test_a_field_of_the_account_changes_the_run_as_it_promises(case: Case) -> None:
    compare(case, *(play(case, {}, {case.field: value}) for value in case.values))


# The stricter of account and strategy.


@pytest.mark.parametrize(("of_strategy", "of_account", "limit"), [(20, 2, 2), (2, 20, 2), (2, 2, 2)])
def test_a_skip_for_the_daily_limit_names_the_limit_that_counted(of_strategy: int, of_account: int, limit: int) -> None:
    played = wanted().run(account(trading={"max_daily_trades": of_account}, max_daily_trades=of_strategy))
    assert set(played.decided(DecisionType.SKIP, Reason.DAILY_TRADES)["limit"].tolist()) == {limit}
    assert orders(played) == limit


@pytest.mark.parametrize(("of_strategy", "of_account", "usd"), [(5, 3, 300), (3, 5, 300), (3, 100, 300)])
def test_the_smaller_share_of_the_equity_counts(of_strategy: int, of_account: int, usd: int) -> None:
    spec = account(trading={"max_position_size_percent": of_account}, max_position_size_percent=of_strategy)
    assert largest_purchase_usd(tempting().run(spec)) == usd


@pytest.mark.parametrize(("of_strategy", "of_account"), [(20, 5), (5, 20), (5, 50)])
def test_the_nearer_stop_counts(of_strategy: int, of_account: int) -> None:
    spec = account(trading={"stop_loss_percent": of_account}, stop_loss_percent=of_strategy)
    cohort = tempting().run(spec).cohort
    assert cohort.holdings["stop_micro_usd"].tolist() == [[475 * MICRO_USD]]


@pytest.mark.parametrize(
    ("name", "raised", "shows", "kept"),
    [("max_position_size_bp", 2_000, largest_purchase_usd, 300.0), ("max_daily_trades", 500, orders, 2)],
)
def test_what_auto_pilot_raises_stays_below_the_limit_of_the_account(
    name: str, raised: int, shows: Callable[[Played], Any], kept: float
) -> None:
    limits = {"max_position_size_percent": 3, "max_daily_trades": 2}
    made = wanted()
    begun = cohorts.begin([account(trading=limits)], [0], made.infos, RULES)
    freed = cohorts.set_field(begun, 0, name, raised)
    assert shows(Played(*cohorts.advance(freed, made.segment, terms_of(made.infos), RULES))) == kept


def test_a_stop_that_auto_pilot_loosens_stays_at_the_one_of_the_account() -> None:
    cohort = tempting().run(account(trading={"stop_loss_percent": 2})).cohort
    loosened = cohorts.set_field(cohort, 0, "stop_loss_bp", 4_000)
    assert loosened.holdings["stop_micro_usd"].tolist() == [[490 * MICRO_USD]]


# Auto Pilot: one review of a record made by hand, by a strategy that differs in one field.


WINDOW = {"autopilot_enabled": True, "performance_window_trades": 5}
REFUSED = "the strategy is refused"


def record(net_usd: int, **fields: int) -> np.void:
    """Return a session that has closed five trades with this result each."""
    return reviewable((net_usd,) * 5, **fields)


def reviewed(strategy: dict[str, Any], session: np.void) -> int | Refusal | str:
    """Return the new value that a review sets, why it sets none, or that there is no such strategy."""
    try:
        result = review_of(Strategy(**{**WINDOW, **strategy}), session)
    except ValidationError:
        return REFUSED
    return result if isinstance(result, Refusal) else result.new


WON, LOST, DROWNED = record(10), record(-10), record(10, equity_micro_usd=9 * 10**9)
ADJUSTED = record(10, last_adjustment_block=2_900, adjustments_today=2, adjustment_day=0)

OF_AUTO_PILOT = [
    ("autopilot_enabled", True, 600, False, Refusal.DISABLED, WON, {}),
    ("min_position_size_percent", 1, 375, 4, 400, DROWNED, {}),
    ("max_position_size_percent_limit", 20, 600, Decimal("5.5"), 550, WON, {}),
    ("min_confidence_threshold", 40, 6_300, 61, REFUSED, LOST, {}),
    ("max_confidence_threshold_limit", 95, 6_300, 62, 6_200, LOST, {}),
    ("learning_rate", Decimal("0.1"), 600, Decimal("0.2"), 700, WON, {}),
    ("adaptation_aggressiveness", Aggressiveness.CONSERVATIVE, 550, Aggressiveness.AGGRESSIVE, 700, WON, {}),
    ("performance_window_trades", 5, 600, 6, Refusal.FEW_TRADES, WON, {}),
    ("auto_disable_after_failures", 2, 600, 1, 600, WON, {}),
    ("adjustment_cooldown_minutes", 20, 600, 21, Refusal.COOLDOWN, ADJUSTED, {}),
    ("max_daily_adjustments", 3, 600, 2, Refusal.DAILY_CAP, ADJUSTED, {"adjustment_cooldown_minutes": 1}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "before", "came_to", "after", "comes_to", "session", "given"),
    [pytest.param(*row, id=row[0]) for row in OF_AUTO_PILOT],
)
def test_a_field_of_auto_pilot_changes_what_a_review_comes_to(
    name: str, before: Any, came_to: Any, after: Any, comes_to: Any, session: np.void, given: dict[str, Any]
) -> None:
    assert reviewed({**given, name: before}, session) == came_to
    assert reviewed({**given, name: after}, session) == comes_to


# Whom a strategy listens to is not in the hand-made signals: these play a market that is analysed.


def decided_by(**strategy: Any) -> tuple[tuple[int, ...], ...]:
    """Return (block, token, type, reason) of every decision of one account in half a day of two tokens."""
    spec = AccountSpec(name="listener", strategy=busy_strategy("listener", **strategy))
    scenario = busy_scenario(accounts=(spec,))
    market, rules = Market(scenario), rules_of(scenario)
    segment = market.segment(market.begin(), 900)[1]
    cohort = cohorts.begin([spec], [0], market.tokens, rules)
    rows = cohorts.advance(cohort, segment, terms_of(market.tokens), rules)[1].decisions
    return tuple(row[["block", "token", "type", "reason"]].item() for row in rows)


def of_signal(decisions: tuple[tuple[int, ...], ...], kind: DecisionType) -> int:
    return sum((row[2], row[3]) == (kind, Reason.SIGNAL) for row in decisions)


def test_the_analyst_that_is_named_is_listened_to() -> None:
    held, followed, faded = (decided_by(analyst=name) for name in ("buy_and_hold", "momentum", "mean_reversion"))
    assert of_signal(held, DecisionType.SELL) == 0 < of_signal(held, DecisionType.BUY)
    assert of_signal(followed, DecisionType.BUY) > 0
    assert len({held, followed, faded, decided_by()}) == 4


def test_custom_parameters_reach_the_analyst() -> None:
    short, long = (
        decided_by(analyst="momentum", custom_parameters={"lookback_blocks": blocks}) for blocks in (20, 1_500)
    )
    assert short != long
    assert decided_by(analyst="momentum", custom_parameters={"lookback_blocks": 300}) == decided_by(analyst="momentum")


OF_ANALYSTS = {"analyst", "custom_parameters"}


# The tables are complete.


def test_every_field_of_a_strategy_has_a_case() -> None:
    have = {case.field for case in OF_STRATEGY} | {row[0] for row in OF_AUTO_PILOT} | OF_ANALYSTS
    assert have == set(Strategy.model_fields) - set(WITHOUT_A_CASE)


def test_every_field_of_a_trading_config_has_a_case() -> None:
    assert {case.field for case in OF_TRADING} == set(TradingConfig.model_fields)


def test_the_certain_account_of_these_cases_leaves_the_limits_to_the_strategy() -> None:
    assert not set(CERTAIN) & {"max_position_size_percent", "max_daily_trades", "stop_loss_percent"}
