"""Swaps that happened on mainnet, swapped again: every amount and price to the wei.

USDC/WETH 0.05 % on 2024-01-05, and the tick map of WBTC/WETH 0.3 % at block 24,407,242. Sources of the recordings:
zelos-alpha/demeter-fetch@2fda05e6cd, tests/samples/ethereum-0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640-2024-01-05.pool.tick.csv
(Apache-2.0); BowTiedDevil/degenbot@1fb8d74b21, tests/fixtures/chain_data/1/ (MIT). The sample holds 90 swaps of each direction
and kind; the whole day is read where ``../shared`` stands beside the checkout.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from itertools import accumulate, pairwise
from pathlib import Path

import concentrated_calls as compiled
import pytest
import twin_concentrated as twin

SAMPLE = Path(__file__).parent / "data" / "v3_real_swaps_sample.csv"
SHARED = Path(__file__).parents[3] / "shared"
WHOLE = SHARED / "vectors" / "v3_real_swaps_usdc_weth_005_2024-01-05.csv"
DAY = SHARED / "market" / "univ3_mainnet_usdc_weth_005_2024-01-05.events.csv"
MAP = SHARED / "market" / "univ3_mainnet_wbtc_weth_030_liquidity_block_24407242.json"
MAKERS = {"compiled": compiled, "twin": twin}
EVERYTHING = 1 << 120
SWAPS_FROM_THEIR_AMOUNTS_AT_LEAST = 5_250
SWAPS_OF_THE_DAY_AT_LEAST = 5_373
"""The difference stopped at a price limit of their own, which no event records: it is the price after them."""

both = pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)


def shared(path):
    """Return a recording that is too large for the repository, or say that it is not here."""
    if not path.exists():
        pytest.skip(f"needs {path.name} in ../shared/{path.parent.name} beside the checkout")
    return path.read_text()


def lone_range(sqrt_price, liquidity, fee_pips=500):
    """Return a pool whose range has no end: right for swaps that stayed in theirs."""
    tick = twin.get_tick_at_sqrt_ratio(sqrt_price)
    return twin.Pool(sqrt_price, tick, liquidity, {}, fee_pips, tick_spacing=10)


def farthest(zero_for_one):
    """Return the price limit that never binds."""
    return twin.MIN_SQRT_RATIO + 1 if zero_for_one else twin.MAX_SQRT_RATIO - 1


def swapped(maker, pool, zero_for_one, specified, limit=None):
    """Return (amount in, amount out, price after) of a swap, by default without a limit."""
    limit = farthest(zero_for_one) if limit is None else limit
    done = maker.swap(pool, zero_for_one, specified, limit)
    return done.amount_in, done.amount_out, done.sqrt_price


def differing(maker, recording):
    """Return the recorded swaps that come out otherwise."""
    found = []
    for row in csv.DictReader(recording.splitlines()):
        amount_in, amount_out = int(row["amount_in_incl_fee"]), int(row["amount_out"])
        pool = lone_range(int(row["sqrt_price_x96_before"]), int(row["liquidity"]), int(row["fee_pips"]))
        specified = amount_in if row["kind"] == "exact_in" else -amount_out
        recorded = amount_in, amount_out, int(row["sqrt_price_x96_after"])
        if swapped(maker, pool, row["zero_for_one"] == "1", specified) != recorded:
            found.append(row["tx_hash"])
    return found


@both
def test_recorded_swaps_come_out_to_the_wei(maker):
    assert differing(maker, SAMPLE.read_text()) == []


@both
def test_all_recorded_swaps_of_the_day_come_out_to_the_wei(maker):
    assert differing(maker, shared(WHOLE)) == []


def swaps_within_their_range(recording):
    """Yield (event before, swap) where no liquidity came or went between the two and none was crossed."""
    for before, event in pairwise(csv.DictReader(recording.splitlines())):
        kinds = before["tx_type"], event["tx_type"]
        if kinds == ("SWAP", "SWAP") and before["total_liquidity"] == event["total_liquidity"]:
            yield before, event


def explanation(pool, zero_for_one, recorded):
    """Return the request that comes to a recorded swap, if any: its input, its output, or its price as the limit."""
    amount_in, amount_out, price = recorded
    if swapped(compiled, pool, zero_for_one, amount_in) == recorded:
        return "exact input"
    if swapped(compiled, pool, zero_for_one, -amount_out) == recorded:
        return "exact output"
    return "price limit" if swapped(compiled, pool, zero_for_one, EVERYTHING, price) == recorded else "none"


def test_a_recorded_day_is_reproduced_from_the_state_before_each_swap():
    found = Counter()
    for before, event in swaps_within_their_range(shared(DAY)):
        pool = lone_range(int(before["sqrtPriceX96"]), int(before["total_liquidity"]))
        amounts = int(event["amount0"]), int(event["amount1"])
        recorded = max(amounts), -min(amounts), int(event["sqrtPriceX96"])
        found[explanation(pool, amounts[0] > 0, recorded)] += 1
    assert found["none"] == 0
    assert found["exact input"] + found["exact output"] >= SWAPS_FROM_THEIR_AMOUNTS_AT_LEAST
    assert found.total() >= SWAPS_OF_THE_DAY_AT_LEAST


def recorded_map():
    """Return the recorded pool with its whole tick map."""
    recording = json.loads(shared(MAP))
    state = recording["scalars"]
    ticks = {int(tick): net for tick, (_, net, _) in recording["tick_data"].items()}
    return twin.Pool(
        state["sqrt_price_x96"], state["tick"], state["liquidity"], ticks, state["fee"], state["tick_spacing"]
    )


def test_the_nets_of_a_recorded_tick_map_add_up_to_its_liquidity_and_to_nothing():
    pool = recorded_map()
    below = list(accumulate(pool.ticks[tick] for tick in sorted(pool.ticks) if tick <= pool.tick))
    assert below[-1] == pool.liquidity
    assert sum(pool.ticks.values()) == 0


@pytest.mark.parametrize("zero_for_one", [True, False], ids=["WBTC in", "WETH in"])
def test_swaps_of_all_sizes_over_a_recorded_tick_map_equal_the_twin_s(zero_for_one):
    pool = recorded_map()
    limit = farthest(zero_for_one)
    crossed = []
    for digits in range(1, 25):
        for specified in (7 * 10**digits, -(10**digits)):
            done = compiled.swap(pool, zero_for_one, specified, limit)
            assert done == twin.swap(pool, zero_for_one, specified, limit)
            crossed.append(done.crossed)
    assert crossed[0] == 0
    assert max(crossed) > 100
