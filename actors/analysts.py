"""Analysts by name: the built-in ones, ``module:Class`` of a file of the user's, and those that packages bring.

A module is looked for in the current folder first, then where Python looks. Naming one runs its code, as importing
it would: a scenario is as much to be trusted as the plug-ins that it names. ``PAPERDEX_FORBID_PLUG_INS`` in the
environment leaves the built-in ones alone, wherever a scenario came from.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from simulation.intelligence.analysts import ANALYSTS
from simulation.intelligence.roster import AnalystSpec
from simulation.sweeping.fields import ANALYST, PARAMETER
from simulation.sweeping.space import Listed

if TYPE_CHECKING:
    from simulation.scenario import AccountSpec
    from simulation.sweeping.space import Space

GROUP = "paperdex.analysts"
"""The entry-point group in which a package offers its analysts."""


FORBID = "PAPERDEX_FORBID_PLUG_INS"
"""Set to anything, no code is run that a scenario names."""


class UnusableAnalystError(ValueError):
    """An analyst cannot be had: the message names the account, what it asks for and what would do."""

    def __init__(self, spec: AnalystSpec, what: str) -> None:
        super().__init__(f"accounts.{spec.account}.strategy.analyst {spec.name!r}: {what}")


def load(spec: AnalystSpec, folder: str | None = None) -> Any:
    """Return the analyst that a strategy names, built with its parameters; raises UnusableAnalystError.

    ``folder`` is where modules are looked for first; the current one where it is None.
    """
    kind = _class_of(spec, folder or os.getcwd())  # noqa: PTH109 -- sys.path holds text
    try:
        analyst = kind(**spec.parameters)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # it may ask to exit, too
        given = ", ".join(spec.parameters) or "none"
        raise UnusableAnalystError(
            spec, f"its class refuses the custom_parameters ({given}): {in_words(error)}"
        ) from error
    if spec.name in ANALYSTS:
        return analyst
    if not callable(getattr(analyst, "analyse", None)):
        raise UnusableAnalystError(spec, "has no method analyse(market)")
    if not isinstance(getattr(analyst, "version", None), str):
        raise UnusableAnalystError(spec, "has no version; give its class one, such as version = '1'")
    return analyst


def searched_by(account: AccountSpec, space: Space, folder: str | None = None) -> list[AnalystSpec]:
    """Return the analysts that trials of a space listen to, each with parameters that it takes.

    Raises UnusableAnalystError for one that takes neither the first values of its parameters nor the last. Between
    these some may be refused too: those trials are rows with that error.
    """
    told = [dimension for dimension in space.dimensions if dimension.path.startswith(PARAMETER)]
    choices = [one.values for one in space.dimensions if one.path == ANALYST and isinstance(one, Listed)]
    usable = []
    for name in map(str, choices[0] if choices else [account.strategy.analyst]):
        first, last = (
            AnalystSpec(name, {**account.strategy.custom_parameters, **given}, account.name)
            for given in ({one.path.removeprefix(PARAMETER): one.ends[place] for one in told} for place in (0, -1))
        )
        usable.append(_loadable(first, last, folder))
    return usable


def _loadable(first: AnalystSpec, last: AnalystSpec, folder: str | None) -> AnalystSpec:
    """Return the one of two that can be had, the first where both can; raises what speaks against the first."""
    try:
        load(first, folder)
    except UnusableAnalystError as error:
        try:
            load(last, folder)
        except UnusableAnalystError:
            raise error from None
        return last
    return first


def in_words(error: BaseException) -> str:
    """Return the type and the message of an error, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(".")


def _class_of(spec: AnalystSpec, folder: str) -> Any:
    if spec.name in ANALYSTS:
        return ANALYSTS[spec.name]
    if os.environ.get(FORBID):
        raise UnusableAnalystError(spec, f"is not built in, and {FORBID} forbids others; give {', '.join(ANALYSTS)}")
    if ":" in spec.name:
        return _own(spec, folder)
    offered = {point.name: point for point in entry_points(group=GROUP)}
    if spec.name not in offered:
        known = ", ".join([*ANALYSTS, *sorted(offered)])
        raise UnusableAnalystError(spec, f"is not known; give {known}, or module:Class of your own")
    return _imported(spec, offered[spec.name].load)


def _own(spec: AnalystSpec, folder: str) -> Any:
    module_name, _, class_name = spec.name.partition(":")
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    module = _imported(spec, lambda: import_module(module_name))
    kind = getattr(module, class_name, None)
    if not isinstance(kind, type):
        classes = ", ".join(name for name, value in vars(module).items() if _is_own_class(value, module_name))
        raise UnusableAnalystError(
            spec, f"module {module_name} has no class {class_name!r}; it has {classes or 'no class'}"
        )
    return kind


def _is_own_class(value: object, module_name: str) -> bool:
    return isinstance(value, type) and value.__module__ == module_name


def _imported(spec: AnalystSpec, load_it: Any) -> Any:
    """Return what an import gives; a module that is not there is told from one that fails."""
    try:
        return load_it()
    except ModuleNotFoundError as error:
        raise UnusableAnalystError(
            spec, f"there is no module {error.name} in the current folder or where Python looks"
        ) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # it may ask to exit, too
        raise UnusableAnalystError(spec, f"its module cannot be imported: {in_words(error)}") from error
