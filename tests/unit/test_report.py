from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import (
    RUN,
    adjustment_of,
    costs_of,
    decision_of,
    failure_of,
    filled_with,
    piloted_of,
    report_of,
    result_of,
    session_of,
)

from cluster.page import save, script_json
from cluster.report import collect
from cluster.report_costs import PARTS
from cluster.report_page import render
from cluster.scenarios import Overrides, load

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from cluster.report_facts import RunReport
    from simulation.scenario import Scenario
    from storage.pilot_records import AdjustmentRecord, PilotedSession
    from storage.records import AccountCosts, AccountResult, NotableDecision, SessionFailure, SessionLine

PRUNED_AT = datetime(2026, 5, 4, 3, 2, tzinfo=UTC)
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&<!--%{x}\u2028"


def test_the_header_says_in_one_sentence_what_ran() -> None:
    text = text_of(render(report_of("careful", "bold")))

    assert (
        "2 accounts traded WETH and PEPE for 1.5 simulated days, from 1 January 2026 to 2 January 2026 (UTC), "
        "on a synthetic market with seed 7."
    ) in text


def test_the_page_refers_to_nothing_outside_itself() -> None:
    page = parsed(render(report_of("careful")))

    assert not {"link", "img", "iframe", "base", "object", "embed"} & {tag for tag, _ in page.elements}
    assert not [
        attributes for _, attributes in page.elements if {"src", "href", "action", "srcset"} & attributes.keys()
    ]
    assert "url(" not in "".join(page.texts["style"])
    assert "@import" not in "".join(page.texts["style"])


def test_the_policy_allows_exactly_the_scripts_of_the_page_and_no_connection() -> None:
    page = parsed(render(report_of("careful")))
    policy = next(attributes["content"] for tag, attributes in page.elements if "http-equiv" in attributes)
    scripts = page.texts["script"][1:]  # the first holds the charts, which are data

    hashes = [base64.b64encode(sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{text}'" for text in hashes)
    assert len(scripts) == 2
    assert policy == f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"


def test_the_chart_library_is_in_the_page_once() -> None:
    assert render(report_of("careful", "bold")).count("* plotly.js v") == 1


def test_hostile_text_adds_no_element_and_no_attribute() -> None:
    harmless, hostile = parsed(render(filled_with("harmless"))), parsed(render(filled_with(HOSTILE)))

    def shape(page: Page) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attributes)) for tag, attributes in page.elements]

    assert shape(hostile) == shape(harmless)


def test_hostile_text_is_shown_as_it_is() -> None:
    page = parsed(render(filled_with(HOSTILE)))

    assert HOSTILE in page.texts["h1"]
    assert HOSTILE in page.texts["bdi"]
    assert HOSTILE in page.texts["pre"]


def test_names_in_the_chart_are_escaped_for_plotly_too() -> None:
    chart = chart_of(filled_with("<b>bold</b>"))

    assert {trace["name"] for trace in chart["data"]} == {"&lt;b&gt;bold&lt;/b&gt;"}


@given(st.text())
def test_json_cannot_end_its_script_element_and_says_the_same(text: str) -> None:
    written = script_json({text: text})

    assert not set("<>&") & set(written)
    assert json.loads(written) == {text: text}


def test_both_curves_of_an_account_share_the_time_axis() -> None:
    equity, drawdown = chart_of(report_of("careful"))["data"]

    assert equity["x"] == drawdown["x"]
    assert "xaxis" not in equity
    assert "xaxis" not in drawdown
    assert (equity["yaxis"], drawdown["yaxis"]) == ("y", "y2")


def test_an_adjustment_is_marked_on_the_curve_of_its_account() -> None:
    report = replace(report_of("careful", "bold"), adjustments=(adjustment_of("bold", hours=12),))

    marks = [trace for trace in chart_of(report)["data"] if trace["mode"] == "markers"]

    assert [(trace["name"], trace["x"], trace["y"]) for trace in marks] == [("bold", ["2026-01-01 12:00:00"], [10.0])]
    assert marks[0]["text"] == ["confidence_threshold 60 \u2192 63"]


def test_an_account_has_one_colour_in_chart_legend_and_leaderboard() -> None:
    report = report_of("careful", "bold")
    page = parsed(render(report))
    swatches = [attributes["style"] for _, attributes in page.elements if attributes.get("class") == "swatch"]
    drawn = [trace["line"]["color"] for trace in chart_of(report)["data"] if trace["yaxis"] == "y"]

    assert [style.split()[-1] for style in swatches[:4]] == drawn * 2


