"""A real Postgres for each test: one server for all, one database of its own made from an upgraded template."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
import psycopg2
import pytest

from simulation import cohort as cohorts
from simulation.autopilot.policy import Adjustment, AdjustmentType
from simulation.autopilot.review import apply, market_conditions
from simulation.autopilot.guardrails import Calendar
from simulation.intelligence import signals
from simulation.market.segment import Segment, token_records
from simulation.market.sources import open_source
from simulation.scenario import AccountSpec, Scenario, Strategy, SyntheticMarket, Token, TokenClass
from simulation.trading.rules import rules_of
from storage import embedded
from storage.ids import Kind, derive
from storage.rows import SessionContext, batch_of
from storage.store import Store

BLOCKS = 1500
_names = count()


@pytest.fixture(scope="session")
def server():
    """Start a server in a folder of its own, never the user's."""
    home = Path(tempfile.mkdtemp(prefix="pdx", dir="/tmp"))
    home.chmod(0o755)
    server = embedded.start(home / "postgres")
    yield server
    server.stop()
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def execute(server):
    """Run one statement outside any transaction and database of a test."""

    def run(statement):
        connection = psycopg2.connect(
            host=str(server.socket_folder), port=server.port, user="postgres", dbname="postgres"
        )
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()

    return run


@pytest.fixture(scope="session")
def template(server, execute):
    """Make an upgraded database to copy."""
    execute("CREATE DATABASE template_paperdex")
    store = Store(server.url("template_paperdex"))
    store.upgrade()
    store.close()
    return "template_paperdex"


@pytest.fixture
def new_url(server, execute):
    """Return the URLs of new databases, made from a template or empty."""
    made = []

    def new(template="template0"):
        name = f"test_{os.getpid()}_{next(_names)}"
        execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        made.append(name)
        return server.url(name)

    yield new
    for name in made:
        execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def url(new_url, template):
    """Name a database that is upgraded and empty."""
    return new_url(template)


@pytest.fixture
def store(url):
    """Open that database."""
    store = Store(url)
    yield store
    store.close()


@pytest.fixture
def sql(url):
    """Run SQL on the test's database and return the rows, if any."""
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    connection.autocommit = True

    def run(statement, *values):
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    yield run
    connection.close()


@dataclass
class Live:
    """A run of the real kernel in this process, one call a segment."""

    store: Store
    scenario: Scenario
    prefix: int
    adjust_at: int | None = None
    incarnations: list[int] = field(init=False)
    next_block: int = 0
    seq: int = 0

    def __post_init__(self):
        self.source = open_source(self.scenario, None)
        self.rules = rules_of(self.scenario)
        ordinals = range(len(self.scenario.accounts))
        self.ids = self.store.begin_run(self.scenario, self.source.tokens, self.scenario.blocks, self.prefix)
        self.contexts = [
            SessionContext.of(self.scenario, self.source.tokens, self.prefix, ordinal) for ordinal in ordinals
        ]
        self.incarnations = [self.store.claim(session_id) for session_id in self.ids.sessions]
        self.cohort = cohorts.begin(self.scenario.accounts, ordinals, self.source.tokens, self.rules)
        self.pools, self.gas, self.signals = _market(self.source, self.scenario.blocks)

    def batches(self, n_blocks):
        """Trade the next segment and return its batches, uncommitted."""
        first, end = self.next_block, min(self.next_block + n_blocks, self.scenario.blocks)
        segment = Segment(first, self.pools[first:end], self.gas[first:end], self.signals[first:end])
        adjustments = self._adjustments(segment)
        self.cohort, outcome = cohorts.advance(
            self.cohort, segment, token_records(self.source.tokens), self.rules
        )
        self.next_block, self.seq = end, self.seq + 1
        return [self._batch(row, segment, outcome, adjustments) for row in range(len(self.contexts))]

    def _adjustments(self, segment):
        if self.adjust_at != segment.first_block:
            return []
        adjustment = an_adjustment(self.cohort, segment.first_block, market_conditions(segment))
        self.cohort = apply(self.cohort, 0, adjustment, Calendar(self.rules.block_time_ms, self.rules.day_offset_ms))
        return [adjustment]

    def _batch(self, row, segment, outcome, adjustments):
        of_row = {
            name: records[records["session"] == row]
            for name, records in (
                ("trades", outcome.trades),
                ("decisions", outcome.decisions),
                ("marks", outcome.marks),
            )
        }
        one = cohorts.Cohort(self.cohort.sessions[row : row + 1], self.cohort.holdings[row : row + 1])
        return batch_of(
            self.contexts[row],
            incarnation=self.incarnations[row],
            seq=self.seq,
            session=one.sessions[0],
            holdings=one.holdings[0],
            **of_row,
            adjustments=adjustments if row == 0 else [],
            segment=segment,
            state=one.to_bytes(),
        )

    def run(self, n_blocks=300):
        """Trade and commit to the end; return the run's key."""
        while self.next_block < self.scenario.blocks:
            self.store.commit(self.batches(n_blocks))
        self.store.finish_run(self.ids.run_id, "COMPLETED")
        return self.ids.run_id


