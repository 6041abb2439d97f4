"""A trial's setting as a named strategy: a scenario of its market in which its account trades by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from pydantic import TypeAdapter, ValidationError

from cluster.errors import UsageError
from cluster.sweeping.replaying import scenario_of
from simulation.scenario import Scenario
from simulation.settings.base import Name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.sweep_records import TrialDetail

_NAME: TypeAdapter[str] = TypeAdapter(Name)

_WHY_NOT = {
    "ERROR": "failed ({why}); promote one that was traded to its end.",
    "PRUNED": "was pruned after {blocks:,} blocks; promote one that was traded to its end.",
}


def promoted(trial: TrialDetail, name: str) -> Scenario:
    """Return a scenario of the trial's market whose account trades by a strategy called ``name`` with its setting.

    A run of it comes to what the trial came to. Raises UsageError for a trial that did not come to its end, for what
    can't be a name, and for the name of the strategy that the account has.
    """
    key, status = trial.row["trial_id"], trial.row["status"]
    if status in _WHY_NOT:
        why = " ".join(trial.row["error_message"].split())
        raise UsageError(f"Trial {key} {_WHY_NOT[status].format(why=why, blocks=trial.row['blocks'])}")
    try:
        _NAME.validate_python(name)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        raise UsageError(f"--as {name!r}: {message[0].lower()}{message[1:]}.") from error
    scenario = scenario_of(trial)
    (account,) = scenario.accounts
    if name == account.strategy.name:
        raise UsageError(f"--as {name!r} is taken: account {account.name} had a strategy of that name in the sweep.")
    strategy = account.strategy.model_copy(update={"name": name})
    account = account.model_copy(update={"strategy": strategy})
    pace = Scenario.model_fields["segment_blocks"].default
    return scenario.model_copy(update={"name": name, "segment_blocks": pace, "accounts": (account,)})


def as_yaml(scenario: Scenario, trial: TrialDetail) -> str:
    """Return a scenario file that says no more than it must, the trial's setting always, and where it comes from."""
    document = _lean(scenario, trial.row["settings"])
    if Scenario.model_validate(document) != scenario:
        # A mode's preset fills what is left out with other values than the defaults, which were left out above.
        document = scenario.model_dump(mode="json")
    heading = (
        f"# Trial {trial.row['trial_id']}, point {trial.row['point']} of sweep {trial.row['sweep_id']}:\n"
        "# its setting, as a strategy of the account that the sweep searched for, on the trial's market.\n"
    )
    return heading + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def _lean(scenario: Scenario, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scenario without what is as it is by default, its account's fields that were searched aside."""
    document = scenario.model_dump(mode="json", exclude_defaults=True)
    document["market"] = {"source": scenario.market.source, **document["market"]}
    (account,) = document["accounts"]
    for path, value in settings.items():
        *parts, field = path.split(".")
        place = account
        for part in parts:
            place = place.setdefault(part, {})
        place[field] = value
    return document
