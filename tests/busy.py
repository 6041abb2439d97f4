"""Small scenarios in which much happens soon: for tests of actors and of whole runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulation.scenario import AccountSpec, Scenario
from simulation.settings.market import Pool, SyntheticMarket, Token, Venue
from simulation.settings.strategy import Strategy

if TYPE_CHECKING:
    from cluster.plan import Plan
    from storage.context import SessionContext


def busy_strategy(name: str, **changes: Any) -> Strategy:
    """Return a strategy that buys at the first occasion and sells half a percent later."""
    fields = {
        "confidence_threshold": 5,
        "decision_interval_blocks": 5,
        "stop_loss_percent": "0.5",
        "take_profit_percent": "0.5",
        "max_daily_trades": 1000,
    }
    return Strategy(name=name, **{**fields, **changes})


def tuned_strategy(name: str, **changes: Any) -> Strategy:
    """Return a busy strategy that Auto Pilot changes at nearly every review."""
    fields = {
        "autopilot_enabled": True,
        "performance_window_trades": 5,
        "adjustment_cooldown_minutes": 1,
        "max_daily_adjustments": 100,
        "min_confidence_threshold": 10,
        "confidence_threshold": 10,
        "max_concurrent_positions": 10,
    }
    return busy_strategy(name, **{**fields, **changes})


def busy_scenario(**changes: Any) -> Scenario:
    """Return a scenario of three sessions, the first tuned by Auto Pilot, in a market of two tokens."""
    pools = (Pool(fee_bp=5, liquidity_usd=1e8), Pool(venue=Venue.UNISWAP_V2, liquidity_usd=2e6, against="WETH"))
    tokens = (
        Token(symbol="WETH", name="Wrapped Ether", token_class="major", price_usd=3000, pools=pools[:1]),
        Token(symbol="PEPE", name="Pepe", token_class="meme", price_usd=1e-5, pools=pools[1:]),
    )
    accounts = (
        AccountSpec(name="tuned", strategy=tuned_strategy("tuned")),
        AccountSpec(name="plain", strategy=busy_strategy("plain")),
        AccountSpec(
            name="smart",  # which buys nothing for a target that its costs would eat
            strategy=busy_strategy("smart", use_fast_lane=False, use_smart_lane=True, take_profit_percent="5"),
        ),
    )
    fields = {
        "name": "busy",
        "seed": 9,
        "blocks": 1_200,
        "review_blocks": 300,
        "gas": {"base_fee_gwei": 0.5, "priority_fee_gwei": 0.05},
        "market": SyntheticMarket(tokens=tokens),
        "accounts": accounts,
    }
    return Scenario.model_validate({**fields, **changes})


def contexts_of(plan: Plan, prefix: int) -> tuple[SessionContext, ...]:
    """Return what each account's first session is told of itself."""
    return tuple(line[0] for line in plan.lines(prefix))
