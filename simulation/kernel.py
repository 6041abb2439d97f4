"""One block in order, for any number of sessions: the only file that knows all parts.

Block by block and session by session: orders that are due are included, positions are valued and their stops
and targets checked, new decisions are made, the period is marked. What a session does depends on nothing but
its own record, its holdings and the shared segment, so that sessions may be stacked and cut in any way.
"""

from __future__ import annotations

from simulation.addresses import part, rows_of
from simulation.autopilot.fetching import fetch_watched
from simulation.autopilot.watching import note, watch
from simulation.jit import compiled
from simulation.trading import decisions, execution
from simulation.trading.account import begin_period, note_equity, note_return, start_day, value_at
from simulation.trading.positions import is_open
from simulation.trading.scene import mid_of, pages_of, scene_of, spot_at

DONE = 0
FULL = 1


@compiled
def advance(sessions, holdings, world, journal, watched):
    """Step every session to the end of the segment or to the block at which its analyst stops, in place.

    Returns DONE, or FULL when the journal has no room for another block of some session; then the caller drains
    it and calls again, and each session goes on from its own next block. Those that are ``watched`` are looked at for
    Auto Pilot right after they were stepped, while the processor has all of it at hand.
    """
    scene, pages = scene_of(world), pages_of(journal)
    held, n_tokens = rows_of(holdings), len(world.tokens)
    for row in range(len(sessions)):
        session, own = sessions[row], part(held, row * n_tokens, n_tokens)
        written, block = pages.counts.trades, session.next_block
        if len(watched.tuning) > 0:
            fetch_watched(watched, row)
        end_block = min(world.first_block + len(world.gas), world.stops[session.analyst])
        is_done = _advance_session(session, own, row, end_block, scene, pages)
        if len(watched.tuning) > 0 and watched.tuning[row].is_watched != 0:
            for place in range(written, pages.counts.trades):
                note(pages.trades[place], own, watched.tuning[row], scene)
            if is_done and session.next_block > block:
                watch(session, own, watched.tuning[row], watched.twins, watched.highest_q, scene)
        if not watched.keeps_trades:
            pages.counts.trades = written
        if not is_done:
            return FULL
    return DONE


@compiled
def _advance_session(session, holdings, row, end_block, scene, pages):
    block = session.next_block
    while block < end_block:
        block = _hold(session, holdings, scene, block, end_block)
        if block < end_block:
            if not _has_room(pages, len(holdings)):
                session.next_block = block
                return False
            _advance_block(session, holdings, row, block, scene, pages)
            block += 1
    session.next_block = block
    return True


@compiled
def _hold(session, holdings, scene, block, end_block):
    """Value the positions block by block until something else happens; return the block in which it does.

    This is where a session spends its time: one multiplication a position and block, and no call out.
    """
    until = min(_next_event(session, holdings), end_block)
    if until <= block or session.open_positions == 0:
        return max(until, block)
    cash, equity = session.cash_micro_usd, session.equity_micro_usd
    peak, floor = session.peak_equity_micro_usd, session.drawdown_floor_micro_usd
    tokens, mids, first_block = scene.tokens, scene.mids, scene.first_block
    while block < until:
        worth = cash
        for t in range(len(holdings)):
            holding = holdings[t]
            if is_open(holding):
                value = _value(holding, mids[(block - first_block) * len(tokens) + t], tokens[t])
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
def _advance_block(session, holdings, row, block, scene, pages):
    """Everything that can happen in a block, in order."""
    start_day(session, block, scene.rules)
    if session.orders_in_flight > 0:
        _include_due(session, holdings, row, block, scene, pages)
    _value_positions(session, holdings, row, block, scene, pages)
    if block == session.next_decision_block:
        _decide(session, holdings, row, block, scene, pages)
    if block == session.next_mark_block:
        _mark(session, row, block, scene.rules, pages)


@compiled
def _has_room(pages, n_tokens):
    """Tell whether one more block fits: a trade and two decisions a token, and a mark."""
    return (
        pages.counts.trades + n_tokens <= len(pages.trades)
        and pages.counts.decisions + 2 * n_tokens <= len(pages.decisions)
        and pages.counts.marks < len(pages.marks)
    )


