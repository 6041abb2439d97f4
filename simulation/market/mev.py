"""The sandwich: a swap put before and one after a victim's, by somebody who sees it in the public mempool.

The model of a constant product pool with the fee inside (Heimbach and Wattenhofer, "Eliminating Sandwich Attacks with
the Help of Game Theory", 2022): the victim sells v for at least m into reserves x and y, the attacker buys a before
and sells what that bought afterwards. gamma is one minus the fee. Amounts are floats in base units: they decide
whether somebody attacks; what the victim gets is its own minimum, an integer.

What is unrealistic: an attacker takes the whole tolerance or nothing, though just above the threshold a smaller
attack may pay; a concentrated pool is taken by its virtual reserves; and nobody outbids the attacker.
"""

from __future__ import annotations

import math

from simulation.jit import compiled

ATTACK_BP = 6_000
"""Share of profitable victims that are attacked: of public swaps above 50,000 USD with default tolerance, 64 % settled
within 1 % of their floor (IntentGuard, 90 days)."""

KEPT_SHARE = 0.15
"""Of its profit an attacker keeps this share; the rest is the bribe that wins the place in the block (EigenPhi)."""


@compiled
def front_run(victim, least_out, reserve_in, reserve_out, gamma):
    """Return the largest input before the victim's that leaves it ``least_out``; 0 where there is none.

    It is the positive root a of
    ``gamma*a**2 + a*(x*(1+gamma) + gamma**2*v) + x**2 + gamma*v*x - gamma*v*x*y/m = 0``.
    """
    linear = reserve_in * (1.0 + gamma) + gamma * gamma * victim
    constant = reserve_in * reserve_in + gamma * victim * reserve_in * (1.0 - reserve_out / least_out)
    if constant >= 0.0:
        return 0.0
    return (math.sqrt(linear * linear - 4.0 * gamma * constant) - linear) / (2.0 * gamma)


@compiled
def profit(front, victim, victim_out, reserve_in, reserve_out, gamma):
    """Return what buying with ``front`` before the victim and selling after it earns, before gas and bribe."""
    bought = gamma * front * reserve_out / (reserve_in + gamma * front)
    left_in = reserve_in + front + victim
    left_out = reserve_out - bought - victim_out
    return gamma * bought * left_in / (left_out + gamma * bought) - front


@compiled
def can_pay(victim, reserve_in, gamma):
    """Tell whether an attack of any size can pay: ``gamma**2 * (1 + v/x) * (1 + gamma*v/x) > 1``."""
    share = victim / reserve_in
    return gamma * gamma * (1.0 + share) * (1.0 + gamma * share) > 1.0
