"""Each gate names a bad sample and is silent over a good one: a gate that cannot fail guards nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.architecture import gates, texts
from tests.architecture.gates import Module

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def sample(source: str, path: str = "src/turnout/sample.py") -> Module:
    return Module.parse(path, source)


def told(found: Iterable[gates.Broken]) -> list[str]:
    return [str(broken) for broken in found]


def test_a_module_is_too_long_from_the_first_line_over_the_limit() -> None:
    assert told(gates.long_modules(sample("x = 1\n" * 500))) == []
    assert told(gates.long_modules(sample("x = 1\n" * 501))) == [
        "src/turnout/sample.py:1: module has 501 lines (limit 500)"
    ]


def test_a_function_is_too_long_by_its_code_and_not_by_its_docstring() -> None:
    fits = "def f():\n" + "    x = 1\n" * 59
    documented = 'def f():\n    """One.\n\n    Two.\n    """\n' + "    x = 1\n" * 59
    assert told(gates.long_functions(sample(fits))) == []
    assert told(gates.long_functions(sample(documented))) == []
    assert told(gates.long_functions(sample("\nasync " + fits + "    x = 2\n"))) == [
        "src/turnout/sample.py:2: f has 61 lines (limit 60)"
    ]


def test_a_method_and_an_inner_function_are_found_by_their_qualified_names() -> None:
    source = "class A:\n    def f(self):\n        def g():\n" + "            x = 1\n" * 61
    found = told(gates.long_functions(sample(source)))
    assert [line.split()[1] for line in found] == ["A.f", "A.f.g"]


def test_a_class_is_too_long_from_the_first_line_over_the_limit() -> None:
    assert told(gates.long_classes(sample("class A:\n" + "    x = 1\n" * 299))) == []
    assert told(gates.long_classes(sample("class A:\n" + "    x = 1\n" * 300))) == [
        "src/turnout/sample.py:1: class A has 301 lines (limit 300)"
    ]


@pytest.mark.parametrize(
    ("depth", "source"),
    [
        (0, "x = 1"),
        (1, "if a:\n  x = 1\nelif b:\n  x = 2\nelif c:\n  x = 3\nelse:\n  x = 4"),
        (2, "if a:\n  x = 1\nelse:\n  x = 2\n  if b:\n    x = 3"),
        (2, "for a in b:\n  try:\n    x = 1\n  except KeyError:\n    x = 2"),
        (2, "with a:\n  match b:\n    case 1:\n      x = 1"),
        (3, "try:\n  x = 1\nexcept KeyError:\n  while a:\n    with b:\n      x = 2"),
        (0, "def g():\n  if a:\n    x = 1"),
        (4, "if a:\n  for b in c:\n    with d:\n      try:\n        x = 1\n      finally:\n        x = 2"),
    ],
)
def test_blocks_are_counted_by_what_stands_around_the_deepest_statement(depth: int, source: str) -> None:
    body = "".join(f"    {line}\n" for line in source.splitlines())
    module = sample(f"def f():\n{body}")
    _, function, _ = next(gates.functions(module))
    assert gates.nesting(function) == depth
    assert bool(told(gates.deep_functions(module))) is (depth > gates.NESTING)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("def f(a, b, c, d, e, g): ...", None),
        ("def f(a, b, /, c, *, d, e, g, h): ...", 7),
        ("def f(a, b, c, d, e, *args, **kwargs): ...", 7),
        ("class A:\n def f(self, a, b, c, d, e, g): ...", None),
        ("class A:\n @classmethod\n def f(cls, a, b, c, d, e, g, h): ...", 7),
        ("class A:\n @staticmethod\n def f(a, b, c, d, e, g, h): ...", 7),
        ("class A:\n if X:\n  def f(self, a, b, c, d, e, g): ...", None),
    ],
)
def test_parameters_are_counted_without_the_object_or_the_class(source: str, count: int | None) -> None:
    found = told(gates.many_parameters(sample(source)))
    assert [f"takes {count} parameters (limit 6)" in line for line in found] == ([] if count is None else [True])


def test_global_is_found_and_nonlocal_is_not() -> None:
    source = "def f():\n    x = 1\n    def g():\n        nonlocal x\n        global y, z\n"
    assert told(gates.global_statements(sample(source))) == [
        "src/turnout/sample.py:5: global y, z: state lives in objects"
    ]


@pytest.mark.parametrize(
    "handler",
    ["except:", "except Exception:", "except BaseException as e:", "except (KeyError, Exception):"],
)
def test_a_broad_except_is_found_wherever_it_stands(handler: str) -> None:
    hidden = f"try:\n    x = 1\n{handler}\n    x = 2\n"
    inside = "class A:\n    async def f(self):\n" + "".join(f"        {line}\n" for line in hidden.splitlines())
    assert told(gates.broad_excepts(sample(hidden))) == [
        "src/turnout/sample.py:3: broad except in the module: name the errors that are expected"
    ]
    assert told(gates.broad_excepts(sample(inside))) == [
        "src/turnout/sample.py:5: broad except in A.f: name the errors that are expected"
    ]


def test_a_suppress_of_everything_is_a_broad_except() -> None:
    source = "def f():\n    with contextlib.suppress(Exception):\n        x = 1\n"
    assert len(told(gates.broad_excepts(sample(source)))) == 1
    assert told(gates.broad_excepts(sample(source.replace("Exception", "KeyError")))) == []


def test_a_handler_that_raises_again_hides_nothing() -> None:
    source = "try:\n    x = 1\nexcept BaseException:\n    x = 2\n    raise\n"
    assert told(gates.broad_excepts(sample(source))) == []
    assert len(told(gates.broad_excepts(sample(source.replace("    raise\n", "    if x:\n        raise\n"))))) == 1


def test_an_edge_allows_its_own_function_only() -> None:
    body = "    try:\n        x = 1\n    except Exception:\n        x = 2\n"
    module = sample(f"def f():\n{body}\ndef g():\n{body}")
    edge = gates.Edge(module.path, "f", "the last frame")
    assert [line.split(":")[2] for line in told(gates.broad_excepts(module, (edge,)))] == [" broad except in g"]


@pytest.mark.parametrize("name", ["RequestHandler", "Manager", "UserService", "_Helpers", "HTTPHandler", "utils"])
def test_a_class_that_ends_in_a_noun_that_says_nothing_is_found(name: str) -> None:
    assert len(told(gates.forbidden_names(sample(f"class {name}: ...")))) == 1


@pytest.mark.parametrize("name", ["ServiceUnavailable", "Router", "CommonPrefix", "Score"])
def test_a_class_that_says_what_it_is_may_use_any_word(name: str) -> None:
    assert told(gates.forbidden_names(sample(f"class {name}: ..."))) == []


@pytest.mark.parametrize(
    "path", ["src/turnout/utils.py", "src/turnout/http_helpers.py", "src/turnout/core/__init__.py"]
)
def test_a_module_whose_path_says_nothing_is_found(path: str) -> None:
    assert len(told(gates.forbidden_names(sample("", path)))) == 1


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import json, numpy.linalg", ["numpy.linalg"]),
        ("from openai.types import chat", ["openai.types"]),
        ("try:\n    import numpy\nexcept ImportError:\n    pass", ["numpy"]),
        ("class A:\n    import numpy", ["numpy"]),
        ("def f():\n    import numpy", []),
        ("if TYPE_CHECKING:\n    import numpy", []),
        ("if typing.TYPE_CHECKING:\n    import numpy\nelse:\n    import scipy", ["scipy"]),
    ],
)
def test_an_undeclared_import_is_found_where_loading_runs_it(source: str, found: list[str]) -> None:
    said = told(gates.undeclared_imports(sample(source), frozenset({"json"})))
    assert [line.split()[1] for line in said] == found


@pytest.mark.parametrize(("share", "value"), [(0.1, 1), (0.5, 5), (0.9, 9), (0.95, 10), (1.0, 10)])
def test_a_percentile_is_the_nearest_rank(share: float, value: int) -> None:
    assert gates.percentile([*range(10, 0, -1)], share) == value


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("see https://py" + "pi.org/simple", "registry"),
        ("cd /ho" + "me/alice/turnout", "machine"),
        ('root = "/wo' + 'rk/main"', "machine"),
        ("key = sk-ant-api03-" + "aB3dE5fG7hI9" * 3, "key"),
        ("AKIA" + "ABCDEFGH12345678", "key"),
        ("-----BEGIN RSA PRIVATE" + " KEY-----\nMIIE", "key"),
    ],
)
def test_text_that_must_not_be_committed_is_found(text: str, what: str) -> None:
    (broken,) = texts.said("a.md", f"first line\n{text}\n")
    assert (broken.line, what in broken.what) == (2, True)


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost:8080/home/x",
        "~/work/turnout",
        "$HOME/tmp/x",
        "sk-not-a-real-key",
        "sk-...",
        "docs/home/page",
    ],
)
def test_text_that_is_harmless_passes(text: str) -> None:
    assert list(texts.said("a.md", text)) == []


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("static/plotly.min.js", b"x"),
        ("vendor/chart.js", b"x"),
        ("model.gguf", b"x"),
        ("static/app.js", b"x" * 1_001),
        ("data.json", b"x" * 512_001),
    ],
)
def test_a_foreign_asset_is_found(path: str, content: bytes) -> None:
    assert len(list(texts.foreign_asset(path, content))) == 1


def test_source_of_our_own_is_no_foreign_asset() -> None:
    assert list(texts.foreign_asset("static/app.js", b"const a = 1;\n" * 1_000)) == []


def test_a_dead_link_is_found_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A `title`, with (words)\n\n## Twice\n\n## Twice\n")
    text = (
        "[ok](there.md) [ok](there.md#a-title-with-words) [ok](there.md#twice-1) [ok](https://example.com/x.md)\n"
        "`[code](gone.md)`\n```\n[code](gone.md)\n```\n"
        "[file](gone.md) and [heading](there.md#thrice) and [own](#nowhere)\n"
    )
    (tmp_path / "page.md").write_text(text)
    found = texts.dead_links("page.md", text, tmp_path)
    assert [(broken.line, broken.what.split(",")[0]) for broken in found] == [
        (6, "links to gone.md"),
        (6, "links to #thrice"),
        (6, "links to #nowhere"),
    ]
