"""The plan of a sweep: its file, and a run plan for each of its markets."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from actors.analysts import UnusableAnalystError, searched_by
from actors.trials import Terms
from cluster.errors import UsageError
from cluster.runs import prepare
from cluster.scenarios import Overrides, load, parsed, read_text, sentence_of, validated
from simulation.performance.metrics import periods_per_year
from simulation.scenario import Record
from simulation.settings.market import ReplayMarket
from simulation.sweeping.halving import rung_blocks
from simulation.sweeping.settings import Sweep
from storage.beginning import scenario_hash

if TYPE_CHECKING:
    from pathlib import Path

    from cluster.plan import Plan
    from simulation.autopilot.knowledge import Knowledge
    from simulation.intelligence.roster import AnalystSpec
    from simulation.scenario import AccountSpec, Scenario
    from simulation.sweeping.settings import MarketChoice

SEGMENT_BLOCKS = 3_600
"""How much of a market is made at once: trials are traded whole, so that the pace of a live run does not matter."""

NOT_VARIED = ("strategy.name",)
"""Fields that every trial of a sweep has in common."""

TUNED = "strategy.autopilot_enabled"
"""The field that lets Auto Pilot tune a trial."""


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """Everything that is known of a sweep before it begins."""

    sweep: Sweep
    markets: tuple[Plan, ...]
    """Of one account each, of which nothing is written."""

    @property
    def account(self) -> AccountSpec:
        """The account whose settings vary."""
        return self.markets[0].scenario.accounts[0]

    @property
    def knowledge_version(self) -> int:
        """The version of what Auto Pilot is to have learned; 0 for nothing."""
        return self.markets[0].scenario.knowledge

    @property
    def spec_hash(self) -> str:
        """The hash of what defines the results: the search, the order of its fields, each market with its account."""
        search = self.sweep.model_dump(mode="json", exclude={"name": True, "scenario": True, "account": True})
        content = [
            list(self.sweep.vary),
            search,
            [scenario_hash(market.scenario, market.plug_ins, market.knowledge) for market in self.markets],
        ]
        return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def spec(self) -> dict[str, Any]:
        """The sweep as it is stored: with its base scenario in it."""
        base = self.markets[0].scenario.model_dump(mode="json")
        return {**self.sweep.model_dump(mode="json"), "scenario": base}

    def with_knowledge(self, known: Knowledge) -> SweepPlan:
        """Return the plan in which Auto Pilot has learned this, on all of its markets."""
        return replace(self, markets=tuple(replace(market, knowledge=known) for market in self.markets))

    @property
    def n_paths(self) -> int:
        """How many paths prices take on all markets: one for each seed, in whatever regime, and for each recording."""
        scenarios = (market.scenario for market in self.markets)
        return len({one.market if one.market.source == "replay" else one.seed for one in scenarios})

    def legs(self, number: int) -> tuple[tuple[int, ...], ...]:
        """Return the lengths of the segments of each leg of a market: to its first rung, to the next, and to the end.

        A ValueError says which rung has no place in it.
        """
        market, is_tuned = self.markets[number], self.is_tuned(number)
        longest = market.scenario.review_blocks if is_tuned else SEGMENT_BLOCKS
        rungs = rung_blocks(self.sweep.rungs, market.blocks, market.scenario.review_blocks)
        return tuple(
            tuple(min(longest, end - block) for block in range(first, end, longest))
            for first, end in pairwise((0, *rungs, market.blocks))
        )

    def is_tuned(self, number: int) -> bool:
        """Tell whether Auto Pilot may change anything in trials of a market."""
        return self.markets[number].adjusts() or (self.markets[number].scenario.autopilot and TUNED in self.sweep.vary)

    def terms(self) -> tuple[Terms, ...]:
        """Return what a worker must know of each market."""
        return tuple(
            Terms(
                market.scenario.accounts[0],
                market.tokens,
                market.rules,
                periods_per_year(market.scenario.review_blocks, market.scenario.block_time_ms),
                self.is_tuned(number),
                market.knowledge,
            )
            for number, market in enumerate(self.markets)
        )


def load_sweep(path: Path) -> tuple[Sweep, Scenario]:
    """Return the sweep in a file, and its base scenario; raises UsageError."""
    document = parsed(read_text(path, "Sweep"), str(path), "Sweep")
    sweep = sweep_of(document, str(path))
    for (*parts, last), why in sweep.unused.items():
        within = document
        for part in parts:
            within = within.get(part, {})
        if last in within:
            raise UsageError(f"{path}: {'.'.join((*parts, last))} {why}.")
    if isinstance(sweep.scenario, str):
        return sweep, load(path.parent / sweep.scenario, Overrides())
    return sweep, validated(sweep.scenario, f"{path}: scenario")


def sweep_of(document: dict[str, Any], name: str) -> Sweep:
    """Return the sweep of a document; raises UsageError, which calls it ``name``."""
    try:
        return Sweep.model_validate(document)
    except ValidationError as error:
        raise UsageError(f"{name}: {sentence_of(error, 'sweep-schema')}") from error


def sweep_plan(sweep: Sweep, base: Scenario, name: str = "the sweep") -> SweepPlan:
    """Return the plan of a sweep; raises UsageError, which calls it ``name``, for what cannot be run."""
    try:
        account, analysts = _searched(sweep, base)
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from error
    choices = [sweep.markets.choice(number) for number in range(sweep.markets.size)]
    plan = SweepPlan(sweep, tuple(prepare(_scenario(base, account, choice), analysts) for choice in choices))
    for number in range(len(choices)):
        try:
            plan.legs(number)
        except ValueError as error:
            raise UsageError(f"{name}: rungs.{error}.") from error
    return plan


def _searched(sweep: Sweep, base: Scenario) -> tuple[AccountSpec, list[AnalystSpec]]:
    """Return the account whose settings vary, and the analysts beside its own that trials listen to."""
    for path in sweep.vary:
        if path in NOT_VARIED:
            raise UsageError(f"vary.{path}: every trial of a sweep has the same; run another sweep for another value.")
    if sweep.markets.regimes and isinstance(base.market, ReplayMarket):
        raise UsageError("markets.regimes: the base scenario replays a recording, which has the regime it has.")
    account = _account(sweep, base)
    return account, _analysts(sweep, account)


def _account(sweep: Sweep, base: Scenario) -> AccountSpec:
    names = [account.name for account in base.accounts]
    name = sweep.account or names[0]
    if name not in names:
        raise UsageError(f"account {name!r} is not in the scenario, which has {', '.join(names)}.")
    account = base.accounts[names.index(name)]
    if account.then:
        raise UsageError(f"account {name!r} has sessions that follow one another; a trial is one session.")
    return account


def _analysts(sweep: Sweep, account: AccountSpec) -> list[AnalystSpec]:
    """Return the analysts beside the account's own that trials listen to."""
    if not sweep.varies_analyst:
        return []
    try:
        searched = searched_by(account, sweep.space)
    except UnusableAnalystError as error:
        raise UsageError(f"vary: {error}.") from error
    return [spec for spec in searched if spec.name != account.strategy.analyst]


def _scenario(base: Scenario, account: AccountSpec, choice: MarketChoice) -> Scenario:
    """Return the scenario of one market: one account, nothing written."""
    changes: dict[str, Any] = {
        "accounts": (account,),
        "record": Record.NONE,
        "segment_blocks": SEGMENT_BLOCKS,
    }
    if choice.seed is not None:
        changes["seed"] = choice.seed
    if choice.recording is not None:
        changes["market"] = ReplayMarket(source="replay", recordings=(choice.recording,))
    if choice.regime is not None:
        assert not isinstance(base.market, ReplayMarket), "checked before"
        changes["market"] = base.market.model_copy(update={"regime": choice.regime})
    return base.model_copy(update=changes)
