"""What a scenario's market will be like, before anything is spent on it: walked through once, in flat memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import yaml

from actors.market import Market
from cluster.market_moves import Moves
from cluster.market_series import Extremes, Grid, Means
from cluster.scenarios import market_in_words
from simulation.market.concentrated import TICK
from simulation.market.prices import CHARACTERS, MARKET_VOLATILITY
from simulation.market.regimes import WEATHER
from simulation.market.segment import NATIVE_SHIFT, USD_DECIMALS, Clock, all_pools, all_routes, terms_of
from simulation.market.swap_gas import SWAP_GAS, SwapKind
from simulation.market.tick_maps import MAP_TICKS
from simulation.settings.market import SyntheticMarket
from simulation.state import DECISION, TRADE
from simulation.trading.routing import PAYS_OTHER, best_route, fees
from simulation.trading.rules import record_of
from simulation.trading.scene import Spot
from simulation.wei import join
from storage.installed import paperdex_version
from storage.units import value_micro_usd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from cluster.market_series import Array, Line
    from cluster.plan import Plan
    from simulation.market.segment import PoolInfo, Segment, TokenInfo
    from simulation.scenario import Scenario

CHUNK_RECORDS = 200_000
"""Records of pools that are made at once; more pools, fewer blocks."""

SWAP_MICRO_USD = 1_000 * 10**USD_DECIMALS
WEI_PER_GWEI = 1e9
LIMB = 2.0**64


@dataclass(frozen=True, slots=True)
class PoolPreview:
    """A pool of a token."""

    info: PoolInfo
    start_depth_usd: float
    """Of one side, as (virtual) reserves of a constant product pool."""
    depth_usd: Line


@dataclass(frozen=True, slots=True)
class SwapCost:
    """What 1,000 USD of a token cost at the first block, on the route that promises most."""

    pool: PoolInfo
    usd_pool: PoolInfo | None
    """The pool between the other token and USDC, where there are two hops."""
    fee_usd: Decimal
    impact_usd: Decimal
    """The rest of mid against quote."""


@dataclass(frozen=True, slots=True)
class TokenPreview:
    """A token; percentages are of a day where they are volatilities."""

    symbol: str
    name: str
    token_class: str | None
    """None of a recorded one."""
    price_usd: Line
    change_percent: float
    volatility: Line
    volatility_percent: float | None
    class_volatility_percent: float | None
    max_drawdown_percent: float
    correlation: float | None
    """With the first token."""
    pools: tuple[PoolPreview, ...]
    swap: SwapCost | None
    """None where no pool can give that much."""


@dataclass(frozen=True, slots=True)
class FeePreview:
    """A fee or price of the chain: its line, its mean and its bounds."""

    line: Line
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MarketPreview:
    """What the page of a market shows."""

    name: str
    version: str
    seed: int
    market: str
    """In words, with an article."""
    blocks: int
    clock: Clock
    tokens: tuple[TokenPreview, ...]
    base_fee_gwei: FeePreview
    tip_gwei: FeePreview
    swap_usd: FeePreview
    """A swap of one hop in the first pool of the first token."""
    return_span: timedelta
    """Of the returns that volatility is measured on."""
    window_span: timedelta
    """Over which a line of volatility is taken."""
    scenario_yaml: str

    @property
    def end_at(self) -> datetime:
        """When the market has passed."""
        return self.clock.at(self.blocks)


def chunks(plan: Plan) -> list[int]:
    """Return the lengths in which a market is made: so that they take the same memory, whatever the market."""
    length = max(1, CHUNK_RECORDS // len(all_pools(plan.tokens)))
    whole, rest = divmod(plan.blocks, length)
    return [length] * whole + [rest] * (rest > 0)


def preview(plan: Plan, lengths: Iterable[int]) -> MarketPreview:
    """Walk through the market of a plan in chunks of these lengths, which together are the plan's blocks."""
    watch = _Watch(plan)
    for segment in _segments(plan, lengths):
        watch.see(segment)
    return watch.told()


