"""Each statistic on a series whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulation.market import statistics as st

N = 100_000


@pytest.fixture
def random():
    return np.random.default_rng(7)


@pytest.fixture
def noise(random):
    return random.standard_normal(N)


def first_order(noise: np.ndarray, keep: float) -> np.ndarray:
    values = np.empty_like(noise)
    values[0] = noise[0] / math.sqrt(1.0 - keep**2)
    for at in range(1, len(noise)):
        values[at] = keep * values[at - 1] + noise[at]
    return values


def test_returns_over_several_samples_do_not_overlap() -> None:
    assert st.log_returns(np.array([0.0, 1.0, 3.0, 6.0, 10.0]), 2).tolist() == [3.0, 7.0]


def test_returns_of_several_tokens_are_taken_for_each() -> None:
    assert st.log_returns(np.array([[0.0, 1.0], [2.0, 5.0]])).tolist() == [[2.0, 4.0]]


def test_hourly_noise_of_one_percent_is_4_9_percent_a_day(noise) -> None:
    assert st.volatility_per_day(0.01 * noise, 24) == pytest.approx(0.01 * math.sqrt(24), rel=0.01)


@pytest.mark.parametrize(("draw", "kurtosis"), [("standard_normal", 0.0), ("laplace", 3.0), ("uniform", -1.2)])
def test_excess_kurtosis_is_that_of_the_distribution(random, draw, kurtosis) -> None:
    assert st.excess_kurtosis(getattr(random, draw)(size=10 * N)) == pytest.approx(kurtosis, abs=0.1)


def test_one_jump_among_calm_returns_has_a_kurtosis_that_follows_from_its_share() -> None:
    returns = np.zeros(1000)
    returns[500] = 1.0  # a Bernoulli variable of p = 1 / 1000
    p = 1e-3
    assert st.excess_kurtosis(returns) == pytest.approx((1 - 6 * p * (1 - p)) / (p * (1 - p)))


@pytest.mark.parametrize("exponent", [2.0, 3.0, 5.0])
def test_the_tail_of_a_pareto_variable_of_either_sign_has_its_exponent(random, exponent) -> None:
    values = (1.0 + random.pareto(exponent, N)) * random.choice([-1.0, 1.0], N)
    assert st.hill_exponent(values) == pytest.approx(exponent, rel=0.05)


def test_white_noise_does_not_remember(noise) -> None:
    for lag in (1, 10, 168):
        assert abs(st.autocorrelation(noise, lag)) < 0.015


def test_a_first_order_process_forgets_by_the_power_of_its_lag(noise) -> None:
    values = first_order(noise, 0.9)
    for lag in (1, 5, 10):
        assert st.autocorrelation(values, lag) == pytest.approx(0.9**lag, abs=0.02)


def test_tokens_that_share_half_of_their_variance_correlate_by_half(random) -> None:
    shared, own, other = random.standard_normal((3, N))
    assert st.correlation(np.stack([shared + own, shared + other], axis=1)) == pytest.approx(0.5, abs=0.01)


def test_realised_volatility_is_the_root_of_a_days_squares() -> None:
    returns = np.array([3.0, 4.0, 6.0, 8.0, 1.0])  # the last day is not whole
    assert np.exp(st.log_realised_volatility(returns, 2)) == pytest.approx([5.0, 10.0])


def test_a_day_without_any_move_has_no_realised_volatility() -> None:
    assert np.exp(st.log_realised_volatility(np.array([0.0, 0.0, 3.0, 4.0]), 2)) == pytest.approx([5.0])


def test_a_price_lies_in_the_tick_below_it() -> None:
    assert st.ticks(np.log([1.0, 1.00005, 1.0002, 0.99995])).tolist() == [0.0, 0.0, 1.0, -1.0]


def test_the_still_share_counts_samples_equal_to_the_one_before() -> None:
    assert st.still_share(np.array([1.0, 1.0, 2.0, 2.0, 1.0])) == 0.5


def test_the_farthest_distance_may_be_on_either_side() -> None:
    assert st.farthest(np.array([0.2, -0.7, 0.5])) == 0.7


def test_blocks_at_either_edge_have_an_arbitrage() -> None:
    assert st.edge_share(np.array([1.0, -1.0, 0.5, 0.999, 0.0])) == pytest.approx(0.4)


def clamped(reference: np.ndarray) -> np.ndarray:
    """Follow a reference price in fee bands as an arbitrageur lets a pool that nobody else trades in."""
    pool, at = np.empty_like(reference), 0.0
    for block, price in enumerate(reference):
        at = min(max(at, price - 1.0), price + 1.0)
        pool[block] = at
    return pool


@pytest.mark.parametrize("deviation", [1.2, 0.4, 0.2])
def test_arbitrages_are_as_frequent_as_the_formula_says(noise, deviation) -> None:
    reference = np.cumsum(deviation * noise)
    share = st.edge_share(clamped(reference) - reference)
    assert share == pytest.approx(st.arbitrage_share(np.array([deviation]))[0], rel=0.05)


@pytest.mark.parametrize(
    ("fee_bp", "per_day", "share"), [(5, 0.05, 0.49), (30, 0.05, 0.125), (30, 0.10, 0.225), (100, 0.05, 0.042)]
)
def test_the_formula_gives_the_shares_that_were_simulated_before(fee_bp, per_day, share) -> None:
    deviation = per_day / math.sqrt(7200) / (fee_bp * 1e-4)
    assert st.arbitrage_share(np.array([deviation]))[0] == pytest.approx(share, rel=0.05)


def test_a_pool_that_is_arbitraged_at_once_has_all_arbitrages_that_are_expected(noise) -> None:
    quiet_and_wild = np.where(np.arange(N) // 5000 % 2, 0.1, 0.6)
    reference = np.cumsum(quiet_and_wild * noise)
    assert st.arbitrage_ratio(np.stack([clamped(reference), reference], axis=1)) == pytest.approx(1.0, abs=0.05)


def test_a_pool_that_stands_still_has_no_arbitrages(noise) -> None:
    track = np.stack([np.full(N, 1e6), np.cumsum(noise)], axis=1)
    track[:, 0] = track[:, 1]
    assert st.arbitrage_ratio(track) == 0.0


def test_moves_by_chance_do_not_bunch(random) -> None:
    assert st.clustering(np.cumsum(random.random(N) < 0.3), 25) == pytest.approx(1.0, abs=0.05)


def test_moves_that_come_in_full_windows_bunch_as_much_as_can_be(random) -> None:
    moves = np.repeat(random.random(N // 25) < 0.5, 25)
    assert st.clustering(np.concatenate([[0], np.cumsum(moves)]), 25) == pytest.approx(25.0, rel=0.01)


def after(fee: int, used: int, limit: int) -> int:
    """EIP-1559 as it is written, for a denominator of 8 and an elasticity of 2."""
    target = limit // 2
    if used == target:
        return fee
    step = fee * abs(used - target) // target // 8
    return fee + max(1, step) if used > target else fee - step


@pytest.fixture
def chain(random):
    """Return base fees in wei and the gas that the blocks used, of a limit of 36 million."""
    used = random.integers(0, 36_000_001, 2000)
    used[:4] = 0, 36_000_000, 18_000_000, 18_000_001
    fees = [12_345_678_901]
    for gas in used.tolist():
        fees.append(after(fees[-1], gas, 36_000_000))
    return np.array(fees), used


def test_utilisation_is_read_off_the_base_fee(chain) -> None:
    fees, used = chain
    assert st.utilisation(fees, 2, 8) == pytest.approx(used / 36_000_000, abs=1e-6)


def test_every_step_of_the_rule_is_lawful(chain) -> None:
    assert st.lawful_steps(chain[0], 36_000_000, 2, 8).all()


@pytest.mark.parametrize(
    ("now", "then"), [(8_000_000_000, 9_000_000_001), (8_000_000_000, 6_999_999_999), (10**12, 10**12 + 5)]
)
def test_a_step_too_far_or_between_two_amounts_of_gas_is_not_lawful(now, then) -> None:
    assert st.lawful_steps(np.array([now, then]), 36_000_000, 2, 8).tolist() == [False]


def test_a_base_fee_of_one_wei_can_rise_but_not_fall() -> None:
    assert st.lawful_steps(np.array([1, 2, 1]), 36_000_000, 2, 8).tolist() == [True, False]


def test_a_stale_fee_is_wrong_by_what_it_moved_since() -> None:
    assert st.stale_fee_errors(np.array([10.0, 11.0, 8.0, 22.0]), 2) == pytest.approx([0.2, 1.0])
