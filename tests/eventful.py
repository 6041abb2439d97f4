"""The busy scenario with events: sessions that follow one another, and one whose analyst fails."""

from __future__ import annotations

from functools import cache

from busy import busy_scenario, busy_strategy, tuned_strategy

from actors.market import Market
from cluster.plan import plan_of
from simulation.intelligence.analysts import HISTORY_BLOCKS
from simulation.scenario import AccountSpec, NextSession

CHANGES_AT = 600
CALM = busy_strategy("calm", stop_loss_percent="5", take_profit_percent="5", analyst="momentum")

FAILS_AT = 500
FAILING_BLOCKS = 900
BREAKS = "breaking:Breaks"


def turning_scenario(**changes):
    """Return the busy scenario, in which two accounts go on with another strategy and the third does not."""
    tuned, plain, smart = busy_scenario().accounts
    accounts = (
        turning(tuned, NextSession(from_block=CHANGES_AT, strategy=tuned_strategy("tuned again"))),
        turning(
            plain,
            NextSession(from_block=CHANGES_AT, strategy=CALM),
            NextSession(from_block=900, strategy=busy_strategy("plain once more")),
        ),
        smart,
    )
    return busy_scenario(**{"accounts": accounts, **changes})


def turning(spec, *then):
    """Return an account that goes on with other sessions."""
    return AccountSpec(name=spec.name, strategy=spec.strategy, trading=spec.trading, then=then)


@cache
def turning_plan(**changes):
    """Return the plan of the scenario in which sessions follow one another."""
    return plan_of(turning_scenario(**changes), None)


@cache
def fee_of(block):
    """Return the base fee of a block of the market; no earlier one has it."""
    market = Market(busy_scenario())
    fees = market.records(market.begin(), FAILING_BLOCKS)[1]["base_fee_wei"][HISTORY_BLOCKS:] / 1e9
    assert list(fees).index(fees[block]) == block
    return float(fees[block])


def failing_scenario(fails_at=FAILS_AT, how="raises", *, alone=False, **changes):
    """Return the busy scenario with a fourth account, whose analyst fails at a block; it never does for None."""
    parameters = {"base_fee_gwei": 0.0 if fails_at is None else fee_of(fails_at), "how": how}
    broken = busy_strategy("broken", analyst=BREAKS, custom_parameters=parameters)
    accounts = (*(() if alone else busy_scenario().accounts), AccountSpec(name="broken", strategy=broken))
    return busy_scenario(**{"accounts": accounts, "blocks": FAILING_BLOCKS, "segment_blocks": 300, **changes})


@cache
def failing_plan(**changes):
    """Return the plan of the scenario whose fourth account fails."""
    return plan_of(failing_scenario(**changes), None)
