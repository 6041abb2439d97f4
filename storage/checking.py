"""The check: everything a run has stored, recomputed from its trades and compared to the wei and the micro-USD.

Each rule is one query that returns the rows which break it. Numbers are Postgres numerics, so nothing is rounded.
"""

# ruff: noqa: S608 -- the queries are put together from constants of this file; values are parameters

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from storage import commands, health, knowledge, steering
from storage.chain import chain_findings
from storage.records import Finding

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Rule:
    """Columns of a table, each with the expression that it must equal."""

    table: str
    key: str
    expected: dict[str, str]
    """SQL over ``stored`` (a row of the table) and ``facts``."""
    facts: str
    """A query of facts, one row for each row of the table, joined by ``key``."""

    def query(self) -> str:
        """Return the query of the values that break the rule."""
        deviations = ", ".join(
            f"('{column}', trim_scale(stored.{column}::numeric), trim_scale(({value})::numeric))"
            for column, value in self.expected.items()
        )
        return f"""
            WITH RECURSIVE of_run AS ({_RECORDED_ACCOUNTS}),
                moves AS MATERIALIZED ({_MOVES}), walk AS ({_WALK}), facts AS ({self.facts})
            SELECT of_run.name AS account, stored.{self.key}::text AS row, deviation.*
            FROM {self.table} AS stored
            JOIN of_run USING (account_id)
            JOIN facts USING ({self.key})
            CROSS JOIN LATERAL (VALUES {deviations}) AS deviation (field, stored, expected)
            WHERE deviation.stored IS DISTINCT FROM deviation.expected
            ORDER BY account, row, field
        """


_RECORDED_ACCOUNTS = """
    SELECT accounts.account_id, accounts.name
    FROM paper_trading_accounts AS accounts JOIN runs USING (run_id)
    WHERE (CAST(:run AS uuid) IS NULL OR run_id = :run) AND runs.scenario ->> 'record' <> 'none'
"""

_USD = "1000000.0"
"""Base units of USDC in a USD."""

_SALES = f"""
    SELECT CASE trade_type WHEN 'sell' THEN position_id ELSE sold_position_id END AS position_id,
        trade_id, finished_ordinal, amount_in AS amount, realized_pnl_usd, net_pnl_usd,
        CASE trade_type WHEN 'sell' THEN actual_amount_out / {_USD} ELSE cost_basis_usd END AS proceeds,
        CASE trade_type WHEN 'sell' THEN cost_basis_usd ELSE cost_basis_usd - realized_pnl_usd END AS cost,
        CASE trade_type WHEN 'sell' THEN simulated_gas_cost_usd ELSE 0 END AS gas
    FROM paper_trades JOIN of_run USING (account_id) WHERE status = 'completed' AND trade_type <> 'buy'
"""
"""What left each position: a swap's gas is that of what it bought."""

_PURCHASES = """
    SELECT position_id, trade_id, finished_ordinal, actual_amount_out AS amount, cost_basis_usd AS cost,
        simulated_gas_cost_usd AS gas
    FROM paper_trades JOIN of_run USING (account_id) WHERE status = 'completed' AND trade_type <> 'sell'
"""
"""What came into each position."""

_MOVES = f"""
    SELECT position_id, trade_id, row_number() OVER (PARTITION BY position_id ORDER BY finished_ordinal) AS step,
        amount, cost, gas, proceeds
    FROM (
        SELECT position_id, trade_id, finished_ordinal, amount, cost, gas, NULL AS proceeds
        FROM ({_PURCHASES}) AS purchases
        UNION ALL
        SELECT position_id, trade_id, finished_ordinal, - amount, NULL, gas, proceeds FROM ({_SALES}) AS sales
    ) AS moves
"""
"""Both in their order; amounts of sales are negative, and what they cost is for the walk to find."""

_SHARE = "div({} * 1000000 * - moves.amount, walk.held) / 1000000"
"""The part of a cost that belongs to what is sold, rounded down to the micro-USD."""

