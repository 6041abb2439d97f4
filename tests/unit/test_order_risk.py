"""What becomes of orders: measures on series whose answer is known, and orders sent through a small market."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cluster.scenarios import Overrides, load
from simulation.market import order_risk as risk
from simulation.market import order_trials as sent
from simulation.market import sampling
from simulation.market.synthetic import SyntheticSource

DAY = 7_200


def orders(*rows: dict[str, object]) -> np.ndarray:
    found = np.zeros(len(rows), sent.ORDER)
    for record, row in zip(found, rows, strict=True):
        for name, value in row.items():
            record[name] = value
    return found


def walk(deviation: float, n_blocks: int = DAY, seed: int = 1) -> np.ndarray:
    return np.cumsum(deviation * np.random.default_rng(seed).standard_normal(n_blocks))


def test_half_of_the_moves_beyond_a_tolerance_are_against_an_order() -> None:
    deviation = risk.TYPICAL_VOLATILITY / math.sqrt(DAY)
    beyond = math.erfc(0.0005 / deviation / math.sqrt(2)) / 2
    assert risk.adverse_share(walk(deviation, 20 * DAY), 1, 0.0005) == pytest.approx(beyond, rel=0.03)


def test_a_tolerance_means_as_much_in_a_wild_market_as_in_a_calm_one() -> None:
    calm = walk(1e-4)
    assert risk.adverse_share(5.0 * calm, 3, 0.0005) == pytest.approx(risk.adverse_share(calm, 3, 0.0005), rel=0.02)


def test_each_day_has_its_own_volatility() -> None:
    days = walk(1e-4), walk(1e-3, seed=2)
    apart = np.mean([risk.adverse_share(day, 10, 0.001) for day in days])
    assert risk.adverse_share(np.concatenate(days), 10, 0.001) == pytest.approx(apart)


def test_longer_ways_and_smaller_tolerances_are_left_more_often() -> None:
    prices = walk(3e-4)
    by_lag = [risk.adverse_share(prices, lag, 0.001) for lag in (1, 3, 10)]
    by_tolerance = [risk.adverse_share(prices, 10, tolerance) for tolerance in (0.005, 0.003, 0.001)]
    assert by_lag == sorted(by_lag)
    assert by_tolerance == sorted(by_tolerance)


def test_a_fill_below_its_minimum_is_counted_and_a_revert_is_none() -> None:
    short = {"is_below_minimum": True}
    found = orders({**short, "is_filled": True}, {**short, "is_reverted": True}, {"is_filled": True})
    assert risk.fills_below_minimum(found) == 1


def test_a_victim_that_got_more_than_its_minimum_is_counted() -> None:
    found = orders({"is_attacked": True, "is_at_minimum": True}, {"is_attacked": True}, {"is_at_minimum": False})
    assert risk.victims_off_minimum(found) == 1


def test_an_attack_on_an_order_too_small_to_pay_is_counted() -> None:
    found = orders({"is_attacked": True, "pays_attackers": True}, {"is_attacked": True}, {"pays_attackers": False})
    assert risk.attacks_below_threshold(found) == 1


def test_attacks_on_the_smallest_orders_are_set_against_those_on_the_largest() -> None:
    exposed = {"is_exposed": True}
    small = [{**exposed, "size_usd": 3, "is_attacked": at == 0} for at in range(4)]
    large = [{**exposed, "size_usd": 9, "is_attacked": at < 2} for at in range(4)]
    hidden = [{"size_usd": 1}] * 5
    assert risk.attack_ratio(orders(*small, *large, *hidden), "size_usd") == 0.5


def test_reverts_of_the_quickest_orders_are_set_against_those_of_the_slowest() -> None:
    quick = [{"delay_blocks": 1, "is_reverted": at == 0} for at in range(5)]
    slow = [{"delay_blocks": 10, "is_reverted": at < 4} for at in range(5)]
    found = orders(*quick, *slow, {"delay_blocks": 3, "is_reverted": True})
    assert risk.revert_ratio(found, "delay_blocks") == 0.25
    assert risk.revert_ratio(found, "delay_blocks", falls=True) == 4.0


def test_of_what_was_found_again_the_worst_counts() -> None:
    found = orders(*({"recovered": share} for share in (1.001, 0.98, math.nan, 1.01)))
    assert risk.recovered_losses(found) == 0.98


N_BLOCKS = 900


@pytest.fixture(scope="module")
def market():
    scenario = load(None, Overrides())
    market, _ = sampling.cast(scenario.market)
    source = SyntheticSource(market, scenario.gas, 3, sampling.BLOCK_TIME_MS)
    return source.tokens, source.advance(source.begin(), 0, N_BLOCKS)[1]


@pytest.fixture(scope="module")
def sent_orders(market):
    return sent.orders_of(*market, 3, sampling.BLOCK_TIME_MS)


def test_every_trial_sends_an_order_in_nearly_every_turn(sent_orders, market) -> None:
    most = len(sent.trials(tuple(token.symbol for token in market[0]))) * N_BLOCKS // sent.TURN_BLOCKS
    assert 0.8 * most < len(sent_orders) <= most


def test_orders_are_sent_at_each_delay_tolerance_and_size(sent_orders) -> None:
    waiting = sent_orders[~sent_orders["is_exposed"]]
    assert set(waiting["delay_blocks"].tolist()) == set(sent.WAIT_BLOCKS)
    assert set(waiting["tolerance_bp"].tolist()) == set(sent.WAIT_TOLERANCES_BP)
    assert set(sent_orders["size_usd"].tolist()) == {sent.SMALL_USD, *sent.ATTACK_SIZES_USD}


def test_only_exposed_orders_are_attacked_and_some_of_them_are(sent_orders) -> None:
    attacked = sent_orders["is_attacked"]
    assert attacked.any()
    assert sent_orders["is_exposed"][attacked].all()


def test_an_order_was_filled_or_reverted(sent_orders) -> None:
    assert (sent_orders["is_filled"] != sent_orders["is_reverted"]).all()


def test_half_of_a_tokens_time_is_loud(sent_orders) -> None:
    assert sent_orders["is_loud"].mean() == pytest.approx(0.5, abs=0.1)


def test_what_victims_lost_is_found_with_attackers_and_pools(sent_orders) -> None:
    recovered = sent_orders["recovered"][sent_orders["is_attacked"]]
    assert np.isfinite(recovered).any()
    assert np.nanmean(recovered) == pytest.approx(1.0, abs=0.005)
