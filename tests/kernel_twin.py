"""The kernel's slow twin: the same trading rules in plain Python, one block after another, to compare with.

Written from the meaning of the records in ``simulation.state`` and sharing no compiled code with the kernel: token
amounts are Python integers of any width, records are plain objects, and no block is ever skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

from twin_arithmetic import BP, below, first_block_of_next_day, gas_cost_micro_usd, philox
from twin_booking import Sold, book_purchase, book_sale
from twin_records import Log, Market, Receipt, Spot, Why, freeze, frozen, market_of, thawed, worth
from twin_routes import (
    ATTACK_BP,
    Way,
    attack_pays,
    best_swap,
    best_way,
    gas_of,
    kept_by_pools,
    meeting,
    most_gas_of,
)

from simulation.choices import DecisionType, Failure, Lane, Reason, Side, TradeStatus
from simulation.cohort import Cohort, Outcome
from simulation.state import DECISION, MARK, TRADE

if TYPE_CHECKING:
    from simulation.market.segment import Segment, Terms
    from simulation.trading.rules import Rules

SESSION_STREAM = 3 << 32
SMALLEST_TRADE_MICRO_USD = 10 * 1_000_000
MS_TO_DEADLINE = 300_000
ANALYSIS_MS = {Lane.FAST: 200, Lane.SMART: 3_000}
SWAP_LEAD_BP = 1_000
FAR_AWAY_BLOCK = 2**62
LATE_BP, LATE_BLOCKS = 200, 5
LOST_BP = 50
MISS_BP = (2_000, 400, 80, 16)
"""Chance that a private builder misses at least one, two, three and four blocks."""

CANCELLED = {Failure.EXPIRED, Failure.UNAFFORDABLE, Failure.DROPPED}


def advance_twin(cohort: Cohort, segment: Segment, terms: Terms, rules: Rules) -> tuple[Cohort, Outcome]:
    """Step a cohort to the end of a segment, as ``simulation.cohort.advance`` does; the argument stays as it was."""
    after = cohort.copy()
    market = market_of(segment, terms)
    log = Log([], [], [])
    for row, (session, holdings) in enumerate(zip(after.sessions, after.holdings, strict=True)):
        twin = SessionTwin(row, thawed(session), [thawed(holding) for holding in holdings], market, rules, log)
        for block in range(twin.session.next_block, min(segment.end_block, segment.stops[twin.session.analyst])):
            twin.step(block)
        freeze(twin.session, session)
        for thing, holding in zip(twin.holdings, holdings, strict=True):
            freeze(thing, holding)
    return after, Outcome(frozen(log.trades, TRADE), frozen(log.decisions, DECISION), frozen(log.marks, MARK))


@dataclass(frozen=True, slots=True)
class SessionTwin:
    """One session on one segment; ``step`` is one block of its life."""

    row: int
    session: SimpleNamespace
    holdings: list[SimpleNamespace]
    market: Market
    rules: Rules
    log: Log

    def step(self, block: int) -> None:
        """Live through one block: inclusion, exits, decisions, mark."""
        session = self.session
        spots = [self._spot(t, block) for t in range(len(self.holdings))]
        if block >= session.day_end_block:
            session.trades_today = 0
            session.day_end_block = first_block_of_next_day(block, self.rules)
        for holding, spot in zip(self.holdings, spots, strict=True):
            if holding.order_side and block >= holding.order_due_block:
                self._try_to_include(holding, spot)
        self._value(spots)
        if block == session.next_decision_block:
            session.next_decision_block += session.decision_interval_blocks
            for holding, spot in zip(self.holdings, spots, strict=True):
                if holding.tradable and not holding.order_side:
                    self._analyse(holding, spot)
        if block == session.next_mark_block:
            self._mark(block)
        session.next_block = block + 1

    def _spot(self, t: int, block: int) -> Spot:
        market, at = self.market, block - self.market.first_block
        mids, signals = market.mids[at], market.signals[self.session.analyst][at]
        return Spot(t, block, market.tokens[t], mids[t], market.gas[at], signals[t], market.pools[at], mids, signals)

    def _try_to_include(self, holding: SimpleNamespace, spot: Spot) -> None:
        if holding.order_dropped:
            self._finish(holding, spot, Receipt(Failure.DROPPED))
        elif self._has_place(holding, spot.gas):
            self._finish(holding, spot, self._executed(holding, spot))
        elif spot.block >= holding.order_deadline_block:
            self._finish(holding, spot, Receipt(Failure.EXPIRED))

    def _has_place(self, holding: SimpleNamespace, gas: SimpleNamespace) -> bool:
        """Tell whether the block is there, the cap covers its base fee, and what is left covers its marginal tip."""
        left_wei = holding.order_max_fee_wei - gas.base_fee_wei
        return not gas.is_missed and left_wei >= 0 and min(left_wei, holding.order_tip_wei) >= gas.marginal_tip_wei

    def _executed(self, holding: SimpleNamespace, spot: Spot) -> Receipt:
        luck, adverse, gas_luck, attack_luck = self._draw(holding.order_decided_block, spot, purpose=1)
        public = holding.order_lane == Lane.FAST
        push = below(adverse, self.session.base_slippage_bp * 100 + 1) if public else 0
        met = meeting(self.market, spot, self._way(holding), holding.order_side, holding.order_in_wei, push)
        failure = self._failure(holding, met.out, luck)
        gas_used = gas_of(self.market, self._way(holding), gas_luck)
        if failure == Failure.REVERTED:
            gas_used = 25_000 + below(attack_luck, 20_001)
        elif failure:
            gas_used = gas_used * (4_000 + below(attack_luck, 3_501)) // BP
        price_wei = min(spot.gas.base_fee_wei + holding.order_tip_wei, holding.order_max_fee_wei)
        gas_micro_usd = gas_cost_micro_usd(gas_used, price_wei, spot.gas.l1_fee_wei, spot.gas.native_price_q)
        spent = holding.order_in_wei if holding.order_side == Side.BUY else 0
        if spent + gas_micro_usd > self.session.cash_micro_usd:
            return Receipt(Failure.UNAFFORDABLE, gas_price_wei=price_wei)
        if failure:
            return Receipt(failure, gas_used, price_wei, gas_micro_usd)
        hunted = public and self.session.simulate_mev and below(attack_luck, BP) < ATTACK_BP
        is_attacked = hunted and attack_pays(self.market, spot, holding, met)
        out_wei = holding.order_min_wei if is_attacked else met.out
        usd = out_wei if holding.order_side == Side.SELL else met.usd
        return Receipt(failure, gas_used, price_wei, gas_micro_usd, out_wei, met.out, usd)

    def _way(self, holding: SimpleNamespace) -> Way:
        return Way(holding.order_route, holding.order_from_route)

    def _failure(self, holding: SimpleNamespace, out_wei: int, luck: int) -> Failure:
        if out_wei == 0:
            return Failure.NO_LIQUIDITY
        if out_wei < holding.order_min_wei:
            return Failure.SLIPPAGE
        return Failure.REVERTED if below(luck, BP) < self.session.failure_rate_bp else Failure.NONE

    def _finish(self, holding: SimpleNamespace, spot: Spot, receipt: Receipt) -> None:
        session, side = self.session, holding.order_side
        source = self.holdings[holding.order_from] if side == Side.SWAP else None
        bought = side != Side.SELL and not receipt.failure
        named = SimpleNamespace(
            from_token=holding.order_from,
            from_route=holding.order_from_route,
            from_position=-1 if source is None else source.position,
            from_opened_block=-1 if source is None else source.opened_block,
        )
        session.cash_micro_usd -= receipt.gas_micro_usd
        session.gas_paid_micro_usd += receipt.gas_micro_usd
        costs = self._costs(holding, spot, receipt)
        for part in ("fees", "impact", "drift", "sandwich", "failure"):
            spent = costs[f"{part.removesuffix('s')}_micro_usd"]
            setattr(session, f"{part}_micro_usd", getattr(session, f"{part}_micro_usd") + spent)
        session.failed_trades += bool(receipt.failure)
        session.completed_trades += not receipt.failure
        sold = Sold() if receipt.failure else self._book(holding, source, spot, receipt)
        if self.rules.write_trades:
            has_position = bought or side == Side.SELL
            booked = SimpleNamespace(
                token=spot.token_row,
                block=spot.block,
                opened_block=holding.opened_block if has_position else -1,
                position=holding.position if has_position else -1,
                cost_micro_usd=receipt.usd if bought else sold.cost,
                **{name: getattr(sold, name) for name in Sold.__slots__ if name != "cost"},
                **costs,
                **vars(named),
            )
            self.log.trades.append(self._trade(holding, receipt, booked))
        self._forget_order(holding)

    def _book(self, holding: SimpleNamespace, source: SimpleNamespace | None, spot: Spot, receipt: Receipt) -> Sold:
        """Enter what was filled: a swap is a sale without gas of its own, and a purchase."""
        session, sold_wei = self.session, holding.order_in_wei
        if holding.order_side == Side.SELL:
            return book_sale(session, holding, sold_wei, receipt.usd, receipt.gas_micro_usd)
        sold = Sold() if source is None else book_sale(session, source, sold_wei, receipt.usd, 0)
        book_purchase(session, holding, spot.block, receipt.usd, receipt.out_wei, receipt.gas_micro_usd)
        return sold

    def _costs(self, holding: SimpleNamespace, spot: Spot, receipt: Receipt) -> dict[str, int]:
        """Split what the order cost against the mid at which it was decided."""
        parts = dict.fromkeys(("fee", "impact", "drift", "sandwich", "failure"), 0)
        gas = receipt.gas_micro_usd
        if receipt.failure:
            parts["failure"] = gas
        else:
            price_q = holding.order_price_q
            promised, fair, got = (
                amount if holding.order_side == Side.SELL else worth(amount, price_q, spot.token)
                for amount in (holding.order_quote_wei, receipt.fair_wei, receipt.out_wei)
            )
            parts["fee"] = holding.order_fee_micro_usd
            parts["impact"] = holding.order_value_micro_usd - promised - parts["fee"]
            parts["drift"], parts["sandwich"] = promised - fair, fair - got
        total = sum(parts.values()) + (0 if receipt.failure else gas)
        return {"execution_cost_micro_usd": total, **{f"{name}_micro_usd": part for name, part in parts.items()}}

    def _trade(self, holding: SimpleNamespace, receipt: Receipt, booked: SimpleNamespace) -> SimpleNamespace:
        order = {
            name.removeprefix("order_"): value for name, value in vars(holding).items() if name.startswith("order_")
        }
        for of_the_order_alone in ("fee_micro_usd", "price_q", "dropped", "from", "from_route", "opens"):
            del order[of_the_order_alone]
        ended = TradeStatus.CANCELLED if receipt.failure in CANCELLED else TradeStatus.FAILED
        return SimpleNamespace(
            session=self.row,
            status=ended if receipt.failure else TradeStatus.COMPLETED,
            cash_micro_usd=self.session.cash_micro_usd,
            **{name: getattr(receipt, name) for name in receipt.__slots__ if name not in {"fair_wei", "usd"}},
            **order,
            **vars(booked),
        )

    def _forget_order(self, holding: SimpleNamespace) -> None:
        self.session.reserved_micro_usd -= holding.order_reserved_micro_usd
        self.session.orders_in_flight -= 1
        self.session.buys_in_flight -= holding.order_opens
        if holding.order_side == Side.SWAP:
            self.holdings[holding.order_from].order_side = Side.NONE
        holding.order_side = holding.order_reserved_micro_usd = 0

    def _value(self, spots: list[Spot]) -> None:
        values = [
            worth(holding.quantity_wei, spot.mid.price_q, spot.token)
            for holding, spot in zip(self.holdings, spots, strict=True)
        ]
        self._note_equity(self.session.cash_micro_usd + sum(values))
        for holding, spot, value in zip(self.holdings, spots, values, strict=True):
            if holding.quantity_wei and not holding.order_side:
                self._check_exits(holding, spot, value)

    def _note_equity(self, equity: int) -> None:
        session = self.session
        session.equity_micro_usd = equity
        rises = equity > session.peak_equity_micro_usd
        session.peak_equity_micro_usd = max(session.peak_equity_micro_usd, equity)
        peak = session.peak_equity_micro_usd
        drawdown_bp = (peak - equity) * BP // peak
        if rises or drawdown_bp > session.max_drawdown_bp:
            session.max_drawdown_bp = max(session.max_drawdown_bp, drawdown_bp)
            session.drawdown_floor_micro_usd = peak * (BP - 1 - session.max_drawdown_bp) // BP

    def _check_exits(self, holding: SimpleNamespace, spot: Spot, value: int) -> None:
        if value <= holding.stop_micro_usd:
            decision, why = DecisionType.STOP_LOSS, Why(Reason.STOP_LOSS, value, holding.stop_micro_usd)
        elif value >= holding.target_micro_usd:
            decision, why = DecisionType.TAKE_PROFIT, Why(Reason.TAKE_PROFIT, value, holding.target_micro_usd)
        else:
            return
        if self._free_cash() >= self._most_gas(spot):
            self._leave(holding, spot, decision, why, value, says_no=False)

    def _leave(
        self, holding: SimpleNamespace, spot: Spot, decision: DecisionType, why: Why, size: int, *, says_no: bool = True
    ) -> None:
        """Sell so much of a holding, if the pools promise anything for it."""
        case, value = self._case(holding, spot), worth(holding.quantity_wei, spot.mid.price_q, spot.token)
        part_wei = holding.quantity_wei if size >= value else holding.quantity_wei * size // value
        order = self._order(spot, Side.SELL, part_wei, worth(part_wei, spot.mid.price_q, spot.token))
        case["promised_micro_usd"] = order.promised
        if order.promised:
            lane = self._lane(size)
            trade = self._send(holding, spot, order, lane, why.reason)
            self._decided(holding, spot, decision, why, lane, trade, case)
        elif says_no:
            nothing = Why(Reason.NO_LIQUIDITY, 0, 1)
            self._decided(holding, spot, DecisionType.SKIP, nothing, self._lane(case["sale_micro_usd"]), -1, case)

    def _order(self, spot: Spot, side: Side, in_wei: int, value: int, rival: int = -1) -> SimpleNamespace:
        """Return an order with the best that the pools promise for it; nothing is worth nothing only if it is nothing."""
        if side == Side.SWAP:
            way, quoted = best_swap(self.market, spot, rival, in_wei)
        else:
            way, quoted = best_way(self.market, spot.token, spot, side, in_wei)
        at_mid = quoted if side == Side.SELL else worth(quoted, spot.mid.price_q, spot.token)
        return SimpleNamespace(
            side=side,
            in_wei=in_wei,
            value=value,
            way=way,
            quoted=quoted,
            promised=max(at_mid, 1) if quoted else 0,
            rival=rival,
        )

    def _analyse(self, holding: SimpleNamespace, spot: Spot) -> None:
        case = self._case(holding, spot)
        if holding.quantity_wei:
            self._stay_or_leave(holding, spot, case)
            return
        why = self._doubt(spot, case, may_exceed=False)
        if why.reason == Reason.CONCURRENT_POSITIONS:
            why = self._weigh_swap(spot, case, why)
        if why.reason in {Reason.SIGNAL, Reason.BETTER_CANDIDATE}:
            self._buy(holding, spot, why, case)
        else:
            self._decided(holding, spot, DecisionType.SKIP, why, self._lane(case["size_micro_usd"]), -1, case)

    def _weigh_swap(self, spot: Spot, case: dict[str, int], full: Why) -> Why:
        """Put the weakest token held into the case; return that it is worth a swap, or that the book is full."""
        free = [
            (spot.signals[row].opportunity_bp, row)
            for row, other in enumerate(self.holdings)
            if other.quantity_wei and not other.order_side and other.tradable
        ]
        if not free:
            return full
        opportunity_bp, rival = min(free)
        size = worth(self.holdings[rival].quantity_wei, spot.mids[rival].price_q, self.market.tokens[rival])
        gas = self._most_gas(spot, self.market.tokens[rival])
        case.update(
            size_micro_usd=size,
            max_round_trip_micro_usd=size * self.session.take_profit_bp // BP // 2,
            exit_gas_micro_usd=gas,
            rival_token=rival,
            rival_opportunity_bp=opportunity_bp,
        )
        lead_bp = spot.signal.opportunity_bp - opportunity_bp
        fits = SMALLEST_TRADE_MICRO_USD <= size <= case["most_size_micro_usd"]
        if lead_bp >= SWAP_LEAD_BP and fits and gas <= self._free_cash():
            return Why(Reason.BETTER_CANDIDATE, lead_bp, SWAP_LEAD_BP)
        return full

    def _buy(self, holding: SimpleNamespace, spot: Spot, why: Why, case: dict[str, int]) -> bool:
        """Ask the pools and buy, or say what is wrong with their answer, or, for a token held, return that it is."""
        size, rival = case["size_micro_usd"], case["rival_token"]
        if rival >= 0:
            order = self._order(spot, Side.SWAP, self.holdings[rival].quantity_wei, size, rival)
        else:
            order = self._order(spot, Side.BUY, size, size)
        case["promised_micro_usd"] = order.promised
        cost = case["round_trip_micro_usd"] = 2 * (size - order.promised + self._usual_gas(spot, rival))
        lane = self._lane(size)
        doubt = None
        if lane == Lane.SMART and cost > case["max_round_trip_micro_usd"]:
            doubt = Why(Reason.TOO_COSTLY, cost, case["max_round_trip_micro_usd"])
            if holding.quantity_wei:
                return False
        elif not order.promised:
            doubt = Why(Reason.NO_LIQUIDITY, 0, 1)
        if doubt:
            not_sent = self._lane(case["sale_micro_usd"]) if holding.quantity_wei else lane
            self._decided(holding, spot, DecisionType.SKIP, doubt, not_sent, -1, case)
        else:
            trade = self._send(holding, spot, order, lane, why.reason)
            self._decided(holding, spot, DecisionType.BUY, why, lane, trade, case)
        return True

    def _usual_gas(self, spot: Spot, rival: int) -> int:
        """Return what the gas of one order costs at the base fee as it is."""
        gas, tip_wei = spot.gas, self._bid_wei(spot)[1]
        most_used = most_gas_of(self.market, spot.token)
        most_used += most_gas_of(self.market, self.market.tokens[rival]) if rival >= 0 else 0
        return gas_cost_micro_usd(most_used, gas.base_fee_wei + tip_wei, gas.l1_fee_wei, gas.native_price_q)

    def _case(self, holding: SimpleNamespace, spot: Spot) -> dict[str, int]:
        """Return all that a decision about the token looks at."""
        session, held = self.session, bool(holding.quantity_wei)
        share_bp = min(session.max_position_size_bp, session.account_max_position_size_bp)
        share, largest_trade = session.equity_micro_usd * share_bp // BP, session.max_trade_size_micro_usd
        most = min(share, largest_trade)
        wanted = min(share - holding.cost_micro_usd, most) if held else most
        size = int(min(wanted, self._free_cash() - 2 * self._most_gas(spot)))
        value = worth(holding.quantity_wei, spot.mid.price_q, spot.token)
        is_sliced = value - largest_trade >= largest_trade // 4
        return {
            "is_held": int(held),
            "opportunity_bp": spot.signal.opportunity_bp,
            "confidence_bp": spot.signal.confidence_bp,
            "confidence_threshold_bp": session.confidence_threshold_bp,
            "paused": session.paused + 2 * session.paused_by_operator,
            "liquidity_micro_usd": spot.mid.depth_micro_usd,
            "min_liquidity_micro_usd": session.min_liquidity_micro_usd,
            "orders_today": session.trades_today,
            "max_daily_trades": min(session.max_daily_trades, session.account_max_daily_trades),
            "positions": session.open_positions + session.buys_in_flight,
            "max_concurrent_positions": session.max_concurrent_positions,
            "size_micro_usd": size,
            "least_size_micro_usd": max(SMALLEST_TRADE_MICRO_USD, most // 4) if held else SMALLEST_TRADE_MICRO_USD,
            "most_size_micro_usd": most,
            "use_fast_lane": session.use_fast_lane,
            "use_smart_lane": session.use_smart_lane,
            "fast_lane_threshold_micro_usd": session.fast_lane_threshold_micro_usd,
            "promised_micro_usd": -1,
            "round_trip_micro_usd": 0,
            "max_round_trip_micro_usd": max(size, 0) * session.take_profit_bp // BP // 2,
            "free_micro_usd": self._free_cash(),
            "exit_gas_micro_usd": self._most_gas(spot),
            "held_blocks": spot.block - holding.opened_block if held else 0,
            "max_hold_blocks": session.max_hold_blocks,
            "value_micro_usd": value,
            "sale_micro_usd": largest_trade if held and is_sliced else value,
            "stop_micro_usd": holding.stop_micro_usd if held else 0,
            "target_micro_usd": holding.target_micro_usd if held else 0,
            "rival_token": -1,
            "rival_opportunity_bp": 0,
        }

    def _doubt(self, spot: Spot, case: dict[str, int], *, may_exceed: bool) -> Why:
        """Return the first thing that speaks against buying, or the signal itself."""
        session, signal = self.session, spot.signal
        busy, size = session.open_positions + session.buys_in_flight, case["size_micro_usd"]
        usd, threshold = spot.mid.depth_micro_usd, session.confidence_threshold_bp
        most_today = min(session.max_daily_trades, session.account_max_daily_trades)
        least = case["least_size_micro_usd"]
        held_against = [
            (signal.opportunity_bp <= 5_000, Why(Reason.NO_OPPORTUNITY, signal.opportunity_bp, 5_000)),
            (signal.confidence_bp < threshold, Why(Reason.LOW_CONFIDENCE, signal.confidence_bp, threshold)),
            (session.paused or session.paused_by_operator, Why(Reason.PAUSED, session.paused_by_operator, 0)),
            (usd < session.min_liquidity_micro_usd, Why(Reason.LOW_LIQUIDITY, usd, session.min_liquidity_micro_usd)),
            (
                session.trades_today >= most_today,
                Why(Reason.DAILY_TRADES, session.trades_today, most_today),
            ),
            (
                busy >= session.max_concurrent_positions and not may_exceed,
                Why(Reason.CONCURRENT_POSITIONS, busy, session.max_concurrent_positions),
            ),
            (size < least, Why(Reason.INSUFFICIENT_CASH, max(size, 0), least)),
        ]
        doubts = [why for applies, why in held_against if applies]
        return doubts[0] if doubts else Why(Reason.SIGNAL, signal.confidence_bp, threshold)

    def _stay_or_leave(self, holding: SimpleNamespace, spot: Spot, case: dict[str, int]) -> None:
        """Decide about a token that is held; its stop and target have been looked at in this block already.

        A position at one of them is still here only if its sale could not be paid for, or was promised nothing.
        """
        session, signal, value = self.session, spot.signal, case["value_micro_usd"]
        can_pay = self._free_cash() >= self._most_gas(spot)
        why = Why(Reason.SIGNAL, signal.confidence_bp, session.confidence_threshold_bp)
        if can_pay and not holding.stop_micro_usd < value < holding.target_micro_usd:
            self._leave(holding, spot, DecisionType.SELL, why, value)
            return
        is_too_long = case["held_blocks"] >= session.max_hold_blocks
        if is_too_long:
            why = Why(Reason.HOLD_TIME, case["held_blocks"], session.max_hold_blocks)
        if not is_too_long and (signal.opportunity_bp >= 5_000 or why.observed < why.limit):
            if self._doubt(spot, case, may_exceed=True).reason == Reason.SIGNAL and self._buy(holding, spot, why, case):
                return
            self._decided(holding, spot, DecisionType.HOLD, why, self._lane(case["sale_micro_usd"]), -1, case)
        elif not can_pay:
            why = Why(Reason.GAS_UNAFFORDABLE, self._free_cash(), self._most_gas(spot))
            self._decided(holding, spot, DecisionType.SKIP, why, self._lane(case["sale_micro_usd"]), -1, case)
        else:
            self._leave(holding, spot, DecisionType.SELL, why, case["sale_micro_usd"])

    def _is_repetition(self, holding: SimpleNamespace, spot: Spot, decision: DecisionType, why: Why) -> bool:
        """Tell whether a HOLD or SKIP goes unsaid: the same within an hour, or another within five minutes."""
        if decision not in {DecisionType.HOLD, DecisionType.SKIP}:
            holding.said, holding.said_block = 0, spot.block
            return False
        said = 1_000 * decision + why.reason
        rest_ms = 3_600_000 if said == holding.said else 300_000
        rest_blocks = -(-rest_ms // self.rules.block_time_ms)
        if holding.said and spot.block - holding.said_block < rest_blocks:
            return True
        holding.said, holding.said_block = said, spot.block
        return False

    def _decided(
        self, holding: SimpleNamespace, spot: Spot, decision: DecisionType, why: Why, lane: Lane, trade: int,
        case: dict[str, int],
    ) -> None:  # fmt: skip
        if self._is_repetition(holding, spot, decision, why):
            return
        row = SimpleNamespace(
            session=self.row,
            decision=self.session.next_decision,
            block=spot.block,
            token=spot.token_row,
            type=decision,
            reason=why.reason,
            lane=lane,
            trade=trade,
            observed=why.observed,
            limit=why.limit,
            case=tuple(case.values()),
        )
        self.session.next_decision += 1
        if self.rules.write_decisions:
            self.log.decisions.append(row)

    def _free_cash(self) -> int:
        return int(self.session.cash_micro_usd - self.session.reserved_micro_usd)

    def _bid_wei(self, spot: Spot) -> tuple[int, int]:
        """Return fee cap and tip: the cap has room for the base fee to double."""
        cap = 2 * spot.gas.base_fee_wei + spot.gas.priority_fee_wei
        scale_bp, bid_bp = self.session.gas_price_multiplier_bp, self.session.gas_bid_bp
        tip = spot.gas.priority_fee_wei * scale_bp // BP
        return cap * scale_bp // BP * bid_bp // BP, tip * bid_bp // BP

    def _most_gas(self, spot: Spot, given_up: SimpleNamespace | None = None) -> int:
        """Return the most that the gas of one order, or of a swap out of another token, can cost, micro-USD."""
        cap_wei, _ = self._bid_wei(spot)
        most_used = most_gas_of(self.market, spot.token)
        most_used += most_gas_of(self.market, given_up) if given_up else 0
        return gas_cost_micro_usd(most_used, cap_wei, 2 * spot.gas.l1_fee_wei, spot.gas.native_price_q)

    def _lane(self, size_micro_usd: int) -> Lane:
        session = self.session
        is_small = size_micro_usd <= session.fast_lane_threshold_micro_usd
        return Lane.FAST if not session.use_smart_lane or (session.use_fast_lane and is_small) else Lane.SMART

    def _send(self, holding: SimpleNamespace, spot: Spot, order: SimpleNamespace, lane: Lane, reason: Reason) -> int:
        """Put an order on its way and return its ordinal."""
        session, side, in_wei, quoted = self.session, order.side, order.in_wei, order.quoted
        trade = int(session.next_trade)
        delay_ms = session.execution_delay_ms + ANALYSIS_MS[lane]
        given_up = None
        if order.rival >= 0:
            given_up = self.market.tokens[order.rival]
            self.holdings[order.rival].order_side = Side.AWAY
            self.holdings[order.rival].order_due_block = FAR_AWAY_BLOCK
        holding.order_route, holding.order_from_route = order.way.route, order.way.from_route
        holding.order_from, holding.order_price_q = order.rival, spot.mid.price_q
        holding.order_value_micro_usd = order.value
        holding.order_fee_micro_usd = kept_by_pools(self.market, order.way, order.value)
        holding.order_side, holding.order_lane, holding.order_reason = side, lane, reason
        holding.order_trade, holding.order_decision = trade, session.next_decision
        holding.order_decided_block = spot.block
        holding.order_delay_ms = delay_ms
        holding.order_due_block = spot.block + self._blocks_on_the_way(spot, lane, delay_ms)
        holding.order_deadline_block = holding.order_due_block + max(MS_TO_DEADLINE // self.rules.block_time_ms, 1)
        *_, loss = self._draw(spot.block, spot, purpose=0)
        holding.order_dropped = int(session.simulate_network_issues and below(loss, BP) < LOST_BP)
        if holding.order_dropped:
            holding.order_due_block = holding.order_deadline_block
        holding.order_in_wei, holding.order_quote_wei = in_wei, quoted
        holding.order_min_wei = max(quoted * (BP - session.max_slippage_bp) // BP, 1)
        holding.order_max_fee_wei, holding.order_tip_wei = self._bid_wei(spot)
        paid = in_wei if side == Side.BUY else 0
        holding.order_reserved_micro_usd = paid + self._most_gas(spot, given_up)
        session.reserved_micro_usd += holding.order_reserved_micro_usd
        session.next_trade += 1
        session.trades_today += 1
        session.orders_in_flight += 1
        holding.order_opens = int(side == Side.BUY and holding.quantity_wei == 0)
        session.buys_in_flight += holding.order_opens
        return trade

    def _blocks_on_the_way(self, spot: Spot, lane: Lane, delay_ms: int) -> int:
        network, late_by, private, _ = self._draw(spot.block, spot, purpose=0)
        blocks = 1 + delay_ms // self.rules.block_time_ms
        if self.session.simulate_network_issues and below(network, BP) < LATE_BP:
            blocks += 1 + below(late_by, LATE_BLOCKS)
        if lane == Lane.SMART:
            blocks += sum(below(private, BP) < chance_bp for chance_bp in MISS_BP)
        return blocks

    def _draw(self, decided_block: int, spot: Spot, purpose: int) -> tuple[int, int, int, int]:
        key = int(self.rules.seed), SESSION_STREAM + self.session.stream
        return philox(key, (decided_block, 2 * spot.token_row + purpose, 0, 0))

    def _mark(self, block: int) -> None:
        """Close a period: Welford's running mean and sum of squares of the returns, and a row."""
        session = self.session
        session.next_mark_block += self.rules.review_blocks
        before, equity = session.mark_equity_micro_usd, session.equity_micro_usd
        change = float(equity) / float(before) - 1.0 if before > 0 else 0.0
        session.mark_equity_micro_usd = equity
        session.return_count += 1
        delta = change - session.return_mean
        session.return_mean += delta / session.return_count
        session.return_m2 += delta * (change - session.return_mean)
        figures = {name: getattr(session, name) for name in MARK.names or () if hasattr(session, name)}
        figures["before_micro_usd"] = before
        for name in MARK.names or ():
            counted = name.removeprefix("period_")
            if counted != name and name not in figures:  # a sum, counted since the mark before
                figures[name] = getattr(session, counted) - getattr(session, f"mark_{counted}")
                setattr(session, f"mark_{counted}", getattr(session, counted))
        session.period_largest_win_micro_usd = session.period_largest_loss_micro_usd = 0
        self.log.marks.append(SimpleNamespace(session=self.row, mark=session.next_mark, block=block, **figures))
        session.next_mark += 1
