"""The one decorator that compiles: everything else imports numba through this file.

Numba's own cache does not notice a change in another file's function, so the cache folder is named by a hash of every
source file in ``simulation/``. Where they lie does not count: another checkout, or a copy that a job brings to a node,
runs the same machine code.
"""

from __future__ import annotations

import os
import sys
from hashlib import sha256
from pathlib import Path
from stat import S_ISDIR
from tempfile import gettempdir, mkdtemp
from typing import TYPE_CHECKING, Any

import numba
import platformdirs
from llvmlite import ir
from llvmlite.binding import get_host_cpu_name
from numba.core import types
from numba.core.caching import UserProvidedCacheLocator
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic

from simulation.compiling import CompiledFunction

if TYPE_CHECKING:
    from collections.abc import Callable


_SOURCES = Path(__file__).parent

CACHE_LINE_BYTES = 64


class CacheLocator(UserProvidedCacheLocator):
    """Where in the cache folder numba keeps the code of a file: for ours, wherever they lie, at one place."""

    @classmethod
    def get_suitable_cache_subpath(cls, py_file: str) -> str:
        """Return the folder of a source file's code."""
        if Path(py_file).is_relative_to(_SOURCES):
            return "_".join(Path(py_file).relative_to(_SOURCES.parent).parent.parts)
        elsewhere: str = super().get_suitable_cache_subpath(py_file)
        return elsewhere


def cache_folder() -> Path:
    """Return the folder of compiled code for the sources as they are now, on a processor like this one."""
    digest = sha256(repr((sys.version, numba.__version__, get_host_cpu_name())).encode())
    for source in sorted(_SOURCES.rglob("*.py")):
        digest.update(str(source.relative_to(_SOURCES)).encode() + source.read_bytes())
    return _cache_root() / digest.hexdigest()[:16]


def _cache_root() -> Path:
    """Return the user's own cache folder; under the temporary folder for users who have no home."""
    home = platformdirs.user_cache_path("paperdex")
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError:
        return _own(Path(gettempdir()) / f"paperdex-cache-{os.getuid()}")
    return home


def _own(folder: Path) -> Path:
    """Return a folder of the temporary one, or a new one if somebody else may write there: it would be their code."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return Path(mkdtemp(prefix="paperdex-cache-"))
    is_ours = S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
    return folder if is_ours else Path(mkdtemp(prefix="paperdex-cache-"))


numba.config.CACHE_DIR = str(cache_folder())
numba.config.CACHE_LOCATOR_CLASSES = f"{__name__}.{CacheLocator.__name__}"


# Compiled code here reads and writes arrays that its callers own and allocates none, so it does without numba's
# reference counts (`_nrt`), whose atomic operations at every call took half of the kernel's time.
_TO_READ, _TO_STAY, _DATA = 0, 3, 1
_OPTIONS = {"nopython": True, "error_model": "numpy", "nogil": True, "_nrt": False}


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile ``function`` on first use and keep the machine code on disk."""
    return _cached(CompiledFunction(function, targetoptions=_OPTIONS))


@intrinsic
def prefetch(_typing: Any, record: Any, offset_bytes: Any) -> Any:
    """Ask for the cache line of a record that is needed soon: passes over more than the cache holds wait less."""

    def generated(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        byte, number = ir.IntType(8), ir.IntType(32)
        line = builder.gep(builder.bitcast(arguments[0], byte.as_pointer()), [arguments[1]], source_etype=byte)
        takes = ir.FunctionType(ir.VoidType(), [byte.as_pointer(), number, number, number])
        fetch = get_or_insert_function(builder.module, takes, "llvm.prefetch.p0")
        builder.call(fetch, [line, number(_TO_READ), number(_TO_STAY), number(_DATA)])
        return context.get_dummy_value()

    return types.void(record, offset_bytes), generated


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile ``function`` as a part of whatever calls it: for what numba can build but not return."""
    return _cached(CompiledFunction(function, targetoptions={**_OPTIONS, "inline": "always"}))


def _cached(function: CompiledFunction) -> Callable[..., Any]:
    function.enable_caching()
    return function