def test_a_long_leaderboard_shows_both_ends_and_counts_the_rest() -> None:
    names = [f"account {place}" for place in range(1_000)]
    report = report_of(*names)
    text = text_of(render(report))

    assert "970 accounts between" in text
    assert "Drawn are the best 20 and the worst 10 accounts." in text
    drawn = {trace["name"] for trace in chart_of(report)["data"]}
    assert drawn == {*names[:20], *names[-10:]}


def test_the_costs_of_an_account_add_up_to_the_millionth_in_table_and_chart() -> None:
    report = report_of("careful", "bold")
    rows = costs_told(report)

    assert [name for name, *_ in rows] == ["careful", "bold", "All accounts"]
    assert all(sum(parts) == total for _, *parts, total in rows)
    first, second, whole = ([*amounts] for _, *amounts in rows)
    assert [one + other for one, other in zip(first, second, strict=True)] == whole
    drawn = charts_of(report)["costs"]["data"]
    assert [[Decimal(str(bar["x"][place])) for bar in drawn] for place in (0, 1)] == [first[:-1], second[:-1]]


def test_costs_are_shown_in_cents_and_each_part_is_explained() -> None:
    text = text_of(render(report_of("careful")))

    assert "0.65\u22120.501.25" in text  # impact, drift, sandwich
    for part in PARTS:
        assert f"{part.name}{part.told}" in text


def test_one_account_has_no_row_of_sums() -> None:
    assert "All accounts" not in text_of(render(report_of("careful")))


def test_a_run_in_which_no_order_cost_anything_draws_no_costs() -> None:
    report = replace(report_of("idle"), costs=(free("idle"),))

    assert "No order has cost anything." in text_of(render(report))
    assert list(charts_of(report)) == ["equity"]


def test_a_decision_is_told_with_time_account_token_confidence_and_result() -> None:
    decision = decision_of("bold", "STOP_LOSS", net_pnl_usd=Decimal("-31.220000"))
    text = text_of(render(replace(report_of("bold"), decisions=(decision,))))

    assert "STOP LOSS" in text
    assert "Selling PEPE: below its stop." in text
    assert "1 Jan 06:24 \u00b7 bold \u00b7 PEPE \u00b7 confidence 72.1\u202f% \u00b7 came to " in text
    assert "\u221231.22\u202fUSD after gas" in text


def test_an_adjustment_is_listed_with_old_and_new_value_and_reason() -> None:
    report = replace(report_of("bold"), adjustments=(adjustment_of("bold", hours=12),))
    text = text_of(render(report))

    assert "60 \u2192 63" in text
    assert "Too few trades win." in text
    assert "1 adjustment of 1 account." in text


def test_an_adjustment_is_told_with_its_difference_to_the_twin_and_its_outcome() -> None:
    judged = replace(
        adjustment_of("bold", hours=12), mean_difference_bp=-1.234, outcome="NEGATIVE", outcome_notes="It did harm."
    )
    undone = replace(adjustment_of("bold", hours=14), ordinal=4, reverses=3)
    page = render(replace(report_of("bold"), adjustments=(judged, undone)))

    assert "\u22121.23 bp" in text_of(page)
    assert '<span title="It did harm.">NEGATIVE</span>' in page
    assert "undoes no. 3" in text_of(page)


def test_an_adjusted_session_is_drawn_beside_its_twin_with_marks_where_parameters_changed() -> None:
    report = replace(report_of("bold"), piloted=(piloted_of("bold", adjustment_of("bold", hours=3)),))
    equity, twin, marks = charts_of(report)["autopilot"]["data"]

    assert equity["y"] == [0.0, 0.9901, 1.9802, 2.9703, 3.9604, 4.9505]
    assert twin["y"] == [None, None, None, 1.9802, 0.495, 0.495, None]
    assert (twin["line"]["dash"], twin["line"]["color"]) == ("dot", equity["line"]["color"])
    assert (marks["x"], marks["y"]) == (["2026-01-01 03:00:00"], [1.9802])
    assert marks["text"] == ["3: confidence threshold 60 \u2192 63, not judged"]


def test_only_the_sessions_with_the_most_adjustments_are_drawn() -> None:
    one, two = adjustment_of("a", hours=3), adjustment_of("a", hours=4)
    sessions = tuple(piloted_of(f"a{place}", one, *([two] if place else [])) for place in range(11))
    report = replace(report_of("a"), adjustments=(one,), piloted=sessions)

    names = [trace["name"] for trace in charts_of(report)["autopilot"]["data"]]
    assert names[::3] == [f"a{place}: adaptive" for place in range(1, 11)]
    assert "Drawn are the 10 sessions with the most." in text_of(render(report))


