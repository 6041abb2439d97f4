"""Random pools of concentrated liquidity, and swaps in them, for properties."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st
from twin_concentrated import MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, MIN_TICK, Pool, get_sqrt_ratio_at_tick

from simulation.market.concentrated import TICK_SPACINGS

WORDS_AROUND = 3
"""Positions and limits reach so many bitmap words of 256 ticks to either side of the price."""
FAR_SPACING = 60
"""From this spacing on, a swap may run over the whole range of prices: the twin walks each word."""


def sized(bits: int) -> st.SearchStrategy[int]:
    """Return integers from 1 of all lengths up to so many bits."""
    return st.integers(0, bits - 1).flatmap(lambda length: st.integers(1 << length, (2 << length) - 1))


prices = st.builds(lambda offset: MIN_SQRT_RATIO + offset % (MAX_SQRT_RATIO - MIN_SQRT_RATIO), sized(160))


def clipped(tick: int, spacing: int) -> int:
    """Return a spaced tick inside the range of all ticks."""
    last = MAX_TICK // spacing
    return max(-last, min(tick, last)) * spacing


@st.composite
def pools(draw: st.DrawFn, liquidity_bits: int = 122) -> Pool:
    """Draw a tier, a price, and positions around it; the price may stand exactly on a tick, come from either side."""
    fee_pips, spacing = draw(st.sampled_from(sorted(TICK_SPACINGS.items())))
    tick = draw(st.integers(MIN_TICK, MAX_TICK - 1))
    reach = 256 * WORDS_AROUND
    place = st.integers(-reach, reach).map(lambda offset: clipped(tick // spacing + offset, spacing))
    positions = draw(st.lists(st.tuples(place, place, sized(liquidity_bits)), max_size=5))
    price, tick = draw(st.sampled_from((between, upon, below)))(tick, draw(st.integers(0, 2**32)), positions)
    nets: Counter[int] = Counter()
    liquidity = 0
    for one, other, size in positions:
        low, high = sorted((one, other))
        nets.update({low: size})
        nets.subtract({high: size})
        liquidity += size if low <= tick < high else 0
    ticks = {place: net for place, net in nets.items() if net}
    fee_protocol = draw(st.sampled_from((0, 4, 7, 10)))
    return Pool(price, tick, liquidity, ticks, fee_pips, spacing, fee_protocol)


def between(tick, fraction, _positions):
    """Return a price inside a tick."""
    low, high = get_sqrt_ratio_at_tick(tick), get_sqrt_ratio_at_tick(tick + 1)
    return low + ((high - low - 1) * fraction >> 32), tick


def upon(tick, fraction, positions):
    """Return the price of a position's tick, as after reaching it upwards."""
    places = [place for position in positions for place in position[:2] if MIN_TICK < place < MAX_TICK] or [tick]
    tick = max(places[fraction % len(places)], MIN_TICK + 1)
    return get_sqrt_ratio_at_tick(tick), tick


def below(tick, fraction, positions):
    """Return the same, as after crossing it downwards."""
    price, tick = upon(tick, fraction, positions)
    return price, tick - 1


@st.composite
def limits(draw: st.DrawFn, pool: Pool, zero_for_one) -> int:
    """Draw a price limit, mostly on the right side."""
    way = -1 if zero_for_one else 1
    if pool.tick_spacing >= FAR_SPACING and draw(st.integers(0, 7)) == 0:
        return MIN_SQRT_RATIO + 1 if zero_for_one else MAX_SQRT_RATIO - 1
    steps = draw(st.integers(-1, 300 * WORDS_AROUND)) * way * pool.tick_spacing
    edge = get_sqrt_ratio_at_tick(max(MIN_TICK, min(pool.tick + steps, MAX_TICK)))
    return edge + draw(st.integers(-3, 3))


@st.composite
def swaps(draw: st.DrawFn) -> tuple[Pool, bool, int, int]:
    """Draw (pool, direction, specified amount, limit)."""
    pool, zero_for_one = draw(pools()), draw(st.booleans())
    specified = draw(sized(128)) * draw(st.sampled_from((1, -1)))
    return pool, zero_for_one, specified, draw(limits(pool, zero_for_one))


def after(pool: Pool, done) -> Pool:
    """Return the pool as a swap left it."""
    return Pool(
        done.sqrt_price, done.tick, done.liquidity, pool.ticks, pool.fee_pips, pool.tick_spacing, pool.fee_protocol
    )


def farthest(zero_for_one) -> int:
    """Return the price limit that never binds."""
    return MIN_SQRT_RATIO + 1 if zero_for_one else MAX_SQRT_RATIO - 1
