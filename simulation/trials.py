"""Trials: many settings of one account, stepped together as a cohort, and what each came to.

A trial is the account's session under one setting of its strategy and realism, on one market. All trials of a market
have the same random stream, that of a run's first account: they differ by their settings alone, and each is to the
bit what a run of that one account is.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from pydantic import ValidationError

from simulation import cohort as cohorts
from simulation.autopilot.carrying import piloted
from simulation.autopilot.conditions import market_conditions
from simulation.autopilot.guardrails import POLICY, Calendar, policies_from
from simulation.autopilot.knowledge import IGNORANT
from simulation.autopilot.policy import Policy
from simulation.cohort import Cohort
from simulation.copies import taken, whole
from simulation.intelligence.roster import AnalystSpec
from simulation.scenario import AccountSpec
from simulation.settings.strategy import Strategy
from simulation.state import HOLDING, SESSION
from simulation.sweeping.fields import ANALYST, PARAMETER, field_at, is_heard
from simulation.tuning import TUNING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from simulation.autopilot.knowledge import Knowledge
    from simulation.market.segment import Breakdown, Segment, Terms, TokenInfo
    from simulation.sweeping.columns import Column
    from simulation.trading.rules import Rules

Key = TypeVar("Key")
Made = TypeVar("Made")

STREAM = 0
"""The random stream of every trial: that of a run's first account."""

INDEPENDENT = {
    "strategy.decision_interval_blocks": "decision_interval_blocks",
    "strategy.fast_lane_threshold_usd": "fast_lane_threshold_micro_usd",
    "strategy.max_trade_size_usd": "max_trade_size_micro_usd",
    "strategy.stop_loss_percent": "stop_loss_bp",
    "strategy.take_profit_percent": "take_profit_bp",
    "strategy.max_hold_hours": "max_hold_blocks",
    "strategy.max_daily_trades": "max_daily_trades",
    "strategy.max_concurrent_positions": "max_concurrent_positions",
    "strategy.min_liquidity_usd": "min_liquidity_micro_usd",
    "strategy.max_slippage_percent": "max_slippage_bp",
    "trading.base_slippage_percent": "base_slippage_bp",
    "trading.gas_price_multiplier": "gas_price_multiplier_bp",
    "trading.execution_delay_ms": "execution_delay_ms",
    "trading.max_position_size_percent": "account_max_position_size_bp",
    "trading.max_daily_trades": "account_max_daily_trades",
    "trading.stop_loss_percent": "account_stop_loss_bp",
    "trading.simulate_network_issues": "simulate_network_issues",
    "trading.simulate_mev": "simulate_mev",
    "trading.failure_rate_percent": "failure_rate_bp",
}
"""Fields of an account that no rule ties to others, and the one field of the SESSION record that each of them sets.

The values of all other fields are looked at together, one distinct combination after another.
"""

TRIAL = np.dtype(
    [
        ("next_block", np.int64),
        ("initial_micro_usd", np.int64),
        ("equity_micro_usd", np.int64),
        ("max_drawdown_bp", np.int64),
        ("open_positions", np.int64),
        ("completed_trades", np.int64),
        ("failed_trades", np.int64),
        ("winning_trades", np.int64),
        ("losing_trades", np.int64),
        ("won_micro_usd", np.int64),
        ("lost_micro_usd", np.int64),
        ("gas_paid_micro_usd", np.int64),
        ("fees_micro_usd", np.int64),
        ("impact_micro_usd", np.int64),
        ("drift_micro_usd", np.int64),
        ("sandwich_micro_usd", np.int64),
        ("failure_micro_usd", np.int64),
        ("return_count", np.int64),
        ("return_mean", np.float64),
        ("return_m2", np.float64),
    ],
    align=True,
)
"""What a trial came to: fields of its SESSION record; shape ``(n_trials,)``."""


NUMBERS_MAX, COMBINATIONS_MAX = 65_536, 1_024
"""So many values of fields, and combinations of them, a setter remembers: some 20 megabytes."""


