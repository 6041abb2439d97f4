"""Random pools of concentrated liquidity, and swaps in them, for properties."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from twin_concentrated import MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, MIN_TICK, Pool, get_sqrt_ratio_at_tick

from simulation.market.concentrated import TICK_SPACINGS

if TYPE_CHECKING:
    from random import Random

WORDS_AROUND = 3
"""Positions and limits reach so many bitmap words of 256 ticks to either side of the price."""
REACH = 256 * WORDS_AROUND
STEPS_MAX = 300 * WORDS_AROUND
FAR_SPACING = 60
"""From this spacing on, a swap may run over the whole range of prices: the twin walks each word."""

TIERS = sorted(TICK_SPACINGS.items())
FEE_PROTOCOLS = (0, 4, 7, 10)
POSITIONS_MAX = 5


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
    fee_pips, spacing = draw(st.sampled_from(TIERS))
    tick = draw(st.integers(MIN_TICK, MAX_TICK - 1))
    place = st.integers(-REACH, REACH).map(lambda offset: clipped(tick // spacing + offset, spacing))
    positions = draw(st.lists(st.tuples(place, place, sized(liquidity_bits)), max_size=POSITIONS_MAX))
    standing = draw(st.sampled_from((between, upon, below)))(tick, draw(st.integers(0, 2**32)), positions)
    return pool_with(positions, standing, fee_pips, spacing, draw(st.sampled_from(FEE_PROTOCOLS)))


def pool_with(positions, standing, fee_pips, spacing, fee_protocol) -> Pool:
    """Return the pool that has these positions, its price and tick being where they are."""
    price, tick = standing
    nets: Counter[int] = Counter()
    liquidity = 0
    for one, other, size in positions:
        low, high = sorted((one, other))
        nets.update({low: size})
        nets.subtract({high: size})
        liquidity += size if low <= tick < high else 0
    ticks = {place: net for place, net in nets.items() if net}
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
    if pool.tick_spacing >= FAR_SPACING and draw(st.integers(0, 7)) == 0:
        return farthest(zero_for_one)
    return limit_beyond(pool, zero_for_one, draw(st.integers(-1, STEPS_MAX)), draw(st.integers(-3, 3)))


def limit_beyond(pool: Pool, zero_for_one, steps: int, offset: int) -> int:
    """Return a price so many steps of ticks away, and a little off the tick's own."""
    way = -1 if zero_for_one else 1
    tick = max(MIN_TICK, min(pool.tick + steps * way * pool.tick_spacing, MAX_TICK))
    return get_sqrt_ratio_at_tick(tick) + offset


@st.composite
def swaps(draw: st.DrawFn) -> tuple[Pool, bool, int, int]:
    """Draw (pool, direction, specified amount, limit)."""
    pool, zero_for_one = draw(pools()), draw(st.booleans())
    specified = draw(sized(128)) * draw(st.sampled_from((1, -1)))
    return pool, zero_for_one, specified, draw(limits(pool, zero_for_one))


def random_swap(luck: Random) -> tuple[Pool, bool, int, int]:
    """Return such a swap, made in a tenth of the time that it takes to draw one: for when many are wanted."""
    fee_pips, spacing = luck.choice(TIERS)
    tick = luck.randrange(MIN_TICK, MAX_TICK)

    def place():
        return clipped(tick // spacing + luck.randint(-REACH, REACH), spacing)

    positions = [(place(), place(), random_size(luck, 122)) for _ in range(luck.randint(0, POSITIONS_MAX))]
    standing = luck.choice((between, upon, below))(tick, luck.randint(0, 2**32), positions)
    pool = pool_with(positions, standing, fee_pips, spacing, luck.choice(FEE_PROTOCOLS))
    zero_for_one, specified = luck.random() < 0.5, random_size(luck, 128) * luck.choice((1, -1))
    if spacing >= FAR_SPACING and luck.randrange(8) == 0:
        return pool, zero_for_one, specified, farthest(zero_for_one)
    limit = limit_beyond(pool, zero_for_one, luck.randint(-1, STEPS_MAX), luck.randint(-3, 3))
    return pool, zero_for_one, specified, limit


def random_size(luck: Random, bits: int) -> int:
    """Return an integer from 1 of any length up to so many bits."""
    return luck.getrandbits(length := luck.randrange(bits)) | 1 << length


def after(pool: Pool, done) -> Pool:
    """Return the pool as a swap left it."""
    return Pool(
        done.sqrt_price, done.tick, done.liquidity, pool.ticks, pool.fee_pips, pool.tick_spacing, pool.fee_protocol
    )


def farthest(zero_for_one) -> int:
    """Return the price limit that never binds."""
    return MIN_SQRT_RATIO + 1 if zero_for_one else MAX_SQRT_RATIO - 1