def test_why_auto_pilot_switched_itself_off_is_told() -> None:
    session = piloted_of("bold", adjustment_of("bold", hours=3), why_off="Auto Pilot switched itself off.")
    text = text_of(render(replace(report_of("bold"), adjustments=session.adjustments, piloted=(session,))))

    assert "bold: Auto Pilot switched itself off." in text


def test_a_single_account_is_not_called_best_and_worst() -> None:
    text = text_of(render(report_of("careful")))

    assert "Best return" not in text
    assert "USD, of 10,000.00 at the start" in text


def test_a_run_without_decisions_and_adjustments_says_so() -> None:
    text = text_of(render(report_of("careful")))

    assert "No decisions were recorded." in text
    assert "Auto Pilot changed nothing in this run." in text


def test_a_run_that_did_not_complete_says_how_it_ended() -> None:
    text = text_of(render(replace(report_of("careful"), status="STOPPED", error_message="Stopped by the user.")))

    assert "This run is STOPPED; it shows what was kept until then. Stopped by the user." in text


def test_a_session_that_failed_is_named_with_its_block_and_message() -> None:
    page = parsed(render(replace(report_of("one", "two"), failures=(failure_of("two"),))))
    said = " failed, 1 Jan 16:40. Analyst mine:Own failed at block 5000: ValueError: no idea."
    assert [text for text in page.texts["p"] if said in text]


def test_of_many_sessions_that_failed_some_are_named() -> None:
    failures = tuple(failure_of(f"account {number}") for number in range(25))
    page = render(replace(report_of("one"), failures=failures))
    assert page.count(" failed, 1 Jan") == 20
    assert "So did 5 more sessions." in page


def test_sessions_that_followed_one_another_are_listed_with_their_reasons() -> None:
    turns = (session_of("two", "calm"), session_of("two", "wild"))
    page = parsed(render(replace(report_of("one", "two"), sessions=turns)))
    cells = page.texts["td"]
    assert [cells.count(strategy) for strategy in ("calm", "wild")] == [1, 1]
    assert cells.count("COMPLETED. Its account went on with its next session.") == 2


def test_a_run_of_single_sessions_lists_none() -> None:
    assert "Sessions" not in parsed(render(report_of("one", "two"))).texts["h2"]


def test_only_accounts_with_several_sessions_are_listed() -> None:
    scenario = load(None, Overrides(accounts=1, blocks=400))
    assert collect(StoredRun(scenario, scenario.accounts[0].name), RUN).sessions == ()  # type: ignore[arg-type]


def test_a_run_that_was_pruned_says_so_and_which_digest_it_shows() -> None:
    report = replace(report_of("careful"), pruned_at=PRUNED_AT)

    assert (
        "This run was pruned on 4 May 2026: snapshots of the Auto Pilot and the numbers behind orders that did not fill "
        "were thinned; the digest is the one that it ended with."
    ) in text_of(render(report))


def test_a_completed_run_carries_no_warning() -> None:
    assert "it shows what was kept until then" not in text_of(render(report_of("careful")))


def test_the_footer_holds_digest_and_commands() -> None:
    text = text_of(render(report_of("careful")))

    assert "d1" * 32 in text
    assert "paperdex run scenario.yaml --seed 7" in text
    assert f"paperdex digest {RUN}" in text


def test_the_same_report_gives_the_same_page() -> None:
    assert render(report_of("careful", "bold")) == render(report_of("careful", "bold"))


def test_a_report_replaces_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")

    save(render(report_of("careful")), path)

    assert path.read_text(encoding="utf-8") == render(report_of("careful"))
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_that_cannot_be_written_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(type(path), "replace", refuse)

    with pytest.raises(OSError, match="disk full"):
        save(render(report_of("careful")), path)

    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save(render(report_of("careful")), tmp_path / "missing" / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_a_link_still_leads_to_the_file_it_named(tmp_path: Path) -> None:
    link, target = tmp_path / "latest.html", tmp_path / "report.html"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)

    save(render(report_of("careful")), link)

    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == render(report_of("careful"))


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    link = tmp_path / "nowhere"
    link.symlink_to(os.devnull)

    save(render(report_of("careful")), link)

    assert not link.is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["nowhere"]


def test_collecting_reads_the_run_and_carries_curves_to_its_end() -> None:
    scenario = load(None, Overrides(accounts=1, blocks=400, seed=7))
    name = scenario.accounts[0].name
    report = collect(StoredRun(scenario, name), RUN)  # type: ignore[arg-type]

    end_at = scenario.start_at + timedelta(milliseconds=400 * scenario.block_time_ms)
    assert (report.name, report.seed, report.blocks, report.market) == (scenario.name, 7, 400, "a synthetic market")
    assert (report.start_at, report.end_at) == (scenario.start_at, end_at)
    assert report.equity[name][-1] == (end_at, Decimal(10_500))
    assert (report.gas_usd, report.slippage_usd) == (Decimal(30), Decimal(4))
    assert report.pruned_at == PRUNED_AT


