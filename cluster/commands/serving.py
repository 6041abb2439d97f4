"""The commands that have a cluster conduct a run, and that end that."""

from __future__ import annotations

from typing import Annotated

import typer

from cluster.commands.common import Resumed, ScenarioFile, planned, store_at
from cluster.connect import AUTO
from cluster.options import DatabaseUrl, err, out
from cluster.scenarios import Overrides

ClusterAddress = Annotated[
    str,
    typer.Option("--ray-address", metavar="ADDRESS", help="A running Ray cluster.", show_default="the one found here"),
]


def up(
    scenario: ScenarioFile = None,
    *,
    blocks: Annotated[int | None, typer.Option(min=1, help="Length of the run.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the market and all luck.")] = None,
    database_url: DatabaseUrl = None,
    ray_address: ClusterAddress = AUTO,
    writers: Annotated[int, typer.Option(min=1, max=16, help="That commit beside each other.")] = 1,
    resume: Resumed = None,
) -> None:
    """Begin a run that a Ray cluster conducts, or go on with one, whatever becomes of this terminal; print its id.

    Whichever of its actors dies is replaced, the conductor too. `show run`, `pause`, `resume` and `stop` are for it as
    for any run.
    """
    from cluster import service
    from cluster.runs import Place

    interrupted, plan = planned(scenario, Overrides(blocks=blocks, seed=seed), resume, database_url)
    run_id = service.up(plan, Place(database_url, ray_address, writers=writers), err.print, interrupted)
    print(run_id, flush=True)


def down(
    name: Annotated[
        str, typer.Argument(metavar="[RUN]", help="A run's id, or the first digits of it.", show_default="the latest")
    ] = "latest",
    *,
    database_url: DatabaseUrl = None,
    ray_address: ClusterAddress = AUTO,
) -> None:
    """Stop a run that `paperdex up` began, after the segment in hand, and wait until its actors are gone."""
    from cluster import service

    store = store_at(database_url)
    run_id = store.resolve_run(name)
    status = service.down(store, run_id, ray_address)
    out.print(f"Run {run_id} is {status}, and none of its actors is left.", highlight=False, soft_wrap=True)