class Setter:
    """Makes cohorts of trials of one account in one market."""

    def __init__(self, account: AccountSpec, tokens: Sequence[TokenInfo], rules: Rules) -> None:
        """Take the account that the settings change; ``tokens`` and ``rules`` are those of the run."""
        self._account, self._tokens, self._rules = account, tuple(tokens), rules
        self._base = cohorts.begin([account], [STREAM], self._tokens, rules)
        self._numbers: dict[tuple[str, str], int | str] = {}
        self._combinations: dict[str, Cohort | str] = {}

    def cohort(self, columns: Sequence[Column]) -> tuple[Cohort, NDArray[np.object_]]:
        """Return the sessions of these settings before their first block, and why each cannot be had.

        The text is empty where it can be. The others have their place in the cohort all the same, as the account is
        without settings, and nothing that becomes of them means anything.
        """
        n_trials = len(columns[0].codes) if columns else 0
        cohort = self._room(n_trials)
        errors = np.full(n_trials, "", np.object_)
        for settings, rows in _combinations(_tied(columns), n_trials):
            begun = _remembered(self._combinations, COMBINATIONS_MAX, repr(settings), self._begun, settings)
            if isinstance(begun, str):
                errors[rows], begun = begun, self._base
            for part, one in ((cohort.sessions, begun.sessions), (cohort.holdings, begun.holdings),
                              (cohort.tuning, begun.tuning)):  # fmt: skip
                whole(part)[rows] = whole(one)
        for column in columns:
            if column.path in INDEPENDENT:
                self._set(column, cohort.sessions, errors)
        return cohort, errors

    def policies(self, columns: Sequence[Column], cohort: Cohort) -> NDArray[np.void]:
        """Return how far Auto Pilot may go with each of the sessions of these settings: POLICY, (n_trials,).

        Nowhere with those that cannot be had.
        """
        policies = np.zeros(len(cohort.sessions), POLICY)
        for settings, rows in _combinations(_tied(columns), len(policies)):
            with suppress(ValidationError):
                account = with_settings(self._account, settings)
                policies[rows] = policies_from(taken(cohort.sessions, rows), account.strategy)
        return policies

    def analysts(self, columns: Sequence[Column]) -> tuple[list[AnalystSpec], NDArray[np.int64]]:
        """Return the analysts that sessions of these settings listen to, and the place of each session's among them."""
        own = [column for column in columns if is_heard(column.path)]
        strategy = self._account.strategy
        analysts: list[AnalystSpec] = []
        places = np.zeros(len(columns[0].codes) if columns else 0, np.int64)
        for settings, rows in _combinations(own, len(places)):
            told = {path.removeprefix(PARAMETER): value for path, value in settings.items() if path != ANALYST}
            name, parameters = settings.get(ANALYST, strategy.analyst), {**strategy.custom_parameters, **told}
            places[rows] = len(analysts)
            analysts.append(AnalystSpec(name, parameters, self._account.name))
        return analysts, places

    def _room(self, n_trials: int) -> Cohort:
        """Return a cohort without content, of sessions without twins."""
        n_tokens = len(self._tokens)
        return Cohort(
            np.empty(n_trials, SESSION),
            np.empty((n_trials, n_tokens), HOLDING),
            np.empty(n_trials, TUNING),
            np.empty(0, SESSION),
            np.empty((0, n_tokens), HOLDING),
        )

    def _set(self, column: Column, sessions: NDArray[np.void], errors: NDArray[np.object_]) -> None:
        """Write the field that a column's values set, and why a value cannot be where no other reason stands."""
        path, field = column.path, INDEPENDENT[column.path]
        numbers = [
            _remembered(self._numbers, NUMBERS_MAX, (path, repr(value)), self._number, path, value)
            for value in column.values
        ]
        refused = np.array([isinstance(number, str) for number in numbers], np.bool_)[column.codes]
        known = np.array([0 if isinstance(number, str) else number for number in numbers], np.int64)
        sessions[field] = np.where(refused, self._base.sessions[field][0], known[column.codes])
        for row in np.flatnonzero(refused & (errors == "")):
            errors[row] = numbers[column.codes[row]]

    def _number(self, path: str, value: Any) -> int | str:
        """Return what a value sets its field of the record to, or why it cannot be.

        A field is asked alone, in a tenth of the time that its account takes; what it refuses, the account words.
        """
        field = field_at(path)
        if not field.takes(value):
            refused = self._begun({path: value})
            assert isinstance(refused, str), "an account refuses what its field does"
            return refused
        root, _, name = path.partition(".")
        part = getattr(self._account, root).model_copy(update={name: field.adapter.validate_python(value)})
        if isinstance(part, Strategy):
            return cohorts.strategy_fields(part, self._rules.block_time_ms)[INDEPENDENT[path]]
        return cohorts.account_fields(part)[INDEPENDENT[path]]

    def _begun(self, settings: Mapping[str, Any]) -> Cohort | str:
        try:
            account = with_settings(self._account, settings)
        except ValidationError as error:
            return _sentence(error)
        return cohorts.begin([account], [STREAM], self._tokens, self._rules)