def test_a_run_cut_short_ends_at_its_last_mark() -> None:
    scenario = load(None, Overrides(accounts=1, blocks=400))
    report = collect(StoredRun(scenario, scenario.accounts[0].name, status="STOPPED"), RUN)  # type: ignore[arg-type]

    assert report.end_at == scenario.start_at + timedelta(hours=1)


def test_the_scenario_in_the_report_is_the_scenario_of_the_run(tmp_path: Path) -> None:
    scenario = load(None, Overrides(accounts=2))
    report = collect(StoredRun(scenario, scenario.accounts[0].name), RUN)  # type: ignore[arg-type]
    path = tmp_path / "scenario.yaml"
    path.write_text(report.scenario_yaml, encoding="utf-8")

    assert load(path, Overrides()) == scenario


def free(name: str) -> AccountCosts:
    return replace(costs_of(name), **{part.field: Decimal() for part in PARTS}, total_usd=Decimal())


def costs_told(report: RunReport) -> list[tuple[Any, ...]]:
    """Return the rows of the table of costs: the name, then what each cell carries."""
    section = render(report).split("<h2>Costs</h2>", 1)[1].split("</section>", 1)[0]
    page = parsed(section)
    amounts = [Decimal(attributes["value"]) for tag, attributes in page.elements if tag == "data"]
    columns = len(PARTS) + 1
    return [(name, *amounts[at * columns :][:columns]) for at, name in enumerate(page.texts["bdi"])]


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One run of one account, as a store answers for it: marked once, an hour after its start."""

    scenario: Scenario
    account: str
    status: str = "COMPLETED"

    def run(self, _run_id: UUID) -> Any:
        return RunRow(self.scenario, self.status)

    def leaderboard(self, _run_id: UUID) -> list[AccountResult]:
        return [result_of(self.account)]

    def equity(self, _run_id: UUID) -> dict[str, list[tuple[datetime, Decimal]]]:
        start_at = self.scenario.start_at
        return {self.account: [(start_at, Decimal(10_000)), (start_at + timedelta(hours=1), Decimal(10_200))]}

    def costs(self, _run_id: UUID) -> list[AccountCosts]:
        return [costs_of(self.account)]

    def notable_decisions(self, _run_id: UUID, _limit: int) -> list[NotableDecision]:
        return [decision_of(self.account, "BUY")]

    def autopilot_history(self, _run_id: UUID) -> list[AdjustmentRecord]:
        return [adjustment_of(self.account, hours=1)]

    def piloted(self, _name: str) -> list[PilotedSession]:
        return [piloted_of(self.account, adjustment_of(self.account, hours=1))]

    def failures(self, _run_id: UUID) -> list[SessionFailure]:
        return [failure_of(self.account)]

    def sessions_of(self, _run_id: UUID) -> list[SessionLine]:
        return [session_of(self.account, "one")]

    def pruned_at(self, _run_id: UUID) -> datetime | None:
        return PRUNED_AT


class RunRow:
    """The row of a run."""

    def __init__(self, scenario: Scenario, status: str) -> None:
        self.name, self.seed, self.blocks, self.status = scenario.name, scenario.seed, scenario.blocks, status
        self.scenario = scenario.model_dump(mode="json")
        self.tokens = [{"symbol": "WETH"}]
        self.digest, self.version, self.error_message = "d1" * 32, "0.1.0", ""


class Page(HTMLParser):
    """A page as a browser reads it: its elements with their attributes, and the texts inside each kind."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag != "meta":
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data


def parsed(page: str) -> Page:
    reader = Page()
    reader.feed(page)
    reader.close()
    return reader


def text_of(page: str) -> str:
    """Return what a reader sees, without the markup between."""
    reader = TextReader()
    reader.feed(page)
    return "".join(reader.pieces)


class TextReader(HTMLParser):
    """Collects the text of a page outside scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden = tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def chart_of(report: RunReport) -> dict[str, Any]:
    return charts_of(report)["equity"]


def charts_of(report: RunReport) -> dict[str, dict[str, Any]]:
    charts: dict[str, dict[str, Any]] = json.loads(parsed(render(report)).texts["script"][0])
    return charts


def refuse(_self: Path, _target: Path) -> None:
    raise OSError("disk full")
