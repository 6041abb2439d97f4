"""The repository as its own tests read it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("simulation", "storage", "actors", "cluster")


@dataclass(frozen=True)
class Module:
    """One Python file of a package."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self):
        """Return its path from the root, as messages show it."""
        return self.path.relative_to(ROOT).as_posix()

    def imported(self):
        """Return the full names of what it imports, anywhere in the file."""
        names = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
        return names

    def imports(self, package):
        """Tell whether it imports ``package`` or something in it."""
        return any(f"{name}.".startswith(f"{package}.") for name in self.imported())


@cache
def modules(*packages):
    """Return the modules of ``packages``, of all for none named."""
    paths = sorted(path for package in packages or PACKAGES for path in (ROOT / package).rglob("*.py"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return tuple(Module(path, text, ast.parse(text)) for path, text in zip(paths, texts, strict=True))
