"""Reads sources for SQL that is built from values: what reaches Postgres as a statement must be made of constants.

A constant is a literal, a name assigned at the top of a module, or what is made of constants alone: f-strings, sums, joins,
and names bound to constants in a function. A parameter of a private function is one if all its callers give it constants.
What psycopg2.sql composes is quoted there, whatever it is.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property

SINKS = {"text", "execute", "executemany", "exec_driver_sql", "copy_expert", "SQL"}
"""Functions and methods whose first argument is a statement or a part of one."""

MAKERS = {"text", "f", "tuple", "list", "dict", "sorted", "reversed", "zip", "enumerate"}
"""Functions that make a constant of constants, ``sqlalchemy.text`` and ``op.f`` of Alembic among them."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)


@dataclass
class Source:
    """A module, with what is needed to tell where its names come from."""

    tree: ast.Module

    def __post_init__(self):
        self._deciding = set()
        for parent in ast.walk(self.tree):
            for child in ast.iter_child_nodes(parent):
                child.parent = parent

    def built(self):
        """Yield (line, function, expression) of each statement that is not made of constants."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and _name(node.func) in SINKS and node.args:
                statement = node.args[0]
                if not (self._is_statement(statement) or self._is_constant(statement)):
                    yield node.lineno, self._where(node), ast.unparse(statement)

    def _is_statement(self, node):
        """Tell whether ``node`` is a statement already, whose text is looked at where it is made."""
        function = self._function_of(node)
        return (
            isinstance(node, ast.Name)
            and function is not None
            and any(
                argument.arg == node.id and argument.annotation and ast.unparse(argument.annotation) == "TextClause"
                for argument in function.args.args
            )
        )

    def _is_constant(self, node):
        match node:
            case ast.Constant():
                return True
            case ast.Name():
                return self._is_constant_name(node)
            case ast.Lambda():
                return False
            case ast.Call():
                return self._is_composed(node) or self._is_made(node)
        if isinstance(node, COMPREHENSIONS):
            return all(self._is_constant(generator.iter) for generator in node.generators) and all(
                self._is_constant(part)
                for part in ast.iter_child_nodes(node)
                if not isinstance(part, ast.comprehension)
            )
        return all(self._is_constant(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))

    def _is_composed(self, node):
        """Tell whether psycopg2.sql puts it together: it takes what it quotes, and nothing else."""
        made_by = node.func.value if isinstance(node.func, ast.Attribute) and node.func.attr == "format" else node
        return isinstance(made_by, ast.Call) and _name(made_by.func) == "SQL"

    def _is_made(self, node):
        """Tell whether a call makes a constant of constants: by a method of one, or by a function that is known to."""
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if not all(self._is_constant(part) for part in given):
            return False
        if _name(node.func) in MAKERS:
            return True
        if isinstance(node.func, ast.Attribute):
            return self._is_constant(node.func.value)
        made = [function for function in self.tree.body if getattr(function, "name", None) == _name(node.func)]
        returned = [part.value for function in made for part in ast.walk(function) if isinstance(part, ast.Return)]
        return bool(returned) and all(self._is_constant(value) for value in returned)

    def _is_constant_name(self, name):
        """Tell whether what binds a name, inside out, binds it to constants."""
        scope = name
        while (scope := getattr(scope, "parent", None)) is not None:
            if isinstance(scope, COMPREHENSIONS):
                for generator in scope.generators:
                    if name.id in _names(generator.target):
                        return self._is_constant(generator.iter)
            if isinstance(scope, FUNCTIONS) and name.id in _bound_by(scope):
                return self._is_bound_to_constants(scope, name.id)
        return name.id in self._top_names

    def _is_bound_to_constants(self, function, name):
        if (function, name) in self._deciding:
            return True  # what is added to itself is what is added
        self._deciding.add((function, name))
        given = name not in _parameters(function) or self._is_given_constants(function, name)
        constant = given and all(self._is_constant(value) for value in _values_of(function, name))
        self._deciding.discard((function, name))
        return constant

    def _is_given_constants(self, function, parameter):
        """Tell whether each caller of a private function, all of them in its module, gives a parameter constants."""
        name = getattr(function, "name", "")
        if not name.startswith("_") or name.startswith("__"):
            return False
        names = [argument.arg for argument in function.args.args]
        calls = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call) and _name(node.func) == name]
        return bool(calls) and all(self._is_constant(_given(call, function, names, parameter)) for call in calls)

    def _function_of(self, node):
        while node is not None and not isinstance(node, FUNCTIONS):
            node = getattr(node, "parent", None)
        return node

    def _where(self, node):
        names = []
        while node is not None:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.append(node.name)
            node = getattr(node, "parent", None)
        return ".".join(reversed(names))

    @cached_property
    def _top_names(self):
        """Names that the top of the module assigns, and those that it imports and that are written as constants."""
        names = set()
        for node in self.tree.body:
            match node:
                case ast.Assign():
                    names |= {name for target in node.targets for name in _names(target)}
                case ast.AnnAssign():
                    names |= _names(node.target)
                case ast.Import() | ast.ImportFrom():
                    names |= {name for alias in node.names if (name := alias.asname or alias.name).isupper()}
        return names


def _given(call, function, names, parameter):
    """Return what a call gives a parameter, or its default."""
    for keyword in call.keywords:
        if keyword.arg == parameter:
            return keyword.value
    if function.args.vararg is not None and function.args.vararg.arg == parameter:
        return ast.Tuple(call.args[len(names) :])
    place = names.index(parameter)
    if place < len(call.args):
        return call.args[place]
    return function.args.defaults[place - len(names)]


def _values_of(function, name):
    """Yield what a function binds a name to."""
    for node in ast.walk(function):
        match node:
            case ast.Assign() if any(name in _names(target) for target in node.targets):
                yield node.value
            case ast.AnnAssign() | ast.AugAssign() | ast.NamedExpr() if name in _names(node.target) and node.value:
                yield node.value
            case ast.For() if name in _names(node.target):
                yield node.iter


def _bound_by(function):
    return _parameters(function) | {
        node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _parameters(function):
    return {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}


def _names(target):
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def _name(function):
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