def class_volatility_percent(scenario: Scenario, row: int) -> float | None:
    """Return how much a token's class moves a day in the scenario's regime; None for a recorded token."""
    if not isinstance(scenario.market, SyntheticMarket):
        return None
    character = CHARACTERS[scenario.market.tokens[row].token_class]
    parts = character.market_beta * MARKET_VOLATILITY, character.sector_volatility, character.own_volatility
    return 100.0 * WEATHER[scenario.market.regime].volatility * math.hypot(*parts)


def swap_cost(plan: Plan, segment: Segment, row: int) -> SwapCost | None:
    """Quote a purchase for 1,000 USD at the first block of a segment, by the functions that orders are quoted with."""
    spot = _spot(plan, segment, row)
    route, hi, lo = best_route(spot.token, PAYS_OTHER, np.uint64(0), np.uint64(SWAP_MICRO_USD), spot)
    if not hi and not lo:
        return None
    worth = value_micro_usd(join(hi, lo), int(spot.mid["price_q"]), int(spot.token["price_shift"]))
    fee = int(fees(spot.routes[route], SWAP_MICRO_USD, spot))
    pools, taken = all_pools(plan.tokens), all_routes(plan.tokens)[route]
    usd_pool = None if taken.usd_pool < 0 else pools[taken.usd_pool][1]
    return SwapCost(pools[taken.pool][1], usd_pool, _usd(fee), _usd(SWAP_MICRO_USD - worth - fee))


def _segments(plan: Plan, lengths: Iterable[int]) -> Iterator[Segment]:
    market = Market(plan.scenario, plan.recording)
    carried = market.begin()
    for length in lengths:
        _, segment, carried = market.segment(carried, length)
        yield segment


