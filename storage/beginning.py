"""The first rows of a run: the run, its accounts, and their sessions before block 0."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from simulation.autopilot.knowledge import IGNORANT
from simulation.cohort import Cohort
from simulation.settings.strategy import Strategy, TradingConfig
from storage import knowledge, units
from storage.committing import copy
from storage.copying import encode
from storage.ids import LOCAL_USER_ID, Kind, derive, run_id_of
from storage.installed import paperdex_version
from storage.models import PaperStrategyConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from sqlalchemy import Connection

    from simulation.autopilot.knowledge import Knowledge
    from simulation.intelligence.roster import PlugIn
    from simulation.market.segment import TokenInfo
    from simulation.scenario import AccountSpec, Scenario
    from storage.context import SessionContext

NOT_IDENTITY: dict[str, Any] = {
    "segment_blocks": True,
    "knowledge": True,
    "market": {"recordings": {"__all__": {"path"}}, "gas_path": True},
}
"""Fields of a scenario that change nothing but the pace, and where recordings lie or which knowledge is used: their
hashes say what they are."""

_TOKEN_FIELDS = ("symbol", "name", "decimals", "price_shift", "address")
_STRATEGY_FIELDS = tuple(name for name in Strategy.model_fields if name in PaperStrategyConfiguration.__table__.columns)
_TRADING_FIELDS = tuple(TradingConfig.model_fields)


_HAS_BEGUN = text("SELECT 1 FROM session_checkpoints WHERE session_id = :session")


@dataclass(frozen=True, slots=True)
class RunIds:
    """The keys of a run; ``sessions`` are in the order of the scenario's accounts."""

    run_id: UUID
    prefix: int
    sessions: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What ``begin`` writes into one table: its columns, and the row of each account."""

    name: str
    columns: tuple[str, ...]
    row: Callable[[Scenario, int, int, AccountSpec], tuple[Any, ...]]


def begin(
    connection: Connection,
    scenario: Scenario,
    tokens: tuple[TokenInfo, ...],
    blocks: int,
    prefix: int,
    plug_ins: tuple[PlugIn, ...] = (),
) -> RunIds:
    """Write the run ``prefix`` of ``scenario`` over ``blocks`` blocks, with these plug-ins and its knowledge."""
    known = knowledge.knowledge(connection, scenario.knowledge)
    _write_run(connection, scenario, tokens, blocks, prefix, plug_ins, known)
    for table in _TABLES:
        rows = (table.row(scenario, prefix, ordinal, account) for ordinal, account in enumerate(scenario.accounts))
        copy(connection, table.name, table.columns, encode(rows))
    sessions = tuple(derive(prefix, Kind.SESSION, ordinal, 0) for ordinal in range(len(scenario.accounts)))
    return RunIds(run_id_of(prefix), prefix, sessions)


def begin_session(connection: Connection, context: SessionContext, state: bytes) -> None:
    """Write a later session of an account, RUNNING before its first block in this ``state``; nothing if it is there."""
    if connection.execute(_HAS_BEGUN, {"session": context.session_id}).one_or_none() is not None:
        return
    session, strategy, at = Cohort.from_bytes(state).sessions[0], context.account.strategy, context.started_at
    settings = (_plain(getattr(strategy, name)) for name in _STRATEGY_FIELDS)
    rows: dict[str, tuple[Any, ...]] = {
        "paper_strategy_configs": (
            context.strategy_key, context.account_key, at, at, at if context.autopilot_active else None, *settings,
        ),
        "paper_trading_sessions": (
            context.session_key, context.account_key, context.strategy_key, at, at,
            units.usd(int(session["equity_micro_usd"])),
        ),
    }  # fmt: skip
    columns = {table.name: table.columns for table in _TABLES}
    for table, row in rows.items():
        copy(connection, table, columns[table], encode([row]))
    checkpoint = context.session_key, int(session["next_block"]), state
    copy(connection, "session_checkpoints", ("session_id", "next_block", "state"), encode([checkpoint]))


def scenario_hash(scenario: Scenario, plug_ins: tuple[PlugIn, ...] = (), known: Knowledge = IGNORANT) -> str:
    """Return the SHA-256 of what defines a run: scenario without pace and paths, plug-ins, what Auto Pilot knows.

    Built-in analysts have the version of paperdex, which is left out so that two versions can be compared.
    """
    content = scenario.model_dump(mode="json", exclude=NOT_IDENTITY)
    if plug_ins:
        content["analysts"] = [plug_in._asdict() for plug_in in plug_ins]
    if known.version != IGNORANT.version:
        content["knowledge"] = known.hash
    return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _write_run(
    connection: Connection,
    scenario: Scenario,
    tokens: Iterable[TokenInfo],
    blocks: int,
    prefix: int,
    plug_ins: tuple[PlugIn, ...],
    known: Knowledge,
) -> None:
    row = {
        "run_id": run_id_of(prefix),
        "name": scenario.name,
        "seed": scenario.seed,
        "scenario": scenario.model_dump(mode="json"),
        "scenario_hash": scenario_hash(scenario, plug_ins, known),
        "tokens": [_token(token) for token in tokens],
        "version": paperdex_version(),
        "blocks": blocks,
        "plug_ins": [plug_in._asdict() for plug_in in plug_ins],
    }
    copy(connection, "runs", tuple(row), encode([tuple(row.values())]))


def _token(token: TokenInfo) -> dict[str, Any]:
    described = {name: getattr(token, name) for name in _TOKEN_FIELDS}
    return {**described, "pools": [asdict(pool) for pool in token.pools]}


def _account_row(scenario: Scenario, prefix: int, ordinal: int, account: AccountSpec) -> tuple[Any, ...]:
    return (
        derive(prefix, Kind.ACCOUNT, ordinal, 0),
        LOCAL_USER_ID,
        run_id_of(prefix),
        ordinal,
        account.name,
        account.initial_balance_usd,
        account.initial_balance_usd,
        scenario.begin_at,
        scenario.begin_at,
    )


def _config_row(_: Scenario, prefix: int, ordinal: int, account: AccountSpec) -> tuple[Any, ...]:
    settings = (getattr(account.trading, name) for name in _TRADING_FIELDS)
    return derive(prefix, Kind.ACCOUNT, ordinal, 0), *settings


def _strategy_row(scenario: Scenario, prefix: int, ordinal: int, account: AccountSpec) -> tuple[Any, ...]:
    settings = (_plain(getattr(account.strategy, name)) for name in _STRATEGY_FIELDS)
    autopilot = scenario.autopilot and account.strategy.autopilot_enabled
    return (
        derive(prefix, Kind.STRATEGY, ordinal, 0),
        derive(prefix, Kind.ACCOUNT, ordinal, 0),
        scenario.begin_at,
        scenario.begin_at,
        scenario.begin_at if autopilot else None,
        *settings,
    )


def _session_row(scenario: Scenario, prefix: int, ordinal: int, account: AccountSpec) -> tuple[Any, ...]:
    return (
        derive(prefix, Kind.SESSION, ordinal, 0),
        derive(prefix, Kind.ACCOUNT, ordinal, 0),
        derive(prefix, Kind.STRATEGY, ordinal, 0),
        scenario.begin_at,
        scenario.begin_at,
        account.initial_balance_usd,
    )


def _checkpoint_row(_scenario: Scenario, prefix: int, ordinal: int, _account: AccountSpec) -> tuple[Any, ...]:
    return (derive(prefix, Kind.SESSION, ordinal, 0),)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, StrEnum) else value


_TABLES = (
    Table(
        "paper_trading_accounts",
        (
            "account_id",
            "user_id",
            "run_id",
            "ordinal",
            "name",
            "initial_balance_usd",
            "current_balance_usd",
            "created_at",
            "last_activity",
        ),
        _account_row,
    ),
    Table("paper_trading_configs", ("account_id", *_TRADING_FIELDS), _config_row),
    Table(
        "paper_strategy_configs",
        ("config_id", "account_id", "created_at", "updated_at", "autopilot_started_at", *_STRATEGY_FIELDS),
        _strategy_row,
    ),
    Table(
        "paper_trading_sessions",
        ("session_id", "account_id", "strategy_config_id", "started_at", "last_activity", "equity_usd"),
        _session_row,
    ),
    Table("session_checkpoints", ("session_id",), _checkpoint_row),
)
"""In the order of their foreign keys."""
