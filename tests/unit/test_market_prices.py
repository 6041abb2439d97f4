"""Reference prices: as restless as the real ones, clustered, correlated, fair, and each class true to its name."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_twin import twin_bell, twin_log_prices

from simulation.jit import compiled
from simulation.market import prices, regimes
from simulation.market.noise import bell
from simulation.market.synthetic import SyntheticSource
from simulation.settings.gas import Gas
from simulation.settings.market import Regime, SyntheticMarket, Token

BLOCK_TIME_MS = 12_000
HOUR, DAY = 300, 7_200


def token(symbol: str, token_class: str, **others: str) -> Token:
    return Token(
        symbol=symbol,
        name=symbol,
        token_class=token_class,
        price_usd=1.0,
        pools=({"liquidity_usd": 1e8, "fee_bp": 1},),
        **others,
    )


WETH, WBTC = token("WETH", "major"), token("WBTC", "major")
LINK, UNI = token("LINK", "mid"), token("UNI", "mid")
PEPE, SHIB = token("PEPE", "meme"), token("SHIB", "meme")
CLASSIC = (WETH, WBTC, LINK, UNI, PEPE, SHIB)


def open_market(
    *tokens: Token, seed: int = 1, regime: Regime = Regime.NORMAL, block_time_ms: int = BLOCK_TIME_MS, week_ms: int = 0
) -> SyntheticSource:
    return SyntheticSource(SyntheticMarket(tokens=tokens, regime=regime), Gas(), seed, block_time_ms, week_ms)


@compiled
def record_prices(paths, noises, processes, sectors, rates, week, seed, first_block, blocks, log):
    for at in range(len(log)):
        for step in range(blocks):
            block = first_block + at * blocks + step
            prices.step_prices(paths, noises, processes, sectors, rates[0], week, seed, block)
        for i in range(log.shape[1]):
            log[at, i] = paths[i].price


def log_prices(source: SyntheticSource, n: int, blocks: int, first_block: int = 0) -> np.ndarray:
    """Return the log reference prices of all tokens after each of ``n`` stretches of some blocks."""
    log = np.zeros((n, len(source.tokens)))
    carried, engine = source.begin(), source._engine
    record_prices(
        carried.paths, carried.noises, engine._processes, engine._sectors, engine._rates, engine._week, engine._seed,
        first_block, blocks, log,
    )  # fmt: skip
    return log


def excess_kurtosis(values: np.ndarray) -> float:
    centered = values - values.mean()
    return float((centered**4).mean() / (centered**2).mean() ** 2 - 3)


def hill(values: np.ndarray, share: float = 0.05) -> float:
    """Return the tail exponent (Hill 1975) of the largest ``share`` of absolute values."""
    largest = np.sort(np.abs(values))[-int(len(values) * share) :]
    return float(1.0 / np.log(largest[1:] / largest[0]).mean())


def autocorrelation(values: np.ndarray, lag: int) -> float:
    return float(np.corrcoef(values[lag:], values[:-lag])[0, 1])


@cache
def minutes() -> list[np.ndarray]:
    """Return log returns of a minute of the classic tokens over 240 days, one array a seed."""
    return [np.diff(log_prices(open_market(*CLASSIC, seed=s), 240 * 1440 + 1, 5), axis=0) for s in range(5)]


def summed(minutes_each: int) -> list[np.ndarray]:
    """Return the log returns of longer bars, one array a seed."""
    return [of_seed.reshape(-1, minutes_each, len(CLASSIC)).sum(axis=1) for of_seed in minutes()]


@cache
def hours() -> list[np.ndarray]:
    return summed(60)


@cache
def days(block_time_ms: int = 600_000) -> np.ndarray:
    """Return daily log returns of a major, a mid, a meme, a year of each of many seeds."""
    return np.concatenate(
        [
            np.diff(log_prices(open_market(WETH, LINK, PEPE, seed=seed, block_time_ms=block_time_ms), 365, 144), axis=0)
            for seed in range(60)
        ]
    )


# Against the measured figures: docs/market/prices.md.


@pytest.mark.parametrize(("at", "daily"), [(0, 0.042), (1, 0.056), (2, 0.087)], ids=["major", "mid", "meme"])
def test_volatility_is_that_of_the_class(at: int, daily: float) -> None:
    assert days()[:, at].std() == pytest.approx(daily, rel=0.15)


@pytest.mark.parametrize("at", range(6), ids=[listed.symbol for listed in CLASSIC])
def test_returns_have_fat_tails_that_thin_out_with_the_horizon(at: int) -> None:
    minute, hourly, daily = (np.concatenate(summed(length))[:, at] for length in (1, 60, 1440))
    assert excess_kurtosis(minute) > excess_kurtosis(hourly) > excess_kurtosis(daily)
    assert 8 < excess_kurtosis(hourly) < 60
    assert 2.0 < np.median([hill(of_seed[:, at]) for of_seed in hours()]) < 3.3


def test_minutes_of_a_major_are_no_wilder_than_measured() -> None:
    assert 10 < np.median([excess_kurtosis(of_seed[:, 0]) for of_seed in minutes()]) < 45


@pytest.mark.parametrize("at", range(6), ids=[listed.symbol for listed in CLASSIC])
def test_volatility_comes_in_clusters_and_returns_do_not(at: int) -> None:
    def median(values: list[float]) -> float:
        return float(np.median(values))

    sizes = [np.abs(of_seed[:, at]) for of_seed in hours()]
    assert abs(median([autocorrelation(of_seed[:, at], 1) for of_seed in hours()])) < 0.05
    assert 0.15 < median([autocorrelation(size, 1) for size in sizes]) < 0.40
    assert median([autocorrelation(size, 24) for size in sizes]) > 0.04
    assert median([autocorrelation(size, 168) for size in sizes]) > 0.0


def test_a_restless_day_is_followed_by_restless_weeks() -> None:
    logs = []
    for seed in range(5):
        hourly = np.diff(log_prices(open_market(WETH, seed=seed, block_time_ms=60_000), 5 * 365 * 24 + 1, 60)[:, 0])
        logs.append(0.5 * np.log((hourly.reshape(-1, 24) ** 2).sum(axis=1)))
    assert 0.5 < np.median([autocorrelation(log, 1) for log in logs]) < 0.8
    assert 0.15 < np.median([autocorrelation(log, 30) for log in logs]) < 0.5


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [(0, 1, 0.80, 0.92), (0, 2, 0.70, 0.90), (1, 3, 0.70, 0.90), (0, 4, 0.40, 0.65), (1, 5, 0.40, 0.65),
     (4, 5, 0.43, 0.59)],
    ids=["major-major", "major-mid", "another major-mid", "major-meme", "another major-meme", "meme-meme"],
)  # fmt: skip
def test_tokens_move_together_as_their_classes_do(one: int, other: int, least: float, most: float) -> None:
    correlations = [np.corrcoef(of_seed.T)[one, other] for of_seed in hours()]
    assert least < np.median(correlations) < most


def test_tokens_of_one_sector_move_more_together_than_others_of_their_class() -> None:
    tokens = [token(f"M{at}", "meme", sector=sector) for at, sector in enumerate(("dogs", "dogs", "frogs"))]
    log = np.concatenate([np.diff(log_prices(open_market(*tokens, seed=s), 1000, HOUR), axis=0) for s in range(3)])
    correlations = np.corrcoef(log.T)
    assert correlations[0, 1] > correlations[0, 2] + 0.1


# Fair, and the same in plain Python.


@pytest.mark.parametrize("regime", [Regime.NORMAL, Regime.CALM])
def test_prices_are_martingales_on_average(regime: Regime) -> None:
    finals = []
    for seed in range(150):
        memes = (token(f"M{i}", "meme") for i in range(4))
        source = open_market(*memes, seed=seed, regime=regime, block_time_ms=600_000)
        finals.extend(np.exp(log_prices(source, 1, 1008)[0]))
    assert np.mean(finals) == pytest.approx(1.0, abs=0.05)


def test_volatility_of_a_class_leaves_room_for_its_jumps() -> None:
    for character in prices.CHARACTERS.values():
        jumps = character.jumps_per_day * (character.jump_mean**2 + character.jump_deviation**2)
        assert jumps < character.own_volatility**2


def test_the_bell_is_a_sum_of_four_uniform_numbers() -> None:
    rng = np.random.default_rng(1)
    words = rng.integers(0, 2**64, 200_000, dtype=np.uint64)
    numbers = np.array([bell(word) for word in words])
    assert [twin_bell(int(word)) for word in words[:1000]] == numbers[:1000].tolist()
    assert twin_bell(0) == -twin_bell(2**64 - 1)
    assert numbers.mean() == pytest.approx(0.0, abs=0.01)
    assert numbers.std() == pytest.approx(1.0, abs=0.01)
    assert excess_kurtosis(numbers) == pytest.approx(-0.3, abs=0.05)


@pytest.mark.parametrize("regime", [Regime.NORMAL, Regime.CRASH, Regime.CHOP])
@pytest.mark.parametrize("one", [WETH, PEPE, token("NEW", "new_meme"), token("DAI", "stable")], ids=lambda t: t.symbol)
def test_the_slow_twin_gives_the_same_prices(one: Token, regime: Regime) -> None:
    source = open_market(one, seed=3, regime=regime, block_time_ms=60_000, week_ms=5 * 86_400_000)
    fast = log_prices(source, 3_000, 1, -9)[:, 0]
    assert twin_log_prices(source, 3_000, -9) == fast.tolist()


@settings(deadline=None, max_examples=40)
@given(
    regime=st.sampled_from(Regime),
    first_block=st.integers(-2000, 30_000),
    cuts=st.lists(st.integers(0, 60), min_size=1, max_size=8),
)
def test_every_class_and_regime_is_the_same_however_it_is_cut(
    regime: Regime, first_block: int, cuts: list[int]
) -> None:
    source = open_market(WETH, PEPE, token("NEW", "new_meme"), token("DAI", "stable", sector="coins"), regime=regime)
    source._engine._processes["jump_chance"] = source._engine._processes["rug_chance"] = 0.05
    carried, block = source.begin(), first_block
    for n_blocks in cuts:
        carried, block = source.skip(carried, block, n_blocks), block + n_blocks
    whole = source.skip(source.begin(), first_block, sum(cuts))
    assert (carried.paths.tobytes(), carried.noises.tobytes()) == (whole.paths.tobytes(), whole.noises.tobytes())


# What a single mechanism does.


def quiet(source: SyntheticSource) -> SyntheticSource:
    """Return the market without noise and drift, so that what a test sets is all that moves."""
    source._engine._rates["market_deviation"] = source._engine._rates["unit_deviation"] = 0.0
    source._engine._processes["own_deviation"] = source._engine._processes["drift"] = 0.0
    return source


def test_no_block_holds_more_than_a_twelfth_of_a_jump() -> None:
    source = quiet(open_market(PEPE))
    source._engine._processes["jump_chance"] = 1e-3
    steps = np.diff(log_prices(source, 30_000, 1)[:, 0])
    starts = np.flatnonzero((steps[1:] != 0) & (steps[:-1] == 0)) + 1
    ends = np.flatnonzero((steps[1:] == 0) & (steps[:-1] != 0)) + 1
    lengths = ends[: len(starts)] - starts[: len(ends)]
    assert len(lengths) > 5
    assert lengths.min() >= prices.JUMP_BLOCKS[0]


def test_memes_jump_up_more_than_down() -> None:
    source = quiet(open_market(PEPE))
    source._engine._processes["jump_chance"] = 0.1
    assert log_prices(source, 1, 20_000)[0, 0] > 0


def test_the_bounds_of_a_price_hold() -> None:
    source = open_market(PEPE)
    source._engine._processes["own_deviation"] = 1.0
    assert np.abs(log_prices(source, 200, 50)).max() == np.log(prices.MAX_MOVE)


def test_a_stable_coin_stays_at_its_price() -> None:
    source = open_market(token("DAI", "stable"))
    log = log_prices(source, 60 * 24, HOUR)[:, 0]
    assert np.quantile(np.abs(log), 0.9) < 0.001
    assert 0.0002 < np.median(np.abs(np.diff(log))) / 0.6745 * 24**0.5 < 0.001


def test_a_depeg_heals() -> None:
    source = open_market(token("DAI", "stable"))
    carried = source.begin()
    carried.paths["price"][0] = -0.10
    after_a_day = source.skip(carried, 0, DAY)
    assert -0.02 < after_a_day.paths["price"][0] < -0.003
    assert abs(source.skip(after_a_day, DAY, 2 * DAY).paths["price"][0]) < 0.003


# Rug pulls.

NEWCOMERS = tuple(token(f"NEW{at}", "new_meme") for at in range(60))


@cache
def rug_pull() -> tuple[np.void, np.void, SyntheticSource, object, int]:
    """Return a path before and in the block of its rug pull, and where its market stands then."""
    source = open_market(token("NEW1", "new_meme"), seed=2)
    carried = source.begin()
    for block in range(0, 60 * DAY, 4):  # a beat begins at each
        after = source.skip(carried, block, 1)
        if after.paths["rugged"][0]:
            return carried.paths[0], after.paths[0], source, after, block + 1
        carried = source.skip(after, block + 1, 3)
    raise AssertionError("no rug pull in sixty days")


def test_as_many_new_memes_die_in_three_days_as_were_measured() -> None:
    """44.7 % of pools lived from half an hour to three days (Coinfirm, 2022)."""
    dead = [open_market(*NEWCOMERS, seed=seed) for seed in range(4)]
    shares = [(source.skip(source.begin(), 0, 3 * DAY).paths["rugged"][:60] > 0).mean() for source in dead]
    assert np.mean(shares) == pytest.approx(0.447, abs=0.08)


def test_no_token_is_dead_before_block_0() -> None:
    source = open_market(*NEWCOMERS)
    assert (source.skip(source.begin(), -20 * DAY, 20 * DAY).paths["rugged"] == prices.ALIVE).all()


def test_a_rug_pull_takes_price_and_liquidity_in_one_block() -> None:
    before, after, *_ = rug_pull()
    assert after["rugged"] == prices.RUGGING
    assert 0.01 * 0.99 <= np.exp(after["rug_price"]) <= 0.05 * 1.01
    assert 0.01 * 0.99 <= np.exp(after["rug_depth"]) <= 0.10 * 1.01
    assert after["price"] - before["price"] == pytest.approx(after["rug_price"], abs=0.2)
    assert after["depth"] - before["depth"] == pytest.approx(after["rug_depth"], abs=0.1)


def test_after_a_rug_pull_the_token_stays_dead() -> None:
    _, after, source, carried, block = rug_pull()
    path = source.skip(carried, block, 1000).paths[0]
    assert path["rugged"] == prices.DEAD
    assert (path["price"], path["depth"]) == (after["price"], after["depth"])


def test_a_living_new_meme_moves_a_quarter_a_day() -> None:
    hourly = []
    for seed in range(4):
        source = open_market(*NEWCOMERS[:8], seed=seed)
        source._engine._processes["rug_chance"] = 0.0
        hourly.append(np.diff(log_prices(source, 24 * 40, HOUR), axis=0))
    assert 0.20 < np.concatenate(hourly).std() * 24**0.5 < 0.30


# Regimes.


def first_shock(regime: Regime) -> float:
    source = open_market(WETH, regime=regime)
    return float(source.skip(source.begin(), 0, 1).noises["shock"][-1])


@pytest.mark.parametrize("regime", [Regime.CALM, Regime.BEAR, Regime.CONGESTED])
def test_a_regime_scales_all_volatility(regime: Regime) -> None:
    factor = regimes.WEATHER[regime].volatility
    assert first_shock(regime) == pytest.approx(factor * first_shock(Regime.NORMAL), rel=1e-12)


@pytest.mark.parametrize(("regime", "daily"), [(Regime.BULL, 0.008), (Regime.BEAR, -0.008)])
def test_the_market_drifts_in_bull_and_bear(regime: Regime, daily: float) -> None:
    log = log_prices(quiet(open_market(WETH, LINK, regime=regime)), 1, 10 * DAY)[0]
    assert log == pytest.approx([10 * daily, 12.5 * daily], abs=0.15 * abs(daily) * 10 + 0.08)


@pytest.mark.parametrize("seed", range(5))
def test_a_crash_takes_a_quarter_or_more_within_hours_of_the_first_days(seed: int) -> None:
    source = quiet(open_market(WETH, seed=seed, regime=Regime.CRASH))
    source._engine._processes["jump_chance"] = 0.0
    log = log_prices(source, 3 * 24, HOUR)[:, 0]
    assert 0.25 - 1e-9 <= 1 - np.exp(log[-1]) <= 0.40 + 1e-9
    falling = np.flatnonzero(np.diff(log) < 0)
    assert 2 <= len(falling) <= 14
    assert falling[0] >= 5


def test_each_seed_crashes_at_its_own_time() -> None:
    assert len({regimes.crash_of(Regime.CRASH, seed, BLOCK_TIME_MS) for seed in range(5)}) == 5


def test_volatility_calms_down_after_a_crash() -> None:
    crash = regimes.crash_of(Regime.CRASH, 1, BLOCK_TIME_MS)
    normal, wild = (open_market(WETH, regime=regime) for regime in (Regime.NORMAL, Regime.CRASH))

    def factor(block: int) -> float:
        ratio = [float(source.skip(source.begin(), block, 1).noises["factor"][0]) for source in (wild, normal)]
        return ratio[0] / ratio[1]

    at_the_end, after_a_day, before = (
        factor(block // 4 * 4) for block in (crash.until_block - 4, crash.until_block + DAY, crash.from_block - 4)
    )
    base = regimes.WEATHER[Regime.CRASH].volatility
    assert (before, at_the_end) == pytest.approx((base, 3 * base))
    assert after_a_day == pytest.approx(2 * base, rel=0.01)


def test_chop_leads_nowhere() -> None:
    ends = [
        log_prices(open_market(WETH, seed=s, regime=Regime.CHOP, block_time_ms=600_000), 60, 144) for s in range(10)
    ]
    normal = [log_prices(open_market(WETH, seed=s, block_time_ms=600_000), 60, 144) for s in range(10)]
    assert np.abs(np.array(ends)[:, -10:]).mean() < 0.3 * np.abs(np.array(normal)[:, -10:]).mean()
