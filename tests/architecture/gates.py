"""The gates over source code: each a pure function from parsed modules to what breaks the rule."""

from __future__ import annotations

import ast
import math
import re
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULE_LINES = 500
FUNCTION_LINES = 60
FUNCTION_LINES_P90 = 30
NESTING = 3
PARAMETERS = 6
CLASS_LINES = 300

FORBIDDEN_NAMES = frozenset({"util", "utils", "helper", "helpers", "common", "core", "manager", "handler", "service"})

Function = ast.FunctionDef | ast.AsyncFunctionDef
_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_BROAD = frozenset({"Exception", "BaseException"})


@dataclass(frozen=True)
class Module:
    """One source file, read and parsed; `path` is relative to the repository."""

    path: str
    source: str
    tree: ast.Module

    @classmethod
    def parse(cls, path: str, source: str) -> Module:
        return cls(path, source, ast.parse(source, path))

    @classmethod
    def read(cls, file: Path, root: Path) -> Module:
        return cls.parse(file.relative_to(root).as_posix(), file.read_text(encoding="utf-8"))

    @property
    def lines(self) -> int:
        return len(self.source.splitlines())


@dataclass(frozen=True)
class Broken:
    """A rule that a line of a file breaks."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


@dataclass(frozen=True)
class Edge:
    """A place where a broad `except` is right, and why."""

    path: str
    function: str
    reason: str


def functions(module: Module) -> Iterator[tuple[str, Function, bool]]:
    """Each function with its qualified name, and whether its first parameter is the object or the class."""

    def walk(node: ast.AST, prefix: str, *, in_class: bool) -> Iterator[tuple[str, Function, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{prefix}{child.name}", child, in_class and not _is_static(child)
                yield from walk(child, f"{prefix}{child.name}.", in_class=False)
            elif isinstance(child, ast.ClassDef):
                yield from walk(child, f"{prefix}{child.name}.", in_class=True)
            else:
                yield from walk(child, prefix, in_class=in_class)

    return walk(module.tree, "", in_class=False)


def _is_static(function: Function) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in function.decorator_list)


def function_lines(function: Function) -> int:
    """Lines from `def` to the end without the docstring: documenting a function must not make it too long."""
    total = _last_line(function) - function.lineno + 1
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    return total - (_last_line(first) - first.lineno + 1) if documented else total


def _last_line(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def long_modules(module: Module) -> Iterator[Broken]:
    if module.lines > MODULE_LINES:
        yield Broken(module.path, 1, f"module has {module.lines} lines (limit {MODULE_LINES})")


def long_functions(module: Module) -> Iterator[Broken]:
    for name, function, _ in functions(module):
        if (lines := function_lines(function)) > FUNCTION_LINES:
            yield Broken(module.path, function.lineno, f"{name} has {lines} lines (limit {FUNCTION_LINES})")


def long_classes(module: Module) -> Iterator[Broken]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and (lines := _last_line(node) - node.lineno + 1) > CLASS_LINES:
            yield Broken(module.path, node.lineno, f"class {node.name} has {lines} lines (limit {CLASS_LINES})")


def deep_functions(module: Module) -> Iterator[Broken]:
    for name, function, _ in functions(module):
        if (depth := nesting(function)) > NESTING:
            yield Broken(module.path, function.lineno, f"{name} nests {depth} blocks (limit {NESTING})")


def nesting(function: Function) -> int:
    """How many blocks the deepest statement is inside of; `elif` adds none, inner functions count apart."""

    def depth(node: ast.AST, level: int, *, is_elif: bool = False) -> int:
        if isinstance(node, _SCOPES):
            return level
        inside = level + (isinstance(node, _BLOCKS) and not is_elif)
        chained = node.orelse if isinstance(node, ast.If) and len(node.orelse) == 1 else []
        return max(
            (depth(c, inside, is_elif=c in chained and isinstance(c, ast.If)) for c in ast.iter_child_nodes(node)),
            default=inside,
        )

    return max(depth(statement, 0) for statement in function.body)


def many_parameters(module: Module) -> Iterator[Broken]:
    for name, function, bound in functions(module):
        spec = function.args
        named = len(spec.posonlyargs) + len(spec.args) + len(spec.kwonlyargs) - bound
        count = named + (spec.vararg is not None) + (spec.kwarg is not None)
        if count > PARAMETERS:
            yield Broken(module.path, function.lineno, f"{name} takes {count} parameters (limit {PARAMETERS})")


def global_statements(module: Module) -> Iterator[Broken]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Global):
            yield Broken(module.path, node.lineno, f"global {', '.join(node.names)}: state lives in objects")


def forbidden_names(module: Module) -> Iterator[Broken]:
    """Names that say nothing: as any word of a module's path, or as the noun that ends a class's name."""
    words = re.split(r"[/_]", module.path.removesuffix(".py").removesuffix("/__init__").casefold())
    for word in sorted(FORBIDDEN_NAMES.intersection(words)):
        yield Broken(module.path, 1, f"module is named {word!r}: say what it is about")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and _noun(node.name) in FORBIDDEN_NAMES:
            yield Broken(module.path, node.lineno, f"class {node.name}: say what it is")


def _noun(name: str) -> str:
    words: list[str] = re.findall(r"[A-Z][a-z0-9]*|[a-z0-9]+", name)
    return words[-1].casefold()


def broad_excepts(module: Module, edges: tuple[Edge, ...] = ()) -> Iterator[Broken]:
    """Handlers and `suppress` that hide any failure; one that ends by raising it again hides nothing."""
    allowed = {edge.function for edge in edges if edge.path == module.path}
    for line, where in broad_handlers(module):
        if where not in allowed:
            yield Broken(module.path, line, f"broad except in {where}: name the errors that are expected")


def broad_handlers(module: Module) -> Iterator[tuple[int, str]]:
    """The line of each handler that hides any failure, and the qualified name of the function around it."""
    scopes = [("the module", module.tree), *((name, node) for name, node, _ in functions(module))]
    for where, scope in scopes:
        yield from ((line, where) for node in _own_nodes(scope) if (line := _hides_everything(node)))


def _hides_everything(node: ast.AST) -> int | None:
    if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not _reraises(node):
        return node.lineno
    if isinstance(node, ast.Call) and _is_suppress(node) and any(map(_is_broad, node.args)):
        return node.lineno
    return None


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from _own_nodes(child)


def _is_broad(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(map(_is_broad, caught.elts))
    return caught is None or (isinstance(caught, ast.Name) and caught.id in _BROAD)


def _reraises(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _is_suppress(call: ast.Call) -> bool:
    return ast.unparse(call.func) in {"suppress", "contextlib.suppress"}


def undeclared_imports(module: Module, allowed: frozenset[str]) -> Iterator[Broken]:
    """What is imported as soon as the module is, and is neither declared nor a part of Python."""
    for node, name in imports_at_load(module.tree):
        if name.partition(".")[0] not in allowed:
            what = f"{name} is imported with the module: import it where it is used, or declare it"
            yield Broken(module.path, node.lineno, what)


def imports_at_load(node: ast.AST) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((child, alias.name) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield child, child.module or "."
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            yield from imports_at_load(ast.Module(body=child.orelse, type_ignores=[]))
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from imports_at_load(child)


def percentile(values: list[int], share: float) -> int:
    """The smallest of the values that `share` of them do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[math.ceil(share * len(ranked)) - 1]


def median(values: list[int]) -> int:
    return round(statistics.median(values))
