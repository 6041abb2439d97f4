"""Say what each order cost, part by part, and through which pools it went."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COSTS = {
    "execution_cost_usd": "Cost against the mid of its decision block: the parts below, and the gas if it filled.",
    "fee_usd": "Part of it that the pools kept.",
    "price_impact_usd": "Part of it: the rest of mid against quote.",
    "drift_usd": "Part of it: quote against what the pools would have given at inclusion.",
    "sandwich_usd": "Part of it: that against what they gave.",
    "failure_usd": "Part of it: the gas of an order that did not fill.",
}
NEVER_NEGATIVE = ("fee_usd", "sandwich_usd", "failure_usd")
FAILURES = ("NONE", "SLIPPAGE", "REVERTED", "EXPIRED", "UNAFFORDABLE")
NEW_FAILURES = {"DROPPED": "EXPIRED", "NO_LIQUIDITY": "SLIPPAGE"}
"""Each with the old one that comes nearest."""

ADD_UP = (
    "execution_cost_usd = fee_usd + price_impact_usd + drift_usd + sandwich_usd + failure_usd"
    " + CASE WHEN status = 'completed' THEN simulated_gas_cost_usd ELSE 0 END"
)


def upgrade() -> None:
    """Apply the change; of orders that ended before it only the gas is known."""
    for name, comment in COSTS.items():
        op.add_column(
            "paper_trades",
            sa.Column(name, sa.Numeric(20, 6), server_default=sa.text("0"), nullable=False, comment=comment),
        )
    op.add_column(
        "paper_trades",
        sa.Column(
            "route", sa.String(200), server_default="", nullable=False,
            comment="Pools that it is swapped through, the token's own first.",
        ),
    )  # fmt: skip
    op.execute(
        "UPDATE paper_trades SET execution_cost_usd = simulated_gas_cost_usd,"
        " failure_usd = CASE WHEN status = 'completed' THEN 0 ELSE simulated_gas_cost_usd END"
        " WHERE finished_ordinal IS NOT NULL"
    )
    for name in NEVER_NEGATIVE:
        _add_check(name, f"{name} >= 0")
    _add_check("costs_add_up", ADD_UP)
    _add_check("only_failure_costs", "status = 'completed' OR execution_cost_usd = failure_usd")
    _allow_failures(*FAILURES, *NEW_FAILURES)


def downgrade() -> None:
    """Undo the change; costs and routes are lost, and failures of the new kinds are kept under old ones.

    An order that was dropped has EXPIRED: it reached no block and paid nothing. One without liquidity has failed of
    SLIPPAGE: the pools would have given less than its minimum.
    """
    for failure, kept_as in NEW_FAILURES.items():
        op.execute(
            sa.text("UPDATE paper_trades SET failure = :kept_as WHERE failure = :failure").bindparams(
                kept_as=kept_as, failure=failure
            )
        )
    for name in ("costs_add_up", "only_failure_costs", *NEVER_NEGATIVE):
        _drop_check(name)
    for name in (*COSTS, "route"):
        op.drop_column("paper_trades", name)
    _allow_failures(*FAILURES)


def _allow_failures(*failures: str) -> None:
    listed = ", ".join(f"'{failure}'" for failure in failures)
    _drop_check("failure")
    _add_check("failure", f"failure IN ({listed})")


def _add_check(name: str, rule: str) -> None:
    op.create_check_constraint(op.f(f"ck_paper_trades_{name}"), "paper_trades", rule)


def _drop_check(name: str) -> None:
    op.drop_constraint(op.f(f"ck_paper_trades_{name}"), "paper_trades")
