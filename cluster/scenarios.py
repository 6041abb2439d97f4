"""Scenario files: YAML to a Scenario, with errors in one sentence, and the changes that options make."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from cluster.errors import UsageError
from simulation.scenario import Scenario
from simulation.settings.market import ReplayMarket

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_SCENARIO = "default_scenario.yaml"

_UNREADABLE_VALUE = (ValueError, KeyError, AttributeError, RecursionError)
"""What PyYAML lets through of Python's own: for the date 2026-13-45, a number of 5000 digits, `!!bool maybe`."""

_SOURCES = {"synthetic", "replay"}
"""Pydantic names the kind of market in the path of a field; in the file there is no such level."""

_IN_WORDS = {
    "extra_forbidden": "is not a known field; `paperdex scenario {schema}` lists them all",
    "missing": "is missing",
    "union_tag_not_found": "is missing its source; give synthetic or replay",
    "model_type": "must be a mapping of fields",
    "model_attributes_type": "must be a mapping of fields",
    "tuple_type": "must be a list",
    "too_short": "has too few entries",
    "invalid_key": "is not the name of a field",
}
"""Mistakes that pydantic words for programmers."""


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
    document = parsed(read_text(path), name)
    if path is not None:
        document = rooted(document, path.parent)
    return validated(_overridden(document, overrides), name)


def built_in() -> str:
    """Return the text of the built-in scenario."""
    return files("cluster").joinpath(DEFAULT_SCENARIO).read_text(encoding="utf-8")


def market_in_words(scenario: Scenario) -> str:
    """Return what kind of market a scenario has, with an article."""
    if isinstance(scenario.market, ReplayMarket):
        first, *others = (PurePath(recorded.path).name for recorded in scenario.market.recordings)
        return f"a replay of {first}" + (f" and {len(others)} more" if others else "")
    return "a synthetic market"


def read_text(path: Path | None, what: str = "Scenario") -> str:
    """Return the text of a file, of the built-in scenario for None; raises UsageError, which says ``what`` it is."""
    if path is None:
        return built_in()
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{what} {path} cannot be read: {error.strerror}; name a YAML file.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{what} {path} is not text in UTF-8; name a YAML file.") from error


def parsed(text: str, name: str, what: str = "Scenario") -> dict[str, Any]:
    """Return the mapping that a YAML text holds; raises UsageError, which calls it ``what`` and ``name``."""
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 -- a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed"
        raise UsageError(f"{what} {name} is not valid YAML{where}: {problem}.") from error
    except _UNREADABLE_VALUE as error:
        raise UsageError(f"{what} {name} holds a value that cannot be read: {_reason(error)}.") from error
    if not isinstance(document, dict):
        raise UsageError(f"{what} {name} holds {_kind(document)}; it must be a mapping of fields such as seed: 7.")
    return document


class _Loader(yaml.SafeLoader):
    """The safe loader, refusing a mapping that names a field twice: YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """Return the mapping of a node."""
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for name in names:
            if names.count(name) > 1 and name != "<<":
                raise yaml.constructor.ConstructorError(None, None, f"{name} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error).split(";", 1)[0] if isinstance(error, ValueError) else "its tag and its text do not go together"


def _kind(document: Any) -> str:
    if document is None:
        return "nothing"
    return "a list" if isinstance(document, list) else "a single value"


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
        changed["market"] = _replayed(document.get("market"), overrides.market)
    accounts = changed.get("accounts")
    if overrides.accounts is not None and isinstance(accounts, list) and accounts:
        changed["accounts"] = _repeated(accounts, overrides.accounts)
    return changed


def _replayed(market: Any, path: str) -> dict[str, Any]:
    """Return a replay of the recording at ``path``, with what a replay in the file says beside paths."""
    kept = market if isinstance(market, dict) and market.get("source") == "replay" else {}
    entries = kept.get("recordings")
    alone = entries[0] if isinstance(entries, list) and len(entries) == 1 and isinstance(entries[0], dict) else {}
    said = {field: value for field, value in alone.items() if field != "sha256"}
    return {**kept, "source": "replay", "recordings": [{**said, "path": path}]}


def rooted(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a scenario whose recordings are looked for beside its file."""
    market = document.get("market")
    if not isinstance(market, dict) or market.get("source") != "replay":
        return document
    rooted = _with_path(market, "gas_path", folder)
    if isinstance(market.get("recordings"), list):
        rooted["recordings"] = [
            _with_path(entry, "path", folder) if isinstance(entry, dict) else entry for entry in market["recordings"]
        ]
    return {**document, "market": rooted}


def _with_path(fields: dict[str, Any], name: str, folder: Path) -> dict[str, Any]:
    path = fields.get(name)
    return {**fields, name: str(folder / path)} if isinstance(path, str) and path else dict(fields)


def _synthetic_market(document: dict[str, Any]) -> Any:
    given = document.get("market")
    if isinstance(given, dict) and given.get("source") == "synthetic":
        return given
    return parsed(read_text(None), "the built-in scenario")["market"]


def _repeated(accounts: list[Any], count: int) -> list[Any]:
    """Return ``count`` accounts: the first ones, then the same again under numbered names."""
    taken = {str(account.get("name")) for account in accounts if isinstance(account, dict)}
    chosen = []
    for index in range(count):
        lap, place = divmod(index, len(accounts))
        account = accounts[place]
        if lap and isinstance(account, dict):
            account = {**account, "name": _free_name(str(account.get("name")), lap + 1, taken)}
            taken.add(account["name"])
        chosen.append(account)
    return chosen


def _free_name(name: str, number: int, taken: set[str]) -> str:
    """Return ``name`` with the first number from ``number`` on that no other account has."""
    while f"{name} {number}" in taken:
        number += 1
    return f"{name} {number}"


def validated(document: dict[str, Any], name: str) -> Scenario:
    """Return the scenario of a document; raises UsageError, which calls it ``name``."""
    try:
        return Scenario.model_validate(document)
    except ValidationError as error:
        is_file = name.partition(":")[0].endswith((".yaml", ".yml"))
        shown = name if is_file else name[0].upper() + name[1:]
        raise UsageError(f"{shown}: {sentence_of(error)}") from error


def sentence_of(error: ValidationError, schema: str = "schema") -> str:
    """Return the first mistake that a model found as one sentence with the path of its field.

    ``schema`` is the command of ``paperdex scenario`` that lists the fields of such a file.
    """
    first, *others = error.errors()
    # A list counts the items that were right, so that one wrong item alone makes it "too short" besides.
    others = [other for other in others if other["type"] != "too_short"]
    more = f" ({len(others)} more)" if others else ""
    path = ".".join(str(part) for part in first["loc"] if part not in _SOURCES) or "scenario"
    if first["type"] in _IN_WORDS:
        return f"{path} {_IN_WORDS[first['type']].format(schema=schema)}{more}."
    value = first["input"]
    if first["type"] == "union_tag_invalid":
        return f"{path}.source {value['source']!r}: should be 'synthetic' or 'replay'{more}."
    message = first["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    shown = f" {value!r}" if isinstance(value, str | int | float | bool) else ""
    return f"{path}{shown}: {message}{more}."
