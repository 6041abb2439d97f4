"""What the Store answers with: plain values, read from stored rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class Finding:
    """A stored value that does not follow from the trades, or a schema that is not the models'."""

    table: str
    account: str
    row: str
    """Key of the row."""
    column: str
    stored: str
    expected: str

    def __str__(self) -> str:
        """Say it in one sentence."""
        of = f" of account {self.account}" if self.account else ""
        return f"{self.table}.{self.column}{of}, row {self.row}: stored {self.stored}, expected {self.expected}."


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a run has written."""

    accounts: int
    trades: int
    decisions: int
    positions: int
    adjustments: int
    marks: int


@dataclass(frozen=True, slots=True)
class AccountResult:
    """How an account has done, open positions included."""

    name: str
    strategy: str
    return_percent: Decimal
    max_drawdown_percent: Decimal
    sharpe_ratio: float
    """Annualised, at the last mark."""
    win_rate_percent: float
    """Of closed positions; 0 before the first."""
    trades: int
    """Orders that have ended, filled or not."""
    failed_trades: int
    gas_usd: Decimal
    slippage_usd: Decimal
    """What filled orders gave less than they were promised."""
    cost_usd: Decimal
    """What its orders cost against the mid prices of their decisions, gas included."""
    realized_pnl_usd: Decimal
    """Of closed positions, before gas."""
    initial_balance_usd: Decimal
    final_equity_usd: Decimal


@dataclass(frozen=True, slots=True)
class AccountCosts:
    """What an account's orders cost against the mid prices of their decisions: the parts add up to the total."""

    name: str
    fee_usd: Decimal
    """Kept by the pools."""
    impact_usd: Decimal
    """The rest of mid against quote."""
    drift_usd: Decimal
    """Quote against what the pools would have given at inclusion; negative in the account's favour."""
    sandwich_usd: Decimal
    gas_usd: Decimal
    """Of orders that filled."""
    failure_usd: Decimal
    """Gas of orders that did not."""
    total_usd: Decimal


@dataclass(frozen=True, slots=True)
class SessionFailure:
    """A session that ended in ERROR while its run went on."""

    account: str
    strategy: str
    block: int
    """The first that it did not trade."""
    at: datetime
    message: str


@dataclass(frozen=True, slots=True)
class NotableDecision:
    """A decision worth reading, and what came of it."""

    thought_id: UUID
    account: str
    at: datetime
    block: int
    token: str
    decision: str
    reason: str
    reasoning: str
    risk_assessment: str
    confidence_percent: Decimal
    net_pnl_usd: Decimal | None
    """Of the sale that it sent; None for any other decision."""