@compiled
def _include_due(session, holdings, row, block, scene, pages):
    for t in range(len(holdings)):
        holding = holdings[t]
        if holding.order_side != 0 and block >= holding.order_due_block:
            status = execution.include(session, holdings, spot_at(scene, session, row, t, block, pages))
            if status != 0 and scene.rules.write_trades:
                write_trade(session, holding, row, t, block, pages)


@compiled
def _value_positions(session, holdings, row, block, scene, pages):
    """Mark the account: cash and every position at the pool's mid; then leave those at their stop or target."""
    equity = session.cash_micro_usd
    is_exit_due = False
    for t in range(len(holdings)):
        if is_open(holdings[t]):
            value = _value(holdings[t], mid_of(scene, block, t), scene.tokens[t])
            equity += value
            is_exit_due |= _reaches_exit(holdings[t], value)
    note_equity(session, equity)
    if is_exit_due:
        _leave(session, holdings, row, block, scene, pages)


@compiled
def _leave(session, holdings, row, block, scene, pages):
    for t in range(len(holdings)):
        holding = holdings[t]
        if is_open(holding) and _reaches_exit(holding, _value(holding, mid_of(scene, block, t), scene.tokens[t])):
            spot = spot_at(scene, session, row, t, block, pages)
            _write_decision(session, holding, spot, decisions.check_exits(session, holdings, spot), pages)


@compiled
def _decide(session, holdings, row, block, scene, pages):
    session.next_decision_block = block + session.decision_interval_blocks
    for t in range(len(holdings)):
        holding = holdings[t]
        if holding.tradable != 0 and holding.order_side == 0:
            spot = spot_at(scene, session, row, t, block, pages)
            _write_decision(session, holding, spot, decisions.decide(session, holdings, spot), pages)


@compiled
def _write_decision(session, holding, spot, verdict, pages):
    """Give a decision its number, and write it down if the run records decisions; repetitions get neither."""
    if verdict.type != 0 and not decisions.is_repetition(holding, verdict, spot):
        decisions.note(holding, verdict, spot)
        if spot.rules.write_decisions:
            entry = pages.decisions[pages.counts.decisions]
            pages.counts.decisions += 1
            entry.session, entry.token, entry.block = spot.session_row, spot.token_row, spot.block
            entry.decision = session.next_decision
            entry.type, entry.reason = verdict.type, verdict.reason
            entry.lane, entry.trade = verdict.lane, verdict.trade
            entry.observed, entry.limit = verdict.observed, verdict.limit
        session.next_decision += 1


@compiled
def write_trade(session, holding, row, token_row, block, pages):
    """Write an order that has ended, of which the journal's next trade has how, with the terms on which it was sent."""
    entry = pages.trades[pages.counts.trades]
    pages.counts.trades += 1
    entry.session, entry.token, entry.block = row, token_row, block
    entry.trade, entry.decision = holding.order_trade, holding.order_decision
    entry.lane, entry.reason = holding.order_lane, holding.order_reason
    entry.from_token, entry.from_route = holding.order_from, holding.order_from_route
    entry.decided_block, entry.delay_ms = holding.order_decided_block, holding.order_delay_ms
    entry.route = holding.order_route
    entry.in_hi, entry.in_lo = holding.order_in_hi, holding.order_in_lo
    entry.value_micro_usd = holding.order_value_micro_usd
    entry.quote_hi, entry.quote_lo = holding.order_quote_hi, holding.order_quote_lo
    entry.min_hi, entry.min_lo = holding.order_min_hi, holding.order_min_lo
    entry.cash_micro_usd = session.cash_micro_usd


@compiled
def _mark(session, row, block, rules, pages):
    """Write the figures of the period that ends with this block."""
    session.next_mark_block = block + rules.review_blocks
    note_return(session)
    mark = pages.marks[pages.counts.marks]
    pages.counts.marks += 1
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
