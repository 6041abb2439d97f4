"""Sandwiches: the mathematics against brute force, and who is attacked."""

from __future__ import annotations

import pytest
from hand_made import BUY_AT, CERTAIN, account, only, stage
from hypothesis import given
from hypothesis import strategies as st

from simulation import wei
from simulation.market import mev

GAMMA = 0.997
DEPTH_USD = 2e5


def out(amount: float, reserve_in: float, reserve_out: float) -> float:
    return GAMMA * amount * reserve_out / (reserve_in + GAMMA * amount)


def sandwich(front: float, victim: float, reserve_in: float, reserve_out: float) -> tuple[float, float]:
    """Return what the victim gets and what the attacker earns, swap by swap."""
    bought = out(front, reserve_in, reserve_out)
    reserve_in, reserve_out = reserve_in + front, reserve_out - bought
    got = out(victim, reserve_in, reserve_out)
    reserve_in, reserve_out = reserve_in + victim, reserve_out - got
    return got, out(bought, reserve_out, reserve_in) - front


@given(share=st.floats(0.003, 0.2), tolerance=st.floats(0.001, 0.1), ratio=st.floats(1e-6, 1e6))
def test_the_largest_front_run_leaves_the_victim_its_minimum(share: float, tolerance: float, ratio: float) -> None:
    x, y = 1e6, 1e6 * ratio
    victim = share * x
    least = out(victim, x, y) * (1 - tolerance)
    front = mev.front_run(victim, least, x, y, GAMMA)
    got, earned = sandwich(front, victim, x, y)
    assert got == pytest.approx(least, rel=1e-9)
    assert mev.profit(front, victim, least, x, y, GAMMA) == pytest.approx(earned, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(
    ("share", "front_share", "profit_percent"), [(0.005, 1.0, 0.40), (0.01, 0.51, 0.70), (0.05, 0.10, 0.98)]
)
def test_attacks_on_a_tolerance_of_one_percent_earn_the_published_shares(
    share: float, front_share: float, profit_percent: float
) -> None:
    """A 30 bp pool; the figures are those of the closed form checked by brute force (Heimbach and Wattenhofer, 2022)."""
    x = y = 1e9
    victim = share * x
    least = out(victim, x, y) * 0.99
    front = mev.front_run(victim, least, x, y, GAMMA)
    assert front / victim == pytest.approx(front_share, rel=0.05)
    assert 100 * mev.profit(front, victim, least, x, y, GAMMA) / victim == pytest.approx(profit_percent, abs=0.015)


@given(share=st.floats(1e-5, 0.1), front_share=st.floats(1e-4, 2.0))
def test_below_the_threshold_no_attack_of_any_size_pays(share: float, front_share: float) -> None:
    x = y = 1e9
    victim = share * x
    if not mev.can_pay(victim, x, GAMMA):
        assert sandwich(front_share * victim, victim, x, y)[1] <= 1e-3


def test_the_threshold_is_about_the_fee() -> None:
    assert mev.can_pay(0.0031e9, 1e9, GAMMA)
    assert not mev.can_pay(0.0029e9, 1e9, GAMMA)


def test_there_is_no_front_run_where_the_victim_has_no_slack() -> None:
    assert mev.front_run(1e6, out(1e6, 1e9, 1e9) * 1.0001, 1e9, 1e9, GAMMA) == 0.0


def victims(count: int = 40, depth_usd: float = DEPTH_USD, gas_gwei: float = 0.01, trading=(), **strategy):
    """Return the purchases of accounts that each spend 10,000 USD at once in a shallow pool."""
    made = stage(40)
    made.price(2.0, since=0, liquidity_usd=depth_usd)
    made.base_fee(gas_gwei, slice(None))
    made.signal(8_000, BUY_AT)
    fields = {"max_position_size_percent": 100, "max_trade_size_usd": 10_000, "stop_loss_percent": 50, **strategy}
    accounts = [
        account(f"{row}", 20_000, {**CERTAIN, "simulate_mev": True, **dict(trading)}, **fields) for row in range(count)
    ]
    return made.run(*accounts).trades


def attacked(trades) -> int:
    return int((trades["sandwich_micro_usd"] > 0).sum())


def test_a_victim_gets_exactly_its_minimum_and_the_others_what_the_pool_gives() -> None:
    trades = victims()
    hit = trades["sandwich_micro_usd"] > 0
    assert 15 <= hit.sum() <= 33  # six in ten
    for limb in ("hi", "lo"):
        assert (trades[f"out_{limb}"][hit] == trades[f"min_{limb}"][hit]).all()
        assert (trades[f"out_{limb}"][~hit] == trades[f"quote_{limb}"][~hit]).all()


def test_what_the_attacker_takes_is_what_the_order_lost() -> None:
    trades = victims()
    for trade in trades[trades["sandwich_micro_usd"] > 0]:
        promised, least = (wei.join(trade[f"{name}_hi"], trade[f"{name}_lo"]) for name in ("quote", "min"))
        assert trade["sandwich_micro_usd"] == pytest.approx((promised - least) * 2 / 10**12, abs=2)
        assert trade["drift_micro_usd"] == 0


def test_nobody_is_attacked_with_mev_switched_off() -> None:
    assert attacked(victims(trading={"simulate_mev": False})) == 0


def test_private_orders_are_not_attacked() -> None:
    assert attacked(victims(use_fast_lane=False, use_smart_lane=True)) == 0


def test_orders_that_hardly_move_their_pool_are_not_attacked() -> None:
    assert attacked(victims(depth_usd=1e7)) == 0


def test_attackers_stay_away_when_gas_eats_their_profit() -> None:
    assert attacked(victims(gas_gwei=0.01)) > 0
    assert attacked(victims(gas_gwei=50, max_slippage_percent="0.5")) == 0


def test_more_tolerance_costs_a_victim_more() -> None:
    costs = [victims(max_slippage_percent=percent)["sandwich_micro_usd"].max() for percent in ("0.5", "1", "3")]
    assert costs[0] < costs[1] < costs[2]


def test_a_sale_is_attacked_as_well() -> None:
    made = stage(60)
    made.price(2.0, since=0, liquidity_usd=DEPTH_USD)
    made.base_fee(0.01, slice(None))
    made.signal(8_000, BUY_AT)
    made.signal(2_000, slice(20, 21))
    spec = {"max_position_size_percent": 100, "max_trade_size_usd": 10_000, "stop_loss_percent": 50}
    accounts = [account(f"{row}", 20_000, {**CERTAIN, "simulate_mev": True}, **spec) for row in range(20)]
    trades = made.run(*accounts).trades
    assert attacked(trades[trades["side"] == 2]) > 5


def test_a_trade_that_nobody_touches_costs_fee_impact_and_gas_alone() -> None:
    trade = only(victims(count=1, trading={"simulate_mev": False}))
    assert trade["fee_micro_usd"] == 30_000_000
    assert trade["impact_micro_usd"] == pytest.approx(10_000e6 * 0.997 * 0.0475, rel=0.02)
    assert trade["drift_micro_usd"] == trade["sandwich_micro_usd"] == trade["failure_micro_usd"] == 0