@dataclass(frozen=True, slots=True)
class Thought:
    """A decision as it is stored, with the account that made it and what became of its order."""

    thought_id: UUID
    run_id: UUID
    session_id: UUID
    trade_id: UUID | None
    account: str
    strategy_name: str
    at: datetime
    block: int
    token_symbol: str
    decision_type: str
    reason: str
    observed_value: int
    limit_value: int
    lane_used: str
    analysis_time_ms: int
    confidence_level: str
    confidence_percent: Decimal
    risk_score: Decimal
    opportunity_score: Decimal
    primary_reasoning: str
    risk_assessment: str
    key_factors: list[dict[str, Any]]
    positive_signals: list[str]
    negative_signals: list[str]
    market_data: dict[str, Any]
    inputs: dict[str, int]
    """By the names of a Case; empty for a decision made before inputs were kept."""
    max_trade_size_usd: Decimal
    """Of the strategy."""
    trade_type: str | None
    trade_status: str | None
    trade_block: int | None
    trade_error: str | None
    net_pnl_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class TradeDetail:
    """An order as it is stored, with the decision behind it and what became of it; amounts are in base units."""

    trade_id: UUID
    run_id: UUID
    account: str
    session_id: UUID
    strategy_name: str
    trade_type: str
    lane: str
    reason: str
    decided_at: datetime
    decided_block: int
    delay_ms: int
    """From the decision to the chain."""
    deadline_block: int | None
    """While it is in flight."""
    block: int | None
    """In which it ended."""
    executed_at: datetime | None
    """When it was included, filled or reverted."""
    execution_time_ms: int | None
    """From the decision to the end."""
    route: str
    token_in_symbol: str
    token_in_decimals: int
    token_out_symbol: str
    token_out_decimals: int
    amount_in: Decimal
    amount_in_usd: Decimal
    expected_amount_out: Decimal
    min_amount_out: Decimal
    actual_amount_out: Decimal | None
    slippage_percent: Decimal
    gas_price_gwei: Decimal
    gas_used: int
    gas_usd: Decimal
    tx_hash: str
    status: str
    error_message: str
    cost_usd: Decimal
    """Against the mid of its decision block: the parts below, and the gas if it filled."""
    fee_usd: Decimal
    impact_usd: Decimal
    drift_usd: Decimal
    sandwich_usd: Decimal
    failure_usd: Decimal
    cost_basis_usd: Decimal
    realized_pnl_usd: Decimal
    net_pnl_usd: Decimal
    position_id: UUID | None
    sold_position_id: UUID | None
    """What a swap gives up."""
    thought_id: UUID | None
    """None where the run records no decisions."""
    primary_reasoning: str | None


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """What a session holds of a token, valued at its latest block; the quantity is in base units."""

    position_id: UUID
    token_symbol: str
    token_decimals: int
    quantity: Decimal
    cost_basis_usd: Decimal
    current_value_usd: Decimal
    unrealized_pnl_usd: Decimal
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class SessionDetail:
    """A session with its figures, what it holds and what it decided lately."""

    session_id: UUID
    run_id: UUID
    account: str
    strategy: str
    trading_mode: str
    analyst: str
    status: str
    status_reason: str
    """A sentence; nothing while it runs."""
    autopilot_disabled_reason: str
    """A sentence; nothing while Auto Pilot has not switched itself off."""
    started_at: datetime
    stopped_at: datetime | None
    last_activity: datetime
    """Simulated time up to which it has traded."""
    next_block: int
    initial_balance_usd: Decimal
    equity_usd: Decimal
    reserved_usd: Decimal
    realized_pnl_usd: Decimal
    gas_usd: Decimal
    max_drawdown_percent: Decimal
    trades: int
    """Orders that have ended, filled or not."""
    failed_trades: int
    mark_block: int | None
    """Of the latest mark; None before the first, as are the figures below, which are taken there."""
    winning_trades: int | None
    losing_trades: int | None
    sharpe_ratio: float | None
    """Annualised."""
    open_positions: list[OpenPosition]
    latest_decisions: dict[str, int]
    """How many of each type there are among the latest decisions that are stored."""


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session in a line, as a run shows it."""

    session_id: UUID
    account: str
    strategy: str
    started_at: datetime
    stopped_at: datetime | None
    status: str
    status_reason: str
    trades: int
    realized_pnl_usd: Decimal
    gas_usd: Decimal
    equity_usd: Decimal
    initial_balance_usd: Decimal
    """Equity with which it began."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run, as a list of runs shows it."""

    run_id: str
    name: str
    seed: int
    blocks: int
    status: str
    digest: str | None
    version: str
    started_at: datetime
    finished_at: datetime | None
    error_message: str


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that may be archived or pruned."""

    run_id: UUID
    name: str
    status: str
    finished_at: datetime
    pruned_at: datetime | None
    rows: int
    """In all tables."""


@dataclass(frozen=True, slots=True)
class ArchivedRun:
    """A run that is in files."""

    run_id: UUID
    name: str
    rows: int
    size_bytes: int
    digest: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Thinned:
    """What pruning takes from a run, or would."""

    snapshots: int
    """That are deleted."""
    snapshots_kept: int
    decisions: int
    """Of orders that did not fill, which lose their JSON."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a session of an interrupted run stands."""

    next_block: int
    error_message: str
    """Why it has ended in ERROR; nothing where it has not."""
    is_stopped: bool = False
    """Whether an operator has stopped it."""


@dataclass(frozen=True, slots=True)
class Reopened:
    """A run that was interrupted and goes on."""

    conductor: int
    """The number of whoever conducts it now."""
    standings: dict[UUID, Standing]
    """Where each session stands, by its key."""
    cuts: tuple[int, ...] = ()
    """Blocks from which on accepted commands hold."""


@dataclass(frozen=True, slots=True)
class RunDetail(RunRecord):
    """A run with what defines it."""

    scenario: dict[str, Any]
    scenario_hash: str
    """Of what defines it."""
    tokens: list[dict[str, Any]]
    plug_ins: list[dict[str, Any]] = field(default_factory=list)
    """Name, version and parameters of each analyst that is not built in."""
