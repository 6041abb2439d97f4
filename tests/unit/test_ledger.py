"""What always holds in the books of a session, in wild markets and with every kind of account."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from random_market import random_account, random_stage

from simulation.choices import Side

if TYPE_CHECKING:
    from hand_made import Played


def busy(seed: int) -> Played:
    """Return what became of four random accounts in a wild market."""
    luck = Random(seed)
    made = random_stage(luck, 200, 3)
    symbols = [info.symbol for info in made.infos]
    return made.run(*(random_account(luck, f"{row}", symbols) for row in range(4)), block_time_ms=400_000)


@pytest.mark.parametrize("seed", range(10))
def test_cash_is_what_came_in_and_out_to_the_micro_usd(seed: int) -> None:
    played = busy(seed)
    sessions, open_cost = played.cohort.sessions, played.cohort.holdings["cost_micro_usd"].sum(axis=1)
    booked = sessions["initial_micro_usd"] + sessions["realized_micro_usd"] - sessions["gas_paid_micro_usd"] - open_cost
    assert sessions["cash_micro_usd"].tolist() == booked.tolist()


@pytest.mark.parametrize("seed", range(10))
def test_cash_is_never_negative(seed: int) -> None:
    played = busy(seed)
    assert np.all(played.trades["cash_micro_usd"] >= 0)
    assert np.all(played.cohort.sessions["cash_micro_usd"] >= 0)


@pytest.mark.parametrize("seed", range(10))
def test_what_is_reserved_belongs_to_the_orders_in_flight(seed: int) -> None:
    cohort = busy(seed).cohort
    in_flight = ~np.isin(cohort.holdings["order_side"], [Side.NONE, Side.AWAY])
    reserved = np.where(in_flight, cohort.holdings["order_reserved_micro_usd"], 0).sum(axis=1)
    assert cohort.sessions["reserved_micro_usd"].tolist() == reserved.tolist()
    assert cohort.sessions["orders_in_flight"].tolist() == in_flight.sum(axis=1).tolist()


@pytest.mark.parametrize("seed", range(10))
def test_results_of_closed_positions_add_up_to_what_was_won_and_lost(seed: int) -> None:
    played = busy(seed)
    for row, session in enumerate(played.cohort.sessions):
        net = played.trades["net_micro_usd"][played.trades["session"] == row].sum()
        holdings = played.cohort.holdings[row]
        is_open = (holdings["quantity_hi"] | holdings["quantity_lo"]) != 0
        of_open_positions = np.where(is_open, holdings["net_micro_usd"], 0).sum()
        assert session["won_micro_usd"] - session["lost_micro_usd"] == net - of_open_positions
        assert session["winning_trades"] + session["losing_trades"] == session["closed_trades"]


@pytest.mark.parametrize("seed", range(10))
def test_a_trade_and_the_decision_behind_it_name_each_other(seed: int) -> None:
    played = busy(seed)
    behind = {(int(d["session"]), int(d["decision"])): int(d["trade"]) for d in played.outcome.decisions}
    for trade in played.trades:
        assert behind[int(trade["session"]), int(trade["decision"])] == trade["trade"]
