"""How machine code is made: at once of a function that Python calls and of all that it calls in turn.

Numba makes machine code of every function for itself, of all that it calls too, and so the innermost is optimised anew
for each caller up to the outermost: two thirds of the time in a kernel of two hundred functions. Here what is compiled
because another function calls it stays as it was lowered, a part. The outermost is optimised with all of its parts. A
part that Python calls after all is compiled once more, as a whole.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from numba.core.caching import FunctionCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_lock import global_compiler_lock
from numba.core.environment import lookup_environment
from numba.core.registry import CPUDispatcher
from numba.core.runtime import rtsys
from numba.core.sigutils import normalize_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ENVIRONMENT = "_ZN08NumbaEnv"
"""How numba's names begin of pointers to what a function's Python module holds."""

_COMPILED = "_ZN"
"""How its names of functions begin that were compiled from Python."""

_being_compiled: list[Callable[..., Any]] = []
"""A function, the one within it for whose sake that waits, and so on: changed under the compiler's lock only."""


class CompiledFunction(CPUDispatcher):
    """What numba makes of a decorated function, but that others are compiled with it as their part."""

    _cache: Any
    _is_kept = False

    def __init__(
        self,
        py_func: Callable[..., Any],
        locals: Any = None,  # noqa: A002 -- numba's own name, by which it rebuilds what was pickled
        targetoptions: Any = None,
        pipeline_class: type[Compiler] | None = None,
    ) -> None:
        super().__init__(py_func, locals, targetoptions, pipeline_class or _Compiler)

    def enable_caching(self) -> None:
        """Keep on disk what Python calls."""
        self._is_kept = True

    def compile(self, sig: Any) -> Any:
        """Compile for types: as a whole for Python, as a part for a function that is being compiled."""
        with global_compiler_lock:
            if self._is_kept and not isinstance(self._cache, _Cache):  # not before: most are but parts of others
                self._cache = _Cache(self.py_func)
            if not _being_compiled:
                self._forget_part(sig)
            _being_compiled.append(self.py_func)
            try:
                return super().compile(sig)
            finally:
                _being_compiled.pop()

    def _forget_part(self, sig: Any) -> None:
        types = tuple(normalize_signature(sig)[0])
        if types in self.overloads and _is_part(self.overloads[types]):
            del self.overloads[types]

    def add_overload(self, cres: Any) -> None:
        """Note what was compiled; a part where functions look for it that are compiled, not where Python does."""
        if not _is_part(cres):
            super().add_overload(cres)
            return
        part = cres._replace(entry_point=object())  # callers know it by this
        self.targetctx.insert_user_function(part.entry_point, part.fndesc, [part.library])
        self.overloads[tuple(part.signature.args)] = part


class _Compiler(Compiler):
    """Numba's compiler, which asks first whether a part is wanted or a whole."""

    def __init__(self, *arguments: Any) -> None:
        _load_arrays()
        super().__init__(*arguments)

    def define_pipelines(self) -> Any:
        state = self.state
        is_part = len(_being_compiled) > 1
        library = _Part if is_part else _Whole
        state.library = library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        if is_part:
            state.flags.no_compile = state.flags.no_cpython_wrapper = state.flags.no_cfunc_wrapper = True
        return super().define_pipelines()


class _Cache(FunctionCache):
    """The cache on disk, in which parts have no place: they are in whatever was compiled with them."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load without all that only a compiler needs, which makes itself ready for its first function."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)

    def save_overload(self, sig: Any, data: Any) -> None:
        if not _is_part(data):
            super().save_overload(sig, data)


class _Part(JITCodeLibrary):
    """A function as it was lowered, for linking."""

    _linking_libraries: list[Any]

    def finalize(self) -> None:
        self._final_module.verify()
        self._finalized = True


class _Whole(JITCodeLibrary):
    """A function with all of its parts, optimised as one and made machine code."""

    _linking_libraries: list[Any]

    def finalize(self) -> None:
        self._linking_libraries = _callers_first(self._linking_libraries)
        self._own = {function.name for function in self._final_module.functions if not function.is_declaration}
        super().finalize()
        for variable in self._final_module.global_variables:
            if variable.name.startswith(_ENVIRONMENT) and (found := lookup_environment(variable.name)):
                self._codegen.set_env(variable.name, found)

    def _optimize_final_module(self) -> None:
        """Optimise knowing that nobody else calls the parts."""
        for function in self._final_module.functions:
            if not function.is_declaration and function.name not in self._own:
                function.linkage = "internal"
        super()._optimize_final_module()

    def _verify_declare_only_symbols(self) -> None:
        """Refuse machine code of which a function is missing: it would be called at address 0."""
        super()._verify_declare_only_symbols()
        named = [function.name for function in self._final_module.functions if function.is_declaration]
        missing = [name for name in named if name.startswith(_COMPILED)]
        assert not missing, f"not linked: {', '.join(missing)}"


@cache
def _load_arrays() -> None:
    """Load numba's functions of arrays, and not what these load to see whether it is there.

    SciPy's linear algebra is there, and the kernel has no use for it: it took a third of the loading of a kernel.
    """
    linalg: Any = import_module("numba.np.linalg")
    asks = linalg.ensure_blas
    linalg.ensure_blas = lambda: None
    try:
        import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = asks


def _is_part(compiled: Any) -> bool:
    return isinstance(compiled.library, _Part)


def _callers_first(libraries: Iterable[Any]) -> list[Any]:
    """Return libraries and the parts within them, each before what it calls: LLVM links only what is called already."""
    callees_first: dict[Any, None] = {}

    def visit(library: Any) -> None:
        if library in callees_first:
            return
        if isinstance(library, _Part):
            for within in library._linking_libraries:  # noqa: SLF001 -- of a class of this file
                visit(within)
        callees_first[library] = None

    for library in libraries:
        visit(library)
    return list(reversed(callees_first))
