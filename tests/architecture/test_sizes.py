"""Every part is small enough to be read at once. No exemptions: what is too large is divided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.architecture import gates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Gate = Callable[[gates.Module], Iterator[gates.Broken]]
    Modules = tuple[gates.Module, ...]

# Where a broad except is right: the last frame of ours before somebody who must be answered whatever happens.
EDGES = (
    gates.Edge(
        path="src/turnout/server/conversation.py",
        function="ConversationEndpoint.__call__",
        reason="a defect of ours must still reach the caller in its dialect, as an error that its SDK raises",
    ),
    gates.Edge(
        path="src/turnout/cli/app.py",
        function="main",
        reason="a defect of ours must reach the terminal as a line that says what to do, not as a traceback",
    ),
)


def broken(gate: Gate, modules: Iterable[gates.Module]) -> str:
    return "\n".join(str(found) for module in modules for found in gate(module))


def test_no_module_is_too_long(code: Modules, suite: Modules) -> None:
    found = broken(gates.long_modules, code + suite)
    assert not found, f"\n{found}"


def test_no_function_is_too_long(code: Modules) -> None:
    found = broken(gates.long_functions, code)
    assert not found, f"\n{found}"


def test_nine_functions_in_ten_are_short(product: Modules) -> None:
    lengths = [gates.function_lines(function) for module in product for _, function, _ in gates.functions(module)]
    p90 = gates.percentile(lengths, 0.9)
    assert p90 <= gates.FUNCTION_LINES_P90, (
        f"p90 of {len(lengths)} functions is {p90} lines (limit {gates.FUNCTION_LINES_P90})"
    )


def test_no_class_is_too_long(code: Modules) -> None:
    found = broken(gates.long_classes, code)
    assert not found, f"\n{found}"


def test_no_function_nests_too_deep(code: Modules) -> None:
    found = broken(gates.deep_functions, code)
    assert not found, f"\n{found}"


def test_no_function_takes_too_many_parameters(code: Modules) -> None:
    found = broken(gates.many_parameters, code)
    assert not found, f"\n{found}"


def test_nothing_is_global(code: Modules, suite: Modules) -> None:
    found = broken(gates.global_statements, code + suite)
    assert not found, f"\n{found}"


def test_only_the_edges_catch_everything(code: Modules) -> None:
    found = broken(lambda module: gates.broad_excepts(module, EDGES), code)
    assert not found, f"\n{found}"


def test_there_are_at_most_two_edges_and_each_exists(product: Modules) -> None:
    standing = {(module.path, where) for module in product for _, where in gates.broad_handlers(module)}
    stale = [edge for edge in EDGES if (edge.path, edge.function) not in standing]
    assert len(EDGES) <= 2
    assert not stale, f"no broad except stands there any more: {stale}"
    assert all(edge.reason for edge in EDGES)