def _remembered(memory: dict[Key, Made], most: int, key: Key, make: Callable[..., Made], *of: Any) -> Made:
    """Return what is made for a key; of ``most`` that are remembered all are forgotten, and made again as they come."""
    if key not in memory:
        if len(memory) >= most:
            memory.clear()
        memory[key] = make(*of)
    return memory[key]


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    value = first["input"]
    shown = f" {value!r}" if isinstance(value, str | int | float) else ""
    return f"{'.'.join(str(part) for part in first['loc'])}{shown}: {first['msg'].removeprefix('Value error, ')}"


def with_settings(account: AccountSpec, settings: Mapping[str, Any]) -> AccountSpec:
    """Return the account with these values at these paths; raises pydantic's ValidationError."""
    document = account.model_dump(exclude_unset=True)
    for path, value in settings.items():
        *parts, field = path.split(".", 2)  # a parameter of an analyst may have a dot in its name
        place = document
        for part in parts:
            place[part] = dict(place.get(part, {}))
            place = place[part]
        place[field] = value
    return AccountSpec.model_validate(document)


def _tied(columns: Sequence[Column]) -> list[Column]:
    """Return those of the columns whose values are looked at together; analysts are asked for themselves."""
    return [column for column in columns if column.path not in INDEPENDENT and not is_heard(column.path)]


def _combinations(columns: Sequence[Column], n_trials: int) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield each distinct combination of the columns' values, and the rows that have it."""
    if not columns or not n_trials:
        yield {}, slice(0, n_trials)
        return
    codes = np.stack([column.codes for column in columns], axis=1)
    distinct, which = np.unique(codes, axis=0, return_inverse=True)
    order = np.argsort(which, kind="stable")
    ends = np.cumsum(np.bincount(which, minlength=len(distinct)))
    for combination, rows in zip(distinct, np.split(order, ends[:-1]), strict=True):
        yield {column.path: column.values[code] for column, code in zip(columns, combination, strict=True)}, rows


class Advanced(NamedTuple):
    """Trials at the end of some segments."""

    cohort: Cohort
    returns: NDArray[np.float64]
    """Of each period, (n_trials, n_periods)."""
    breakdowns: tuple[Breakdown | None, ...]
    """How the analysts failed, of which the sessions name the rows; empty where none did. Their trials have stopped."""


def advance(
    cohort: Cohort,
    segments: Iterable[Segment],
    terms: Terms,
    rules: Rules,
    policies: NDArray[np.void] | None = None,
    knowledge: Knowledge = IGNORANT,
) -> Advanced:
    """Step trials through segments, in the arrays that are given.

    ``rules`` must write nothing (record: none); marks are made all the same. With ``policies`` Auto Pilot reviews all
    trials where a period ends with a segment, of which none may span such an end.
    """
    breakdowns: tuple[Breakdown | None, ...] = ()
    journal, parts = None, [np.zeros((len(cohort.sessions), 0))]
    for segment in segments:
        breakdowns = segment.breakdowns
        journal = journal or cohorts.journal_for(cohort, len(segment.gas), rules)
        parts.append(_returns(cohorts.step(cohort, segment, terms, rules, journal).marks, len(cohort.sessions)))
        if policies is not None and segment.end_block % rules.review_blocks == 0:
            living = _living(policies, cohort, segment)
            policy = Policy(living, Calendar(rules.block_time_ms, rules.day_offset_ms), knowledge)
            cohort, _ = piloted(cohort, policy, market_conditions(segment))
    return Advanced(cohort, np.concatenate(parts, axis=1), breakdowns)


def _living(policies: NDArray[np.void], cohort: Cohort, segment: Segment) -> NDArray[np.void]:
    """Return the policies of trials, by which nothing is adjusted of those that have stopped before a segment's end."""
    if any(segment.breakdowns):
        policies = policies.copy()
        policies["enabled"][cohort.sessions["next_block"] < segment.end_block] = 0
    return policies


def _returns(marks: NDArray[np.void], n_trials: int) -> NDArray[np.float64]:
    """Return the returns of the periods that end in a segment, (n_trials, n_periods), 0.0 after a trial has stopped."""
    if not len(marks):
        return np.zeros((n_trials, 0))
    first = marks["mark"].min()
    returns = np.zeros((n_trials, marks["mark"].max() - first + 1))
    returns[marks["session"], marks["mark"] - first] = marks["equity_micro_usd"] / marks["before_micro_usd"] - 1.0
    return returns


def results(cohort: Cohort) -> NDArray[np.void]:
    """Return what the trials have come to: TRIAL records, ``(n_trials,)``."""
    told = np.empty(len(cohort.sessions), TRIAL)
    for name in TRIAL.names or ():
        told[name] = cohort.sessions[name]
    return told
