"""The command line: ``paperdex`` and its commands. Every mistake of a user ends in one sentence and status 2."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import Any

import typer

from cluster.commands import autopilot, database, jobs, preparing, running, serving, steering, stored, sweeping
from cluster.connect import quiet_ray
from cluster.errors import Stopped, UsageError
from cluster.options import FAILED, STOPPED, complain, err
from cluster.process_list import hide_password
from storage.errors import StorageError

ClickUsageError: Any = typer.BadParameter.__mro__[1]
"""What click raises for a wrong command line; typer carries a click of its own, under a name that is not public."""

app = typer.Typer(
    help="Paper trading on simulated decentralised exchanges.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
COMMANDS: tuple[Any, ...] = (
    running.run, steering.pause, steering.resume, steering.stop, serving.up, serving.down,
    stored.report, stored.digest, stored.replay, jobs.status,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)
app.command(context_settings={"ignore_unknown_options": True})(jobs.submit)
app.add_typer(sweeping.sweep_commands, name="sweep")
app.add_typer(stored.show, name="show")
app.add_typer(database.db, name="db")
app.add_typer(autopilot.autopilot, name="autopilot")
app.add_typer(preparing.scenario_commands, name="scenario")
preparing.scenario_commands.command("sweep-schema")(sweeping.sweep_schema)
app.add_typer(preparing.market_commands, name="market")


def main() -> None:
    """Run the command line and exit with its status."""
    hide_password()
    quiet_ray()
    signal.signal(signal.SIGTERM, _interrupt)
    status = _status()
    gc.freeze()  # the interpreter would look through all that was loaded before it ends, for half a second
    sys.exit(status)


def _status() -> int:
    try:
        status = int(app(standalone_mode=False) or 0)
    except typer.Exit as exit_:
        return int(exit_.exit_code)
    except ClickUsageError as error:
        return complain(_sentence(error))
    except (UsageError, StorageError) as error:
        return complain(str(error))
    except Stopped as stopped:
        err.print(str(stopped), highlight=False, soft_wrap=True)
        return STOPPED
    except (KeyboardInterrupt, typer.Abort):
        status = STOPPED
    except BrokenPipeError:
        return FAILED
    except Exception as error:
        if os.environ.get("PAPERDEX_TRACEBACK"):
            raise
        said = " ".join(str(error).split())
        err.print(
            f"paperdex failed: {type(error).__name__}: {said} (set PAPERDEX_TRACEBACK=1 to see where.)",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
        return FAILED
    if status == STOPPED:  # typer makes the same of an interrupt
        err.print("Stopped; what was committed is kept.")
    return status


def _sentence(error: Any) -> str:
    """Return what is wrong with an option, and the value, which typer's message leaves out."""
    message = str(error.format_message()).rstrip(".")
    mistakes = getattr(error.__cause__, "errors", None)
    if mistakes is not None:
        message += f", not {mistakes()[0]['input']!r}"
    return f"{message}." if message else ""


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