_WALK = f"""
    SELECT position_id, trade_id, step, amount AS held, cost AS basis, gas AS gas_basis, 0.0 AS sold_basis, 0.0 AS net
    FROM moves WHERE step = 1
    UNION ALL
    SELECT moves.position_id, moves.trade_id, moves.step, walk.held + moves.amount,
        walk.basis + CASE WHEN moves.amount > 0 THEN moves.cost ELSE - {_SHARE.format("walk.basis")} END,
        walk.gas_basis + CASE WHEN moves.amount > 0 THEN moves.gas ELSE - {_SHARE.format("walk.gas_basis")} END,
        CASE WHEN moves.amount > 0 THEN 0 ELSE {_SHARE.format("walk.basis")} END,
        CASE WHEN moves.amount > 0 THEN 0 ELSE
            moves.proceeds - {_SHARE.format("walk.basis")} - moves.gas - {_SHARE.format("walk.gas_basis")} END
    FROM walk JOIN moves ON moves.position_id = walk.position_id AND moves.step = walk.step + 1
"""
"""Average cost by its definition: each position walked from its first purchase, a trade at a time."""

_ACCOUNT_FACTS = f"""
    SELECT accounts.account_id,
        accounts.initial_balance_usd
            - coalesce(sum(amount_in) FILTER (WHERE trade_type = 'buy' AND status = 'completed'), 0) / {_USD}
            + coalesce(sum(actual_amount_out) FILTER (WHERE trade_type = 'sell' AND status = 'completed'), 0) / {_USD}
            - coalesce(sum(simulated_gas_cost_usd) FILTER (WHERE finished_ordinal IS NOT NULL), 0) AS balance,
        count(finished_ordinal) AS ended,
        coalesce(sum(realized_pnl_usd - simulated_gas_cost_usd) FILTER (WHERE finished_ordinal IS NOT NULL), 0)
            AS profit,
        coalesce(min(scores.won), 0) AS won, coalesce(min(scores.lost), 0) AS lost
    FROM paper_trading_accounts AS accounts
    LEFT JOIN paper_trades AS trades USING (account_id)
    LEFT JOIN (
        SELECT account_id, count(*) FILTER (WHERE net > 0) AS won, count(*) FILTER (WHERE net <= 0) AS lost
        FROM (
            SELECT account_id, sum(net_pnl_usd) AS net
            FROM paper_positions JOIN ({_SALES}) AS sales USING (position_id)
            WHERE NOT is_open GROUP BY account_id, position_id
        ) AS closed GROUP BY account_id
    ) AS scores USING (account_id)
    GROUP BY accounts.account_id
"""

_SESSION_FACTS = """
    SELECT sessions.session_id,
        count(finished_ordinal) AS ended,
        count(*) FILTER (WHERE trades.status = 'completed') AS completed,
        count(*) FILTER (WHERE trades.status IN ('failed', 'cancelled')) AS failed,
        coalesce(sum(simulated_gas_cost_usd) FILTER (WHERE finished_ordinal IS NOT NULL), 0) AS gas,
        coalesce(sum(trades.realized_pnl_usd), 0) AS realized, coalesce(sum(trades.fee_usd), 0) AS fee,
        coalesce(sum(trades.price_impact_usd), 0) AS impact, coalesce(sum(trades.drift_usd), 0) AS drift,
        coalesce(sum(trades.sandwich_usd), 0) AS sandwich, coalesce(sum(trades.failure_usd), 0) AS failure
    FROM paper_trading_sessions AS sessions LEFT JOIN paper_trades AS trades USING (session_id)
    GROUP BY sessions.session_id
"""

_POSITION_FACTS = f"""
    SELECT positions.position_id,
        coalesce(bought.amount, 0) - coalesce(sold.amount, 0) AS held,
        coalesce(bought.cost, 0) AS invested,
        coalesce(sold.cost, 0) AS sold,
        coalesce(sold.realized, 0) AS realized
    FROM paper_positions AS positions
    LEFT JOIN (
        SELECT position_id, sum(amount) AS amount, sum(cost) AS cost
        FROM ({_PURCHASES}) AS purchases GROUP BY position_id
    ) AS bought USING (position_id)
    LEFT JOIN (
        SELECT position_id, sum(amount) AS amount, sum(cost) AS cost, sum(realized_pnl_usd) AS realized
        FROM ({_SALES}) AS sales GROUP BY position_id
    ) AS sold USING (position_id)
"""

