"""The dashboard and the rules ask for what there is: metrics of the table, with the labels that they have."""

from __future__ import annotations

import re

import pytest
import yaml
from queries import ALERTS, COMPARED, DASHBOARD, FOLDER, OF_PANELS, PANELS, RECORDED, RULES
from repository import ROOT

from cluster.metrics import OF_RUNS, OF_SWEEPS, RUN, Kind

METRICS = {metric.name: metric for metric in (*OF_RUNS, *OF_SWEEPS)}.values()
LABELS = {
    series: {RUN, *([metric.label] if metric.label else []), *(["le"] if series.endswith("_bucket") else [])}
    for metric in METRICS
    for series in metric.series
}
"""What there is: the labels of every series, Ray's own aside."""
NAMES = re.compile(r"[\w:]*paperdex[\w:]*")
GROUPED = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")
MATCHED = re.compile(r"(\w+)\s*(?:=~|!=|=)\s*\"")
ALL = [*OF_PANELS, *RECORDED, *ALERTS]


@pytest.mark.parametrize("query", ALL, ids=lambda query: query.place)
def test_a_query_asks_for_metrics_and_labels_that_there_are(query):
    named = set(NAMES.findall(query.expression))
    assert named
    named -= {rule.place for rule in RECORDED}
    assert named <= set(LABELS), "no such metric"
    known = {label for name in named for label in LABELS[name]} | {RUN}
    asked = [label.strip() for group in GROUPED.findall(query.expression) for label in group.split(",")]
    assert set(asked) | set(MATCHED.findall(query.expression)) <= known, "no such label"


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_is_in_a_panel(metric):
    shown = {name for query in OF_PANELS for name in NAMES.findall(query.expression)}
    assert shown & set(metric.series)


@pytest.mark.parametrize(
    "query", [query for query in ALL if "_total" in query.expression], ids=lambda query: query.place
)
def test_a_counter_is_shown_by_its_rate_or_as_the_latest_total_of_one_conductor(query):
    """What Prometheus has of a counter grows for ever, and begins again with each conductor."""
    counters = {name for metric in METRICS if metric.kind is Kind.COUNTER for name in metric.series}
    for name in counters & set(NAMES.findall(query.expression)):
        assert re.search(rf"(rate|increase|max by \([a-z, ]+\)) ?\({name}\b", query.expression)


def test_the_dashboard_can_be_imported_anywhere():
    assert DASHBOARD["uid"] == "paperdex"
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    of_variable = {"type": "prometheus", "uid": "${datasource}"}
    assert variables["run"]["datasource"] == of_variable
    sources = [panel["datasource"] for panel in PANELS]
    sources += [target["datasource"] for panel in PANELS for target in panel["targets"]]
    assert all(source == of_variable for source in sources)


def test_panels_have_a_place_of_their_own_and_say_what_they_show():
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    cells = [
        (place["x"] + x, place["y"] + y)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(place["w"])
        for y in range(place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert all(panel["description"] and panel["fieldConfig"]["defaults"]["unit"] for panel in PANELS)


@pytest.mark.parametrize("alert", [rule for rule in RULES if "alert" in rule], ids=lambda alert: alert["alert"])
def test_an_alert_says_of_which_run_and_how_grave_it_is(alert):
    assert COMPARED.search(alert["expr"])
    assert "$labels.run" in alert["annotations"]["summary"]
    assert alert["labels"]["severity"] in {"warning", "critical"}


def test_prometheus_reads_the_rules_and_the_file_that_ray_writes():
    settings = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    assert [(FOLDER / name).is_file() for name in settings["rule_files"]] == [True]
    (job,) = settings["scrape_configs"]
    (discovery,) = job["file_sd_configs"]
    assert discovery["files"] == ["/tmp/ray/prom_metrics_service_discovery.json"]


def test_the_files_travel_with_the_package():
    shipped = re.search(r"^cluster = (\[.*\])$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert shipped is not None
    assert {"grafana/*.json", "grafana/*.yml"} <= set(yaml.safe_load(shipped[1]))
