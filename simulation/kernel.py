"""One block in order, for any number of sessions: the only file that knows all parts.

Block by block and session by session: orders that are due are included, positions are valued and their stops
and targets checked, new decisions are made, the period is marked. What a session does depends on nothing but
its own record, its holdings and the shared segment, so that sessions may be stacked and cut in any way.
"""

from __future__ import annotations

from simulation.autopilot.fetching import fetch_watched
from simulation.autopilot.watching import note, watch
from simulation.jit import compiled, inlined
from simulation.trading import decisions, execution
from simulation.trading.account import begin_period, note_equity, note_return, start_day, value_at
from simulation.trading.positions import is_open
from simulation.trading.rules import Spot

DONE = 0
FULL = 1


@compiled
def advance(sessions, holdings, world, journal, watched):
    """Step every session to the end of the segment or to the block at which its analyst stops, in place.

    Returns DONE, or FULL when the journal has no room for another block of some session; then the caller drains
    it and calls again, and each session goes on from its own next block. Those that are ``watched`` are looked at for
    Auto Pilot right after they were stepped, while the processor has all of it at hand.
    """
    for row in range(len(sessions)):
        written, block = journal.counts[0], sessions[row].next_block
        if len(watched.tuning) > 0:
            fetch_watched(watched, row)
        is_done = _advance_session(sessions[row], holdings[row], row, world, journal)
        if len(watched.tuning) > 0 and watched.tuning[row].is_watched != 0:
            for place in range(written, journal.counts[0]):
                note(journal.trades[place], holdings[row], watched.tuning[row], world)
            if is_done and sessions[row].next_block > block:
                watch(sessions[row], holdings[row], watched.tuning[row], watched.twins, watched.highest_q, world)
        if not watched.keeps_trades:
            journal.counts[0] = written
        if not is_done:
            return FULL
    return DONE


@compiled
def _advance_session(session, holdings, row, world, journal):
    end_block = min(world.first_block + len(world.gas), world.stops[session.analyst])
    block = session.next_block
    while block < end_block:
        block = _hold(session, holdings, world.tokens, world.mids, world.first_block, block, end_block)
        if block < end_block:
            if not _has_room(journal, len(holdings)):
                session.next_block = block
                return False
            _advance_block(session, holdings, row, block, world, journal)
            block += 1
    session.next_block = block
    return True


@compiled
def _hold(session, holdings, tokens, mids, first_block, block, end_block):
    """Value the positions block by block until something else happens; return the block in which it does.

    This is where a session spends its time: one multiplication a position and block, and no call out.
    """
    until = min(_next_event(session, holdings), end_block)
    if session.open_positions == 0:
        return max(until, block)
    cash, equity = session.cash_micro_usd, session.equity_micro_usd
    peak, floor = session.peak_equity_micro_usd, session.drawdown_floor_micro_usd
    while block < until:
        worth = cash
        for t in range(len(holdings)):
            holding = holdings[t]
            if is_open(holding):
                value = _value(holding, mids[block - first_block, t], tokens[t])
                if _reaches_exit(holding, value):
                    session.equity_micro_usd = equity
                    return block
                worth += value
        equity = worth
        if equity > peak or equity <= floor:  # only then does noting it change more than the equity itself
            note_equity(session, equity)
            peak, floor = session.peak_equity_micro_usd, session.drawdown_floor_micro_usd
        block += 1
    session.equity_micro_usd = equity
    return block


@compiled
def _next_event(session, holdings):
    """Return the block of the next decision, mark or due order; it may be past when an order is waiting."""
    block = min(session.next_decision_block, session.next_mark_block)
    if session.orders_in_flight > 0:
        for t in range(len(holdings)):
            if holdings[t].order_side != 0:
                block = min(block, holdings[t].order_due_block)
    return block


@compiled
def _value(holding, mid, token):
    return value_at(holding.quantity_hi, holding.quantity_lo, mid.price_q, token.price_shift)


@compiled
def _reaches_exit(holding, value):
    return holding.order_side == 0 and (value <= holding.stop_micro_usd or value >= holding.target_micro_usd)


