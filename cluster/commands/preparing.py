"""The commands before a run: scenario files, and the market that one makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cluster.commands.common import ScenarioFile, prepared
from cluster.errors import UsageError
from cluster.options import FAILED, err, out
from cluster.scenarios import Overrides, built_in, load
from cluster.targets import file_target

scenario_commands = typer.Typer(help="Scenario files: an example, a check, the schema.", no_args_is_help=True)
market_commands = typer.Typer(help="The market: a preview, and whether it is like recorded ones.", no_args_is_help=True)


@scenario_commands.command("new")
def scenario_new() -> None:
    """Print a commented scenario to start from: the built-in one."""
    print(built_in(), end="")


@scenario_commands.command("check")
def scenario_check(scenario: Annotated[Path, typer.Argument(metavar="SCENARIO.yaml")]) -> None:
    """Say whether a scenario can be run, and if not, why not."""
    from cluster.facts import counted

    plan = prepared(load(scenario, Overrides()))
    out.print(
        f"{scenario}: {counted(len(plan.scenario.accounts), 'account')}, {counted(len(plan.tokens), 'token')}, "
        f"{counted(plan.blocks, 'block')}.",
        highlight=False,
        soft_wrap=True,
    )


@scenario_commands.command("schema")
def scenario_schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from simulation.scenario import Scenario

    print(json.dumps(Scenario.model_json_schema(), indent=2))


@market_commands.command("preview")
def market_preview(
    scenario: ScenarioFile = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where it goes.")] = Path(
        "market.html"
    ),
    blocks: Annotated[int | None, typer.Option(min=1, help="How much of it.")] = None,
) -> None:
    """Show prices, liquidity, gas and volatility of a scenario's market as one self-contained HTML file."""
    from rich.progress import track

    from actors.warming import compiling_alone
    from cluster import market_preview as previews
    from cluster.market_page import render
    from cluster.page import save

    target = file_target(output, "--output")
    plan = prepared(load(scenario, Overrides(blocks=blocks)))
    lengths = previews.chunks(plan)
    shown = track(lengths, "previewing", console=err, transient=True, disable=not err.is_terminal)
    with compiling_alone():
        page = render(previews.preview(plan, shown))
    try:
        save(page, target)
    except OSError as error:
        raise UsageError(f"--output {target} can't be written ({error.strerror}); name another file.") from error
    out.print(str(target.resolve()), soft_wrap=True, highlight=False)


@market_commands.command("check")
def market_check(
    seeds: Annotated[int, typer.Option(min=4, max=1000, help="How many markets to measure; fewer say little.")] = 5,
    days: Annotated[int, typer.Option(min=90, max=10_000, help="Length of each, for hours and days.")] = 730,
    recordings: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", show_default="published figures", help="Recorded markets to measure too."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure the built-in market and recorded ones with the same functions; exit status 1 if a check fails."""
    from rich.progress import track

    from actors.warming import compiling_alone
    from cluster import market_check as checking

    recorded = checking.recordings(recordings)
    shown = track(range(1, seeds + 1), "measuring", console=err, transient=True, disable=not err.is_terminal)
    with compiling_alone():
        findings = checking.compare(checking.simulate(shown, days), recorded, recordings, days)
    if as_json:
        print(json.dumps(findings.as_json()))
    else:
        checking.print_findings(out, findings)
    if not findings.holds:
        raise typer.Exit(FAILED)