_TRADE_FACTS = f"""
    SELECT trades.trade_id,
        lag(cash_after_usd, 1, accounts.initial_balance_usd) OVER (
            PARTITION BY trades.account_id ORDER BY finished_ordinal
        ) + CASE
            WHEN status <> 'completed' THEN 0
            WHEN trade_type = 'buy' THEN - amount_in / {_USD}
            WHEN trade_type = 'sell' THEN actual_amount_out / {_USD}
            ELSE 0
        END - simulated_gas_cost_usd AS cash,
        CASE WHEN status <> 'completed' OR trade_type = 'buy' THEN 0
            WHEN trade_type = 'sell' THEN actual_amount_out / {_USD} - sales.sold_basis
            ELSE cost_basis_usd - sales.sold_basis END AS realized,
        CASE WHEN status <> 'completed' THEN 0 WHEN trade_type = 'buy' THEN amount_in / {_USD}
            WHEN trade_type = 'sell' THEN sales.sold_basis ELSE cost_basis_usd END AS cost,
        coalesce(sales.net, 0) AS net,
        row_number() OVER (PARTITION BY trades.account_id ORDER BY finished_ordinal) - 1 AS place
    FROM paper_trades AS trades
    JOIN paper_trading_accounts AS accounts USING (account_id)
    LEFT JOIN walk AS sales
        ON sales.trade_id = trades.trade_id AND sales.position_id =
            CASE trade_type WHEN 'sell' THEN trades.position_id WHEN 'swap' THEN trades.sold_position_id END
    WHERE finished_ordinal IS NOT NULL
"""

RULES = (
    Rule(
        "paper_trading_accounts",
        "account_id",
        {
            "current_balance_usd": "facts.balance",
            "total_trades": "facts.ended",
            "winning_trades": "facts.won",
            "losing_trades": "facts.lost",
            "total_profit_loss_usd": "facts.profit",
        },
        _ACCOUNT_FACTS,
    ),
    Rule(
        "paper_trading_sessions",
        "session_id",
        {
            "total_trades": "facts.ended",
            "successful_trades": "facts.completed",
            "failed_trades": "facts.failed",
            "gas_paid_usd": "facts.gas",
            "realized_pnl_usd": "facts.realized",
            "fee_usd": "facts.fee",
            "price_impact_usd": "facts.impact",
            "drift_usd": "facts.drift",
            "sandwich_usd": "facts.sandwich",
            "failure_usd": "facts.failure",
        },
        _SESSION_FACTS,
    ),
    Rule(
        "paper_positions",
        "position_id",
        {
            "quantity": "facts.held",
            "total_invested_usd": "facts.invested",
            "cost_basis_usd": "facts.invested - facts.sold",
            "realized_pnl_usd": "facts.realized",
        },
        _POSITION_FACTS,
    ),
    Rule(
        "paper_trades",
        "trade_id",
        {
            "cash_after_usd": "facts.cash",
            "cost_basis_usd": "facts.cost",
            "realized_pnl_usd": "facts.realized",
            "net_pnl_usd": "facts.net",
            "finished_ordinal": "facts.place",
        },
        _TRADE_FACTS,
    ),
)

_OPEN_TWICE = text(
    f"""
    WITH of_run AS ({_RECORDED_ACCOUNTS})
    SELECT of_run.name AS account, min(position_id::text) AS row, count(*) AS stored
    FROM paper_positions JOIN of_run USING (account_id)
    WHERE is_open GROUP BY of_run.name, account_id, token_address HAVING count(*) > 1
    """
)


def check(connection: Connection, run_id: UUID | None) -> list[Finding]:
    """Return what deviates, in one run or in all; an empty list is the good answer."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))  # it grows with the database
    return _schema_findings(connection) or [
        *health.guard_findings(connection),
        *knowledge.findings(connection),
        *content_findings(connection, run_id),
        *health.digest_findings(connection, run_id),
    ]


def _schema_findings(connection: Connection) -> list[Finding]:
    from storage import schema  # noqa: PLC0415 -- Alembic takes its time, which only a check needs to pay

    found, needed = schema.current_revision(connection), schema.head_revision()
    if found != needed:
        return [Finding("alembic_version", "", "the schema", "version_num", found, needed)]
    return [
        Finding("alembic_version", "", "the schema", "differs from the models", str(difference), "no difference")
        for difference in schema.drift(connection)
    ]


def content_findings(connection: Connection, run_id: UUID | None) -> list[Finding]:
    """Return what of a run, or all, does not follow from its trades, and what is wrong with its log and commands."""
    findings = [
        Finding(rule.table, row.account, row.row, row.field, str(row.stored), str(row.expected))
        for rule in RULES
        for row in connection.execute(text(rule.query()), {"run": run_id})
    ]
    findings += chain_findings(connection, run_id)
    findings += commands.findings(connection, run_id) + steering.findings(connection, run_id)
    return findings + [
        Finding("paper_positions", row.account, row.row, "is_open", str(row.stored), "1")
        for row in connection.execute(_OPEN_TWICE, {"run": run_id})
    ]
