"""Accounts, how real the exchange is to them, their trades and their positions."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 -- SQLAlchemy reads the annotations
from decimal import Decimal  # noqa: TC003
from typing import Any
from uuid import UUID  # noqa: TC003

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Identity,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped  # noqa: TC002

from simulation.choices import Failure, Lane, Reason
from storage.models.base import (
    ADDRESS,
    GWEI,
    JSON,
    KEY,
    NOT_NEGATIVE,
    OBJECT,
    PERCENT,
    PERCENTAGE,
    PRICE,
    TIME,
    USD,
    WEI,
    Base,
    between,
    choice,
    column,
    named,
    recorded,
    reference,
)

TRADE_TYPES = ("buy", "sell", "swap")
TRADE_STATUSES = ("pending", "executing", "completed", "failed", "cancelled")
EXCHANGES = ("uniswap_v3", "uniswap_v2", "sushiswap", "curve")


class PaperTradingAccount(Base):
    """A virtual trading account of a run: its balance and its score."""

    __tablename__ = "paper_trading_accounts"

    account_id: Mapped[UUID] = column(KEY, "Key of the account.", primary_key=True)
    user_id: Mapped[UUID] = reference("users.user_id", "Who owns the account.")
    run_id: Mapped[UUID] = reference("runs.run_id", "The run that the account trades in.")
    ordinal: Mapped[int] = column(Integer(), "Place of the account in the scenario, from 0.", check=NOT_NEGATIVE)
    name: Mapped[str] = column(String(100), "Name of the account, unique in its run.")
    description: Mapped[str] = column(Text(), "What the account is for.", default="''")
    initial_balance_usd: Mapped[Decimal] = column(
        USD, "Cash at the beginning, in USD.", default="10000.00", check=NOT_NEGATIVE
    )
    current_balance_usd: Mapped[Decimal] = column(
        USD, "Cash now, in USD, promised to orders or not.", default="10000.00", check=NOT_NEGATIVE
    )
    is_active: Mapped[bool] = column(Boolean(), "Whether the account trades.", default="true")
    created_at: Mapped[datetime] = column(TIME, "Simulated time of the beginning.")
    last_activity: Mapped[datetime] = column(TIME, "Simulated time up to which the account has traded.")
    total_trades: Mapped[int] = column(
        Integer(), "Orders that have ended, filled or not.", default="0", check=NOT_NEGATIVE
    )
    winning_trades: Mapped[int] = column(
        Integer(), "Positions closed with a profit after gas.", default="0", check=NOT_NEGATIVE
    )
    losing_trades: Mapped[int] = column(Integer(), "Positions closed without one.", default="0", check=NOT_NEGATIVE)
    total_profit_loss_usd: Mapped[Decimal] = column(
        USD, "Profit of all sales, before gas, less all gas paid, in USD.", default="0.00"
    )
    recorded_at: Mapped[datetime] = recorded()

    __table_args__ = (
        UniqueConstraint("run_id", "name"),
        UniqueConstraint("run_id", "ordinal"),
        CheckConstraint("winning_trades + losing_trades <= total_trades", name="scores"),
        Index(None, "user_id", "is_active"),
        Index(None, "created_at"),
    )


class PaperTradingConfig(Base):
    """How real the simulated exchange is to one account."""

    __tablename__ = "paper_trading_configs"

    id: Mapped[int] = column(BigInteger(), "Number of the row.", Identity(always=True), primary_key=True)
    account_id: Mapped[UUID] = reference("paper_trading_accounts.account_id", "The account.", unique=True)
    base_slippage_percent: Mapped[Decimal] = column(
        PERCENT, "Largest adverse price move just before an order in its block.", default="0.5", check=between(0, 10)
    )
    gas_price_multiplier: Mapped[Decimal] = column(
        PERCENT, "Scales the account's gas bid.", default="1.0", check=between("0.1", 10)
    )
    execution_delay_ms: Mapped[int] = column(
        Integer(), "Time from decision to sending, in milliseconds.", default="500", check=NOT_NEGATIVE
    )
    max_position_size_percent: Mapped[Decimal] = column(
        PERCENT, "Largest cost of a position of the account, in percent of its equity.", default="100", check=PERCENTAGE
    )
    max_daily_trades: Mapped[int] = column(
        Integer(), "Most orders a simulated day.", default="1000", check=NOT_NEGATIVE
    )
    stop_loss_percent: Mapped[Decimal] = column(
        PERCENT, "Loss at which the account leaves a position.", default="50", check=PERCENTAGE
    )
    simulate_network_issues: Mapped[bool] = column(Boolean(), "Whether some orders arrive late.", default="true")
    simulate_mev: Mapped[bool] = column(Boolean(), "Whether orders may be sandwiched.", default="true")
    failure_rate_percent: Mapped[Decimal] = column(
        PERCENT, "Share of included orders that revert for reasons of their own.", default="2.0", check=PERCENTAGE
    )
    recorded_at: Mapped[datetime] = recorded()


class PaperPosition(Base):
    """A token held by an account, from its first purchase to its last sale."""

    __tablename__ = "paper_positions"

    position_id: Mapped[UUID] = column(KEY, "Key of the position.", primary_key=True)
    account_id: Mapped[UUID] = reference("paper_trading_accounts.account_id", "The account that holds it.")
    session_id: Mapped[UUID] = reference("paper_trading_sessions.session_id", "The session that opened it.")
    strategy_config_id: Mapped[UUID] = reference(
        "paper_strategy_configs.config_id", "The strategy of that session.", index=True
    )
    ordinal: Mapped[int] = column(BigInteger(), "Number of the position in its account.", check=NOT_NEGATIVE)
    opened_block: Mapped[int] = column(BigInteger(), "Block of the first purchase.", check=NOT_NEGATIVE)
    closed_block: Mapped[int | None] = column(BigInteger(), "Block of the last sale.", check="{0} >= opened_block")
    token_address: Mapped[str] = column(String(42), "Address of the token.", check=ADDRESS)
    token_symbol: Mapped[str] = column(String(20), "Symbol of the token.")
    token_name: Mapped[str] = column(String(100), "Name of the token.")
    token_decimals: Mapped[int] = column(Integer(), "Decimals of the token.", check=between(0, 18))
    quantity: Mapped[Decimal] = column(WEI, "Amount held, in base units of the token.", default="0", check=NOT_NEGATIVE)
    average_entry_price_usd: Mapped[Decimal] = column(
        PRICE, "Average USD paid for one whole token, gas not included, rounded down.", default="0", check=NOT_NEGATIVE
    )
    total_invested_usd: Mapped[Decimal] = column(
        USD, "USD paid for all of it, gas not included; stays when it is sold.", default="0", check=NOT_NEGATIVE
    )
    cost_basis_usd: Mapped[Decimal] = column(
        USD, "The part of that which belongs to the amount still held.", default="0", check=NOT_NEGATIVE
    )
    current_price_usd: Mapped[Decimal] = column(
        PRICE, "Pool price of one whole token at the last update, rounded down.", default="0", check=NOT_NEGATIVE
    )
    current_value_usd: Mapped[Decimal] = column(
        USD, "The amount held at that price, rounded down.", default="0", check=NOT_NEGATIVE
    )
    unrealized_pnl_usd: Mapped[Decimal] = column(USD, "Value less cost basis.", default="0")
    realized_pnl_usd: Mapped[Decimal] = column(USD, "Proceeds of sales less their cost basis, before gas.", default="0")
    is_open: Mapped[bool] = column(Boolean(), "Whether any of it is held.", default="true")
    opened_at: Mapped[datetime] = column(TIME, "Simulated time of the first purchase.")
    closed_at: Mapped[datetime | None] = column(TIME, "Simulated time of the last sale.")
    last_updated: Mapped[datetime] = column(TIME, "Simulated time of the price.")
    recorded_at: Mapped[datetime] = recorded()

    __table_args__ = (
        UniqueConstraint("session_id", "ordinal"),
        CheckConstraint("is_open = (closed_at IS NULL)", name="closed_at_when_closed"),
        CheckConstraint("is_open = (closed_block IS NULL)", name="closed_block_when_closed"),
        CheckConstraint("is_open = (quantity > 0)", name="open_while_held"),
        CheckConstraint("cost_basis_usd <= total_invested_usd", name="cost_basis_within_invested"),
        CheckConstraint("unrealized_pnl_usd = current_value_usd - cost_basis_usd", name="unrealized"),
        Index(
            "unique_open_position_per_token",
            "account_id",
            "token_address",
            unique=True,
            postgresql_where=text("is_open"),
        ),
        Index(None, "account_id", "is_open"),
        Index(None, "token_address"),
        Index(None, "opened_at"),
    )


class PaperTrade(Base):
    """An order and what became of it."""

    __tablename__ = "paper_trades"

    trade_id: Mapped[UUID] = column(KEY, "Key of the trade.", primary_key=True)
    account_id: Mapped[UUID] = reference("paper_trading_accounts.account_id", "The account that traded.")
    session_id: Mapped[UUID] = reference("paper_trading_sessions.session_id", "The session that traded.")
    strategy_config_id: Mapped[UUID] = reference(
        "paper_strategy_configs.config_id", "The strategy of that session.", index=True
    )
    position_id: Mapped[UUID | None] = reference(
        "paper_positions.position_id", "The position it opened, raised or reduced.", index=True
    )
    ordinal: Mapped[int] = column(BigInteger(), "Number of the order in its account.", check=NOT_NEGATIVE)
    finished_ordinal: Mapped[int | None] = column(
        BigInteger(), "Place among the account's ended orders, from 0, in the order they ended.", check=NOT_NEGATIVE
    )
    decision_ordinal: Mapped[int] = column(BigInteger(), "Number of the decision behind it.", check=NOT_NEGATIVE)
    decided_block: Mapped[int] = column(BigInteger(), "Block of that decision.", check=NOT_NEGATIVE)
    deadline_block: Mapped[int | None] = column(BigInteger(), "Block at which it expires, while it is in flight.")
    block: Mapped[int | None] = column(BigInteger(), "Block in which it ended.", check="{0} >= decided_block")
    lane: Mapped[str] = choice(20, Lane.__members__, "FAST: public mempool; SMART: private routing.", "FAST")
    reason: Mapped[str] = choice(30, Reason.__members__, "Why the session decided so.")
    failure: Mapped[str] = choice(20, Failure.__members__, "Why it did not fill.", "NONE")
    trade_type: Mapped[str] = choice(10, TRADE_TYPES, "Direction, seen from the traded token.")
    token_in_address: Mapped[str] = column(String(42), "Address of the token paid with.", check=ADDRESS)
    token_in_symbol: Mapped[str] = column(String(20), "Symbol of the token paid with.")
    token_in_decimals: Mapped[int] = column(Integer(), "Decimals of the token paid with.", check=between(0, 18))
    token_out_address: Mapped[str] = column(String(42), "Address of the token received.", check=ADDRESS)
    token_out_symbol: Mapped[str] = column(String(20), "Symbol of the token received.")
    token_out_decimals: Mapped[int] = column(Integer(), "Decimals of the token received.", check=between(0, 18))
    amount_in: Mapped[Decimal] = column(WEI, "Amount paid, in base units.", default="0", check=NOT_NEGATIVE)
    amount_in_usd: Mapped[Decimal] = column(
        USD,
        "The same in USD: for a sale what the pools promised, for a swap at the mid price.",
        default="10.00",
        check=NOT_NEGATIVE,
    )
    expected_amount_out: Mapped[Decimal] = column(
        WEI, "Amount promised at the decision block, in base units.", default="0", check=NOT_NEGATIVE
    )
    min_amount_out: Mapped[Decimal] = column(
        WEI, "Least amount accepted, in base units.", default="0", check=NOT_NEGATIVE
    )
    actual_amount_out: Mapped[Decimal | None] = column(WEI, "Amount received, in base units.", check=NOT_NEGATIVE)
    simulated_gas_price_gwei: Mapped[Decimal] = column(
        GWEI, "Gas price paid, in gwei.", default="1.0", check=NOT_NEGATIVE
    )
    simulated_gas_used: Mapped[int] = column(BigInteger(), "Gas burnt.", default="21000", check=NOT_NEGATIVE)
    simulated_gas_cost_usd: Mapped[Decimal] = column(USD, "Gas paid, in USD.", default="0.50", check=NOT_NEGATIVE)
    simulated_slippage_percent: Mapped[Decimal] = column(
        Numeric(20, 4), "Shortfall of the amount received against the amount promised.", default="0.50"
    )
    cost_basis_usd: Mapped[Decimal] = column(
        USD, "Cost basis that a purchase or swap added or a sale removed.", default="0", check=NOT_NEGATIVE
    )
    realized_pnl_usd: Mapped[Decimal] = column(
        USD, "Proceeds of what was sold less its cost basis, before gas.", default="0"
    )
    net_pnl_usd: Mapped[Decimal] = column(
        USD, "That less the gas of the sale and of the purchases of what was sold.", default="0"
    )
    cash_after_usd: Mapped[Decimal | None] = column(USD, "Cash of the account once it had ended.", check=NOT_NEGATIVE)
    created_at: Mapped[datetime] = column(TIME, "Simulated time of the decision.")
    executed_at: Mapped[datetime | None] = column(TIME, "Simulated time of inclusion.")
    execution_time_ms: Mapped[int | None] = column(
        BigInteger(), "Simulated time from decision to end, in milliseconds.", check=NOT_NEGATIVE
    )
    delay_ms: Mapped[int] = column(
        BigInteger(), "Part of that before it reached the chain, in milliseconds.", default="0", check=NOT_NEGATIVE
    )
    status: Mapped[str] = choice(20, TRADE_STATUSES, "What became of it.", "pending")
    error_message: Mapped[str] = column(Text(), "The failure as a sentence.", default="''")
    mock_tx_hash: Mapped[str] = column(
        String(66), "Hash of the simulated transaction.", check="{0} ~ '^0x[0-9a-f]{{64}}$'"
    )
    mock_block_number: Mapped[int | None] = column(BigInteger(), "Block that included it, filled or reverted.")
    strategy_name: Mapped[str] = column(String(100), "Name of the strategy.")
    execution_dex: Mapped[str] = choice(50, EXCHANGES, "Exchange that it was sent to.", "uniswap_v3")
    extra: Mapped[dict[str, Any]] = named("metadata", JSON, "Anything else.", default="'{}'::jsonb", check=OBJECT)
    recorded_at: Mapped[datetime] = recorded()
    execution_cost_usd: Mapped[Decimal] = column(
        USD,
        "Cost against the mid of its decision block: the parts below, and the gas if it filled.",
        default="0",
    )
    fee_usd: Mapped[Decimal] = column(USD, "Part of it that the pools kept.", default="0", check=NOT_NEGATIVE)
    price_impact_usd: Mapped[Decimal] = column(USD, "Part of it: the rest of mid against quote.", default="0")
    drift_usd: Mapped[Decimal] = column(
        USD, "Part of it: quote against what the pools would have given at inclusion.", default="0"
    )
    sandwich_usd: Mapped[Decimal] = column(
        USD, "Part of it: that against what they gave.", default="0", check=NOT_NEGATIVE
    )
    failure_usd: Mapped[Decimal] = column(
        USD, "Part of it: the gas of an order that did not fill.", default="0", check=NOT_NEGATIVE
    )
    route: Mapped[str] = column(String(200), "Pools that it is swapped through, the token's own first.", default="''")
    sold_position_id: Mapped[UUID | None] = reference(
        "paper_positions.position_id", "The position that a swap gives up.", index=True
    )

    __table_args__ = (
        UniqueConstraint("session_id", "ordinal"),
        UniqueConstraint("session_id", "finished_ordinal"),
        CheckConstraint("(status = 'completed') = (actual_amount_out IS NOT NULL)", name="received_when_completed"),
        CheckConstraint("actual_amount_out >= min_amount_out", name="minimum_respected"),
        CheckConstraint("(status IN ('failed', 'cancelled')) = (failure <> 'NONE')", name="failure_has_a_cause"),
        CheckConstraint("(status IN ('pending', 'executing')) = (finished_ordinal IS NULL)", name="finished"),
        CheckConstraint("(finished_ordinal IS NULL) = (block IS NULL)", name="block_when_finished"),
        CheckConstraint("(finished_ordinal IS NULL) = (cash_after_usd IS NULL)", name="cash_when_finished"),
        CheckConstraint("(status IN ('completed', 'failed')) = (executed_at IS NOT NULL)", name="executed_at"),
        CheckConstraint("status <> 'completed' OR position_id IS NOT NULL", name="position_when_completed"),
        CheckConstraint("(trade_type = 'swap') = (sold_position_id IS NOT NULL)", name="swap_gives_up_a_position"),
        CheckConstraint(
            "execution_cost_usd = fee_usd + price_impact_usd + drift_usd + sandwich_usd + failure_usd"
            " + CASE WHEN status = 'completed' THEN simulated_gas_cost_usd ELSE 0 END",
            name="costs_add_up",
        ),
        CheckConstraint("status = 'completed' OR execution_cost_usd = failure_usd", name="only_failure_costs"),
        Index(None, "account_id", "status", "created_at"),
        Index(
            "ix_paper_trades_result_of_a_sale",
            "account_id",
            "reason",
            "net_pnl_usd",
            postgresql_where=text("trade_type <> 'buy' AND status = 'completed'"),
        ),
        Index(None, "created_at"),
        Index(None, "trade_type"),
        Index(None, "execution_dex"),
    )
