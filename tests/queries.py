"""The queries of the Grafana dashboard and of the rules for Prometheus, as files that travel with the package have them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import yaml
from repository import ROOT

FOLDER = ROOT / "cluster" / "grafana"
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

COMPARED = re.compile(r"\s(?:==|>=|>)\s[\d.]+$")
"""How an alert ends: with the comparison that its expression has to pass."""


@dataclass(frozen=True)
class Query:
    """A question to Prometheus, and where it stands."""

    place: str
    expression: str


def _asked(expression):
    """Return an expression of the dashboard as Grafana asks it."""
    return expression.replace("$__rate_interval", "10s").replace("$run", ".*")


OF_PANELS = [
    Query(panel["title"], _asked(target["expr"])) for panel in PANELS for target in panel["targets"]
]  # fmt: skip
RECORDED = [Query(rule["record"], rule["expr"]) for rule in RULES if "record" in rule]
ALERTS = [Query(rule["alert"], rule["expr"]) for rule in RULES if "alert" in rule]
"""Each holds where something is wrong; without its comparison it has a value at any time."""


def compared(alert):
    """Return what an alert compares."""
    return Query(alert.place, COMPARED.sub("", alert.expression))
