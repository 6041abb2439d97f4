"""A group of commands of which one is meant where none is named."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

DEFAULT = "run"


class WithDefault(TyperGroup):
    """What does not begin with the name of one of its commands is given to the command ``run``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the command that is meant."""
        is_named = bool(args) and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if is_named else [DEFAULT, *args])

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Tell of the commands, and then of the one that is meant where none is named."""
        super().format_help(ctx, formatter)
        command = self.commands[DEFAULT]
        command.format_help(type(ctx)(command, parent=ctx, info_name=DEFAULT), formatter)