class _Watch:
    """Everything that is kept of a market while it passes."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._pools = all_pools(plan.tokens)
        self._units = _Units(plan.tokens)
        grid = Grid(plan.blocks)
        self._prices, self._fees = Extremes(grid, len(plan.tokens)), Extremes(grid, 3)
        self._depths, self._mean_fees = Means(grid, len(self._pools)), Means(grid, 3)
        self._moves = Moves(grid, plan.scenario.block_time_ms, len(plan.tokens))
        self._bin_blocks = grid.bin_blocks
        self._swaps: list[SwapCost | None] = []
        self._first_prices = self._last_prices = np.ones(len(plan.tokens))
        self._first_depths = np.ones(len(self._pools))

    def see(self, segment: Segment) -> None:
        """Take in the next blocks."""
        prices, first = self._units.prices_usd(segment), segment.first_block
        depths, paid = self._units.depths_usd(segment, prices), self._units.fees(segment)
        if first == 0:
            rows = range(len(self._plan.tokens))
            self._swaps = [swap_cost(self._plan, segment, row) for row in rows]
            self._first_prices, self._first_depths = prices[0], depths[0]
        self._last_prices = prices[-1]
        self._prices.add(first, prices)
        self._moves.add(first, prices)
        self._depths.add(first, depths)
        self._fees.add(first, paid)
        self._mean_fees.add(first, paid)

    def told(self) -> MarketPreview:
        """Return what has been seen."""
        scenario, moves = self._plan.scenario, self._moves
        base_fee, tip, swap = (self._fee(column) for column in range(3))
        block = timedelta(milliseconds=scenario.block_time_ms)
        return MarketPreview(
            name=scenario.name,
            version=paperdex_version(),
            seed=scenario.seed,
            market=market_in_words(scenario),
            blocks=self._plan.blocks,
            clock=Clock(scenario.begin_at, scenario.block_time_ms),
            tokens=tuple(self._token(row) for row in range(len(self._plan.tokens))),
            base_fee_gwei=base_fee,
            tip_gwei=tip,
            swap_usd=swap,
            return_span=moves.lag_blocks * block,
            window_span=moves.window_bins * self._bin_blocks * block,
            scenario_yaml=yaml.safe_dump(
                scenario.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110
            ),
        )

    def _token(self, row: int) -> TokenPreview:
        info, market, moves = self._plan.tokens[row], self._plan.scenario.market, self._moves
        own = [column for column, (token, _) in enumerate(self._pools) if token == row]
        return TokenPreview(
            symbol=info.symbol,
            name=info.name,
            token_class=str(market.tokens[row].token_class) if isinstance(market, SyntheticMarket) else None,
            price_usd=self._prices.line(row),
            change_percent=100.0 * float(self._last_prices[row] / self._first_prices[row] - 1.0),
            volatility=moves.volatility_line(row),
            volatility_percent=moves.volatility_percent(row),
            class_volatility_percent=class_volatility_percent(self._plan.scenario, row),
            max_drawdown_percent=moves.max_drawdown_percent(row),
            correlation=moves.correlation(row),
            pools=tuple(self._pool(column) for column in own),
            swap=self._swaps[row],
        )

    def _pool(self, column: int) -> PoolPreview:
        return PoolPreview(self._pools[column][1], float(self._first_depths[column]), self._depths.line(column))

    def _fee(self, column: int) -> FeePreview:
        low, high = self._fees.bounds(column)
        mean = float(self._mean_fees.sums[:, column].sum() / self._plan.blocks)
        return FeePreview(self._fees.line(column), mean, low, high)


class _Units:
    """Turns the integers of a segment into USD and gwei."""

    def __init__(self, tokens: tuple[TokenInfo, ...]) -> None:
        terms = terms_of(tokens)
        self._price_units = np.array([token.price_usd(1) for token in tokens])
        self._against = terms.pairs["against"]
        decimals = [USD_DECIMALS if row < 0 else tokens[row].decimals for row in self._against]
        self._other_units = 10.0 ** -np.array(decimals, np.float64)
        self._swap_gas = SWAP_GAS[SwapKind(int(terms.pairs[0]["swap_kind"]))].mean

    def prices_usd(self, segment: Segment) -> Array:
        """Return the price of one whole token, ``(n_blocks, n_tokens)``."""
        return np.asarray(np.maximum(segment.mids["price_q"], 1) * self._price_units)

    def depths_usd(self, segment: Segment, prices: Array) -> Array:
        """Return what one side of each pool is worth, ``(n_blocks, n_pools)``."""
        others = segment.pools["other_hi"] * LIMB + segment.pools["other_lo"]
        priced = np.where(self._against >= 0, prices[:, self._against], 1.0)
        return np.asarray(others * self._other_units * priced)

    def fees(self, segment: Segment) -> Array:
        """Return base fee and tip in gwei and the price of a swap in USD, ``(n_blocks, 3)``."""
        gas = segment.gas
        base_fee, tip = gas["base_fee_wei"].astype(np.float64), gas["priority_fee_wei"].astype(np.float64)
        swap_wei = self._swap_gas * (base_fee + tip) + gas["l1_fee_wei"]
        swap_usd = swap_wei * gas["native_price_q"] * 2.0**-NATIVE_SHIFT * 10.0**-USD_DECIMALS
        return np.stack([base_fee / WEI_PER_GWEI, tip / WEI_PER_GWEI, swap_usd], axis=1)


def _spot(plan: Plan, segment: Segment, row: int) -> Spot:
    """Return a token at the first block of a segment as an order sees it."""
    terms = terms_of(plan.tokens)
    return Spot(
        0, row, segment.first_block, segment.mids[0, row], segment.gas[0], terms.tokens[row], record_of(plan.rules),
        segment.signals[0, 0], terms.tokens, terms.pairs, terms.routes, segment.mids[0], segment.pools[0],
        np.zeros(MAP_TICKS, TICK), np.zeros(1, DECISION)[0]["case"], np.zeros(1, TRADE)[0],
    )  # fmt: skip


def _usd(micro_usd: int) -> Decimal:
    return Decimal(micro_usd).scaleb(-USD_DECIMALS)
