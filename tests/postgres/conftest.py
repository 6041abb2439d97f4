"""A database for each test, empty or with a finished run, and the run that is in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from itertools import count

import machine_server
import numpy as np
import pytest
from questions import questions
from reviewable import adjusting, carried

from simulation import cohort as cohorts
from simulation.autopilot.conditions import Conditions, market_conditions
from simulation.autopilot.records import UNCHANGED
from simulation.autopilot.triggers import Metric
from simulation.intelligence import signals
from simulation.market.segment import Segment, terms_of
from simulation.market.sources import open_source
from simulation.scenario import AccountSpec, Scenario
from simulation.settings.market import Pool, SyntheticMarket, Token, TokenClass
from simulation.settings.strategy import Strategy, TradingConfig
from simulation.trading.rules import rules_of
from storage.rows import SessionContext, batch_of
from storage.store import Store

BLOCKS = 900
ADJUST_AT = 600
FINISHED_PREFIX = 0xF00D


ON_BOTH = {
    "test_exactly_once": "",
    "test_roles": "",
    "test_migrations": "each_step_down_and_up_again",
    "test_check": "wei|link|altered|cannot_use|not_all_rows|disabled|one_moment",
}
"""Files whose tests run on the machine's server too, each with the names of those that are worth it always."""


def pytest_generate_tests(metafunc):
    """Let the tests of those files run on the embedded server and on the machine's, where there is one."""
    chosen = ON_BOTH.get(metafunc.module.__name__.rpartition(".")[2])
    if chosen is not None and "server" in metafunc.fixturenames:
        marks = () if re.search(chosen, metafunc.function.__name__) else pytest.mark.slow
        servers = [pytest.param(None, id="embedded"), pytest.param(machine_server.NAME, marks=marks)]
        metafunc.parametrize("server", servers, indirect=True, scope="session")


@pytest.fixture(scope="session")
def finished_template(server, execute, template):
    """Make a database that holds one finished run, to copy."""
    execute(f"CREATE DATABASE template_finished TEMPLATE {template}")
    store = Store(server.url("template_finished"))
    live = Live(store, busy_scenario(), FINISHED_PREFIX, ADJUST_AT)
    live.run()
    store.close()
    return "template_finished", live


@pytest.fixture
def url(request, new_url, template):
    """Name a database that is upgraded: with the finished run if the test asks for it, else empty."""
    if "finished" in request.fixturenames:
        return new_url(request.getfixturevalue("finished_template")[0])
    return new_url(template)


@pytest.fixture(scope="session")
def stored(server, execute, finished_template):
    """Run SQL that changes nothing on a database that holds the finished run; all tests share it."""
    execute(f"CREATE DATABASE shared TEMPLATE {finished_template[0]}")
    with questions(server.url("shared")) as run:
        yield run


@pytest.fixture
def scenario():
    """Return the busy scenario."""
    return busy_scenario()


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
        self.source, self.blocks, self.signals = _market(self.scenario.seed)
        self.rules = rules_of(self.scenario)
        ordinals = range(len(self.scenario.accounts))
        self.ids = self.store.begin_run(self.scenario, self.source.tokens, self.scenario.blocks, self.prefix)
        self.contexts = [
            SessionContext.of(self.scenario, self.source.tokens, self.prefix, ordinal) for ordinal in ordinals
        ]
        self.incarnations = [self.store.claim(session_id) for session_id in self.ids.sessions]
        self.cohort = cohorts.begin(self.scenario.accounts, ordinals, self.source.tokens, self.rules)

    def batches(self, n_blocks):
        """Trade the next segment and return its batches, uncommitted."""
        first, end = self.next_block, min(self.next_block + n_blocks, self.scenario.blocks)
        segment = Segment(first, *(records[first:end] for records in self.blocks), self.signals[:, first:end])
        adjustments = self._adjustments(segment)
        self.cohort, outcome = cohorts.advance(self.cohort, segment, terms_of(self.source.tokens), self.rules)
        self.next_block, self.seq = end, self.seq + 1
        return [self._batch(row, segment, outcome, adjustments) for row in range(len(self.contexts))]

    def _adjustments(self, segment):
        if self.adjust_at != segment.first_block:
            return UNCHANGED.adjustments
        adjustments = an_adjustment(self.cohort, Conditions.of(market_conditions(segment)[0]))
        self.cohort = carried(self.cohort, adjustments)
        return adjustments

    def _batch(self, row, segment, outcome, adjustments):
        of_row = {
            name: records[records["session"] == row]
            for name, records in (
                ("trades", outcome.trades),
                ("decisions", outcome.decisions),
                ("marks", outcome.marks),
            )
        }
        one = self.cohort.one(row)
        return batch_of(
            self.contexts[row],
            incarnation=self.incarnations[row],
            seq=self.seq,
            session=one.sessions[0],
            holdings=one.holdings[0],
            **of_row,
            adjustments=adjustments[adjustments["session"] == row],
            segment=segment,
            state=one.to_bytes(),
        )

    def run(self, n_blocks=300):
        """Trade and commit to the end; return the run's key."""
        while self.next_block < self.scenario.blocks:
            self.store.commit(self.batches(n_blocks))
        self.store.finish_run(self.ids.run_id, "COMPLETED")
        return self.ids.run_id


def an_adjustment(cohort, market):
    """Return the record of a change of the first session's confidence threshold."""
    metrics = np.zeros(len(Metric))
    metrics[[Metric.WIN_RATE_PERCENT, Metric.TRADES]] = 20, 5
    session = cohort.sessions[0]
    return adjusting(
        session, "confidence_threshold_bp", int(session["confidence_threshold_bp"]) + 150,
        metrics=metrics, regime=market.regime, market=(*market, market.regime),
    )  # fmt: skip


@cache
def _market(seed):
    """Return the source, the blocks and the signals of the busy scenario's market."""
    source = open_source(busy_scenario(seed=seed), None)
    history = signals.HISTORY_BLOCKS
    _, blocks = source.advance(source.begin(), -history, history + BLOCKS)
    traded = [records[history:] for records in blocks]
    return source, traded, signals.analyse(blocks.mids, blocks.gas, BLOCKS)[np.newaxis]


def busy_scenario(**changes):
    """Return a scenario in which three accounts trade often, in a market of an 18- and a 9-decimal token."""
    tokens = (
        Token(
            symbol="WETH",
            name="Wrapped Ether",
            token_class=TokenClass.MAJOR,
            price_usd=3000,
            pools=(Pool(liquidity_usd=1e8),),
        ),
        Token(
            symbol="PEPE",
            name="Pepe",
            token_class=TokenClass.MEME,
            decimals=9,
            price_usd=1e-5,
            pools=(Pool(liquidity_usd=2e6),),
        ),
    )
    accounts = tuple(
        AccountSpec(
            name=f"trader {number}",
            trading=TradingConfig(failure_rate_percent=8),  # so that a short run has orders that failed
            strategy=Strategy(
                name=f"eager {number}",
                confidence_threshold=5 + number if number else 10,
                min_confidence_threshold=10,
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
def finished(finished_template):
    """Return the finished run that is in the test's database."""
    return finished_template[1]


@pytest.fixture
def live_of():
    """Begin a run of the busy scenario in a store of the test's own."""
    return lambda store: Live(store, busy_scenario(), 0xABD_0000_0000)