@compiled
def _advance_block(session, holdings, row, block, world, journal):
    """Everything that can happen in a block, in order."""
    start_day(session, block, world.rules)
    if session.orders_in_flight > 0:
        _include_due(session, holdings, row, block, world, journal)
    _value_positions(session, holdings, row, block, world, journal)
    if block == session.next_decision_block:
        _decide(session, holdings, row, block, world, journal)
    if block == session.next_mark_block:
        _mark(session, row, block, world.rules, journal)


@compiled
def _has_room(journal, n_tokens):
    """Tell whether one more block fits: a trade and two decisions a token, and a mark."""
    return (
        journal.counts[0] + n_tokens <= len(journal.trades)
        and journal.counts[1] + 2 * n_tokens <= len(journal.decisions)
        and journal.counts[2] < len(journal.marks)
    )


@inlined
def _spot(world, session, row, t, block):
    at = block - world.first_block
    return Spot(
        row, t, block, world.mids[at, t], world.gas[at], world.tokens[t], world.rules,
        world.signals[session.analyst, at], world.tokens, world.pairs, world.routes, world.mids[at], world.pools[at],
        world.ticks,
    )  # fmt: skip


@compiled
def _include_due(session, holdings, row, block, world, journal):
    for t in range(len(holdings)):
        holding = holdings[t]
        if holding.order_side != 0 and block >= holding.order_due_block:
            ending = execution.include(session, holdings, _spot(world, session, row, t, block))
            if ending.status != 0 and world.rules.write_trades:
                write_trade(session, holding, row, t, block, ending, journal)


@compiled
def _value_positions(session, holdings, row, block, world, journal):
    """Mark the account: cash and every position at the pool's mid; then leave those at their stop or target."""
    equity = session.cash_micro_usd
    at = block - world.first_block
    is_exit_due = False
    for t in range(len(holdings)):
        if is_open(holdings[t]):
            value = _value(holdings[t], world.mids[at, t], world.tokens[t])
            equity += value
            is_exit_due |= _reaches_exit(holdings[t], value)
    note_equity(session, equity)
    if is_exit_due:
        _leave(session, holdings, row, block, world, journal)


@compiled
def _leave(session, holdings, row, block, world, journal):
    at = block - world.first_block
    for t in range(len(holdings)):
        holding = holdings[t]
        if is_open(holding) and _reaches_exit(holding, _value(holding, world.mids[at, t], world.tokens[t])):
            spot = _spot(world, session, row, t, block)
            _write_decision(session, holding, spot, decisions.check_exits(session, holdings, spot), journal)


@compiled
def _decide(session, holdings, row, block, world, journal):
    session.next_decision_block = block + session.decision_interval_blocks
    for t in range(len(holdings)):
        holding = holdings[t]
        if holding.tradable != 0 and holding.order_side == 0:
            spot = _spot(world, session, row, t, block)
            _write_decision(session, holding, spot, decisions.decide(session, holdings, spot), journal)


@compiled
def _write_decision(session, holding, spot, verdict, journal):
    """Give a decision its number, and write it down if the run records decisions; repetitions get neither."""
    if verdict.type != 0 and not decisions.is_repetition(holding, verdict, spot):
        decisions.note(holding, verdict, spot)
        if spot.rules.write_decisions:
            entry = journal.decisions[journal.counts[1]]
            journal.counts[1] += 1
            entry.session, entry.token, entry.block = spot.session_row, spot.token_row, spot.block
            entry.decision = session.next_decision
            entry.type, entry.reason = verdict.type, verdict.reason
            entry.lane, entry.trade = verdict.lane, verdict.trade
            entry.observed, entry.limit = verdict.observed, verdict.limit
            for field, number in enumerate(verdict.case):
                entry.case[field] = number
        session.next_decision += 1


