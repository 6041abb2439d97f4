"""Scenario files: YAML to a Scenario, with errors in one sentence, and the changes that options make."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from cluster.errors import UsageError
from simulation.scenario import Scenario

DEFAULT_SCENARIO = "default_scenario.yaml"


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line changes in a scenario; None leaves the file's value."""

    accounts: int | None = None
    blocks: int | None = None
    seed: int | None = None
    segment_blocks: int | None = None
    market: str | None = None
    autopilot: bool | None = None


def load(path: Path | None, overrides: Overrides) -> Scenario:
    """Return the scenario in ``path``, the built-in one for None, with the overrides applied."""
    name = "the built-in scenario" if path is None else str(path)
    document = _parse(_read(path), name)
    return _validated(_overridden(document, overrides), name)


def built_in() -> str:
    """Return the text of the built-in scenario."""
    return files("cluster").joinpath(DEFAULT_SCENARIO).read_text(encoding="utf-8")


def _read(path: Path | None) -> str:
    if path is None:
        return built_in()
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"Scenario {path} cannot be read: {error.strerror}; name a YAML file.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"Scenario {path} is not text in UTF-8; name a YAML file.") from error


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise UsageError(f"Scenario {name} is not valid YAML{where}: {problem}.") from error
    if not isinstance(document, dict):
        raise UsageError(f"Scenario {name} holds {_kind(document)}; it must be a mapping of fields such as seed: 7.")
    return document


def _kind(document: Any) -> str:
    return "nothing" if document is None else f"a {type(document).__name__}"


def _overridden(document: dict[str, Any], overrides: Overrides) -> dict[str, Any]:
    plain = {
        "blocks": overrides.blocks,
        "seed": overrides.seed,
        "segment_blocks": overrides.segment_blocks,
        "autopilot": overrides.autopilot,
    }
    changed = {**document, **{field: value for field, value in plain.items() if value is not None}}
    if overrides.market == "synthetic":
        changed["market"] = _synthetic_market(document)
    elif overrides.market is not None:
        given = document.get("market")
        kept = given if isinstance(given, dict) and given.get("source") == "replay" else {}
        changed["market"] = {**kept, "source": "replay", "path": overrides.market}
    if overrides.accounts is not None:
        changed["accounts"] = _repeated(_account_list(changed), overrides.accounts)
    return changed


def _synthetic_market(document: dict[str, Any]) -> Any:
    given = document.get("market")
    if isinstance(given, dict) and given.get("source") == "synthetic":
        return given
    return _parse(_read(None), "the built-in scenario")["market"]


def _account_list(document: dict[str, Any]) -> list[Any]:
    accounts = document.get("accounts")
    return accounts if isinstance(accounts, list) else []


def _repeated(accounts: list[Any], count: int) -> list[Any]:
    """Return ``count`` accounts: the first ones, then the same again under numbered names."""
    if not accounts:
        return accounts
    chosen = []
    for index in range(count):
        lap, place = divmod(index, len(accounts))
        account = accounts[place]
        if lap and isinstance(account, dict):
            account = {**account, "name": f"{account.get('name')} {lap + 1}"}
        chosen.append(account)
    return chosen


def _validated(document: dict[str, Any], name: str) -> Scenario:
    try:
        return Scenario.model_validate(document)
    except ValidationError as error:
        raise UsageError(f"{name[0].upper()}{name[1:]}: {sentence_of(error)}") from error


def sentence_of(error: ValidationError) -> str:
    """Return the first mistake that a model found as one sentence with the path of its field."""
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"]) or "scenario"
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"{path} is not a known field; `paperdex scenario schema` lists them all{more}."
    if first["type"] == "missing":
        return f"{path} is missing{more}."
    message = first["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    value = first["input"]
    shown = f" {value!r}" if isinstance(value, str | int | float | bool) else ""
    return f"{path}{shown}: {message}{more}."
