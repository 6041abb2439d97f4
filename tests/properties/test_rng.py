"""Random numbers as functions: against numpy's generator and against Python integers."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twin_arithmetic import below, philox

from simulation import rng

LIMB = 1 << 64
word = st.sampled_from((0, 1, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, LIMB - 1)) | st.integers(0, LIMB - 1)
unhurried = settings(deadline=None, max_examples=200)


def ours(seed: int, stream: int, counter_0: int, counter_1: int) -> tuple[int, ...]:
    """Return the four words of the compiled generator as Python integers."""
    numbers = rng.words(np.uint64(seed), np.uint64(stream), np.uint64(counter_0), np.uint64(counter_1))
    return tuple(int(number) for number in numbers)


def numpys(seed: int, stream: int, counter_0: int, counter_1: int) -> np.random.Philox:
    """Return numpy's generator one step before a counter, since it steps before its first output."""
    before = (counter_0 + LIMB * counter_1 - 1) % LIMB**4
    limbs = [before // LIMB**place % LIMB for place in range(4)]
    return np.random.Philox(key=np.array([seed, stream], np.uint64), counter=np.array(limbs, np.uint64))


@unhurried
@given(seed=word, stream=word, counter_0=word, counter_1=word)
@example(seed=0, stream=0, counter_0=0, counter_1=0)
@example(seed=0, stream=0, counter_0=0, counter_1=1)
def test_the_words_are_those_of_numpys_philox(seed: int, stream: int, counter_0: int, counter_1: int) -> None:
    raw = numpys(seed, stream, counter_0, counter_1).random_raw(4)
    assert ours(seed, stream, counter_0, counter_1) == tuple(raw.tolist())


@unhurried
@given(seed=word, stream=word, counter_0=word, counter_1=word)
def test_the_words_are_those_of_the_twin(seed: int, stream: int, counter_0: int, counter_1: int) -> None:
    assert ours(seed, stream, counter_0, counter_1) == philox((seed, stream), (counter_0, counter_1, 0, 0))


@unhurried
@given(seed=word, stream=word, counter=word)
def test_a_uniform_number_is_the_one_that_numpy_makes_of_the_same_word(seed: int, stream: int, counter: int) -> None:
    first, *_ = ours(seed, stream, counter, 0)
    theirs = np.random.Generator(numpys(seed, stream, counter, 0)).random()
    assert rng.uniform(np.uint64(first)) == theirs


@unhurried
@given(drawn=word)
def test_a_uniform_number_is_never_one(drawn: int) -> None:
    assert 0.0 <= rng.uniform(np.uint64(drawn)) < 1.0


@unhurried
@given(drawn=word, bound=st.integers(1, 1 << 62))
def test_a_bounded_number_is_the_word_scaled_down(drawn: int, bound: int) -> None:
    scaled = rng.below(np.uint64(drawn), bound)
    assert scaled == below(drawn, bound)
    assert 0 <= scaled < bound


@unhurried
@given(word_0=word, word_1=word)
def test_normal_numbers_are_finite_whatever_the_words(word_0: int, word_1: int) -> None:
    longest = math.sqrt(2 * 53 * math.log(2)) + 1e-9
    assert math.hypot(*rng.normals(np.uint64(word_0), np.uint64(word_1))) <= longest


def test_normal_numbers_have_mean_zero_and_variance_one() -> None:
    draws = np.array([rng.normals(*(np.uint64(w) for w in ours(5, 6, block, 0)[:2])) for block in range(5_000)])
    assert np.all(np.abs(draws.mean(axis=0)) < 0.05)
    assert np.all(np.abs(draws.var(axis=0) - 1.0) < 0.08)


def test_streams_of_different_owners_share_no_number() -> None:
    owners = [stream + low for stream in rng.Stream for low in (0, 1, (1 << 32) - 1)]
    assert len({ours(1, owner, 0, 0) for owner in owners}) == len(owners)