@compiled
def write_trade(session, holding, row, token_row, block, ending, journal):
    """Write how an order ended, with the terms on which it was sent."""
    entry = journal.trades[journal.counts[0]]
    journal.counts[0] += 1
    entry.session, entry.token, entry.block = row, token_row, block
    entry.trade, entry.decision = holding.order_trade, holding.order_decision
    entry.side, entry.lane, entry.reason = ending.side, holding.order_lane, holding.order_reason
    entry.status, entry.failure = ending.status, ending.failure
    entry.position, entry.opened_block = ending.position, ending.opened_block
    entry.from_token, entry.from_route = holding.order_from, holding.order_from_route
    entry.from_position, entry.from_opened_block = ending.from_position, ending.from_opened_block
    entry.decided_block, entry.delay_ms = holding.order_decided_block, holding.order_delay_ms
    entry.route = holding.order_route
    entry.in_hi, entry.in_lo = holding.order_in_hi, holding.order_in_lo
    entry.value_micro_usd = holding.order_value_micro_usd
    entry.quote_hi, entry.quote_lo = holding.order_quote_hi, holding.order_quote_lo
    entry.min_hi, entry.min_lo = holding.order_min_hi, holding.order_min_lo
    entry.out_hi, entry.out_lo = ending.out_hi, ending.out_lo
    entry.gas_price_wei, entry.gas_used = ending.gas_price_wei, ending.gas_used
    entry.gas_micro_usd = ending.gas_micro_usd
    entry.cost_micro_usd = ending.cost_micro_usd
    entry.realized_micro_usd, entry.net_micro_usd = ending.sold.realized, ending.sold.net
    entry.closes = ending.sold.closes
    entry.invested_micro_usd, entry.earned_micro_usd = ending.sold.invested, ending.sold.earned
    entry.cash_micro_usd = session.cash_micro_usd
    entry.execution_cost_micro_usd = ending.costs.total
    entry.fee_micro_usd, entry.impact_micro_usd = ending.costs.fee, ending.costs.impact
    entry.drift_micro_usd, entry.sandwich_micro_usd = ending.costs.drift, ending.costs.sandwich
    entry.failure_micro_usd = ending.costs.failure


@compiled
def _mark(session, row, block, rules, journal):
    """Write the figures of the period that ends with this block."""
    session.next_mark_block = block + rules.review_blocks
    note_return(session)
    mark = journal.marks[journal.counts[2]]
    journal.counts[2] += 1
    mark.session = row
    mark.mark = session.next_mark
    mark.block = block
    mark.equity_micro_usd = session.equity_micro_usd
    mark.cash_micro_usd = session.cash_micro_usd
    mark.max_drawdown_bp = session.max_drawdown_bp
    mark.completed_trades = session.completed_trades
    mark.failed_trades = session.failed_trades
    mark.winning_trades = session.winning_trades
    mark.losing_trades = session.losing_trades
    mark.won_micro_usd = session.won_micro_usd
    mark.lost_micro_usd = session.lost_micro_usd
    mark.largest_win_micro_usd = session.largest_win_micro_usd
    mark.largest_loss_micro_usd = session.largest_loss_micro_usd
    mark.gas_paid_micro_usd = session.gas_paid_micro_usd
    mark.realized_micro_usd = session.realized_micro_usd
    mark.return_count = session.return_count
    mark.return_mean = session.return_mean
    mark.return_m2 = session.return_m2
    _mark_period(session, mark)
    begin_period(session)
    session.next_mark += 1


@compiled
def _mark_period(session, mark):
    """Write what belongs to the period alone."""
    mark.before_micro_usd = session.mark_equity_micro_usd
    mark.period_completed_trades = session.completed_trades - session.mark_completed_trades
    mark.period_failed_trades = session.failed_trades - session.mark_failed_trades
    mark.period_winning_trades = session.winning_trades - session.mark_winning_trades
    mark.period_losing_trades = session.losing_trades - session.mark_losing_trades
    mark.period_won_micro_usd = session.won_micro_usd - session.mark_won_micro_usd
    mark.period_lost_micro_usd = session.lost_micro_usd - session.mark_lost_micro_usd
    mark.period_largest_win_micro_usd = session.period_largest_win_micro_usd
    mark.period_largest_loss_micro_usd = session.period_largest_loss_micro_usd
    mark.period_gas_paid_micro_usd = session.gas_paid_micro_usd - session.mark_gas_paid_micro_usd