def an_adjustment(cohort, block, market):
    """Return a change of the first session's confidence threshold."""
    old = int(cohort.sessions[0]["confidence_threshold_bp"])
    return Adjustment(
        session=0,
        block=block,
        type=AdjustmentType.CONFIDENCE_INCREASE,
        field="confidence_threshold_bp",
        parameter_name="confidence_threshold",
        old=old,
        new=old + 150,
        divisor=100,
        reason="win_rate_percent 20.00 is below 40 over 5 trades: too few trades win.",
        trigger_metric="win_rate_percent",
        trigger_value=20.0,
        trigger_threshold=40.0,
        confidence_percent=50.0,
        market_conditions=market,
    )


_markets: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}


def _market(source, blocks):
    """Return pools, gas and signals of the busy scenario's market, made once."""
    if blocks not in _markets:
        history = signals.HISTORY_BLOCKS
        _, pools, gas = source.advance(source.begin(), -history, history + blocks)
        _markets[blocks] = pools[history:], gas[history:], signals.analyse(pools, gas, blocks)
    return _markets[blocks]


def busy_scenario(**changes):
    """Return a scenario in which three accounts trade often, in a market of an 18- and a 9-decimal token."""
    tokens = (
        Token(symbol="WETH", name="Wrapped Ether", token_class=TokenClass.MAJOR, price_usd=3000, liquidity_usd=1e8),
        Token(
            symbol="PEPE",
            name="Pepe",
            token_class=TokenClass.MEME,
            decimals=9,
            price_usd=1e-5,
            liquidity_usd=2e6,
        ),
    )
    accounts = tuple(
        AccountSpec(
            name=f"trader {number}",
            strategy=Strategy(
                name=f"eager {number}",
                confidence_threshold=5 + number,
                decision_interval_blocks=5,
                stop_loss_percent="0.5",
                take_profit_percent="0.5",
                max_daily_trades=1000,
                autopilot_enabled=number == 0,
            ),
        )
        for number in range(3)
    )
    given = {
        "name": "busy",
        "seed": 7,
        "blocks": BLOCKS,
        "market": SyntheticMarket(tokens=tokens),
        "accounts": accounts,
    }
    return Scenario(**given | changes)


@pytest.fixture
def begin(store):
    """Begin runs of the busy scenario."""
    prefixes = count(0xABC_0000_0000)

    def new(prefix=None, adjust_at=None, **changes):
        return Live(store, busy_scenario(**changes), next(prefixes) if prefix is None else prefix, adjust_at)

    return new


@pytest.fixture
def finished(begin):
    """Return a finished run."""
    live = begin(adjust_at=600)
    live.run()
    return live


@pytest.fixture
def key():
    """Derive keys."""
    return derive


@pytest.fixture
def kinds():
    """Name kinds of keys."""
    return Kind
