"""The reference says what the code says, and leaves nothing out."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from docs.reference import commands, generate, settings
from tests.docs.pages import PAGES, ROOT, name_of
from turnout.providers.known import KNOWN_PROVIDERS
from turnout.testing import VERBS
from turnout.types.dialect import Need
from turnout.types.failure import FailureKind

SOURCE = ROOT / "src" / "turnout"
REFERENCE = ROOT / "docs" / "reference"


def strings_of(*paths: str) -> Iterator[str]:
    """Every string that is written in these modules or packages, docstrings among them."""
    for path in paths:
        files = [SOURCE / path] if path.endswith(".py") else sorted((SOURCE / path).rglob("*.py"))
        for file in files:
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def undocumented(words: set[str], page: str) -> set[str]:
    text = (REFERENCE / page).read_text("utf-8")
    return {word for word in words if f"`{word}`" not in text}


@pytest.mark.parametrize("page", [pytest.param(page, id=name_of(page)) for page in PAGES])
def test_no_generated_part_is_stale(page: Path) -> None:
    text = page.read_text("utf-8")
    assert generate.filled(text) == text, f"{name_of(page)} differs from the code: run `make docs`"


def test_every_generated_part_is_on_a_page() -> None:
    shown = {match["name"] for page in PAGES for match in generate.PART.finditer(page.read_text("utf-8"))}
    assert shown == set(generate.PARTS)


def test_every_setting_is_documented_in_its_place() -> None:
    page = (REFERENCE / "configuration.md").read_text("utf-8")
    for path, node in settings.every_mapping():
        section = page.partition(f"### `{path}`\n")[2].partition("\n###")[0]
        assert [key for key in node["properties"] if f"\n| `{key}` |" not in section] == [], path


def test_a_setting_without_a_description_cannot_be_generated() -> None:
    with pytest.raises(KeyError):
        settings._section("routes", {"description": "Routes.", "properties": {"new": {"type": "string"}}})


def test_a_field_of_the_record_without_a_meaning_cannot_be_generated() -> None:
    class Recorded(msgspec.Struct):
        """Something.

        Attributes:
            id: which one.
        """

        id: str
        colour: str

    with pytest.raises(KeyError, match="colour"):
        generate.fields(Recorded)


def test_every_command_and_option_is_documented() -> None:
    page = (REFERENCE / "cli.md").read_text("utf-8")
    for path, command in commands.every_command():
        section = page.partition(f"## `{path}`\n")[2].partition("\n## ")[0]
        options = [option for each in command.params if each.name != "help" for option in each.opts]
        assert [option for option in options if option.startswith("-") and f"`{option}`" not in section] == [], path


def test_every_command_has_an_example_and_every_option_a_meaning() -> None:
    for path, command in commands.every_command():
        if not getattr(command, "commands", {}):
            assert f"\n{path}" in command.help, f"{path} has no example"
        meant = {each.name: getattr(each, "help", "") for each in command.params if each.name != "help"}
        assert [name for name, help_ in meant.items() if not help_] == [], path


def test_every_header_that_is_read_or_sent_is_documented() -> None:
    name = re.compile(r"(?:x-[a-z-]+|[a-z-]*request-id|retry-after|anthropic-[a-z]+|openai-[a-z]+|authorization)")
    used = strings_of("server", "router", "wire/error_headers.py", "providers/endpoint.py")
    headers = {text for text in used if name.fullmatch(text)}
    assert {"x-turnout-decision", "x-turnout-user", "x-should-retry", "retry-after"} <= headers
    assert undocumented(headers, "headers.md") - {"x-turnout-"} == set()


def test_every_environment_variable_is_documented() -> None:
    variables = {text for text in strings_of(".") if re.fullmatch(r"TURNOUT_[A-Z_]+", text)}
    assert {"TURNOUT_CONFIG", "TURNOUT_DATA_DIR"} <= variables
    assert undocumented(variables, "configuration.md") == set()


def test_every_error_kind_is_documented_with_its_exception() -> None:
    kinds = {kind for error in generate.request_errors() for kind in (error.kind, error.__name__)}
    assert undocumented(kinds, "errors.md") == set()


def test_every_reason_of_a_drop_or_a_candidate_is_documented() -> None:
    said: set[str] = set()
    for text in strings_of("policy/filters.py", "execution/executor.py", "config/compile.py"):
        said |= set(re.findall(r"^[a-z]+(?:_[a-z]+)+$|^(?:rule|weighted|fallback):", text))
    reasons = {text for text in said if not text.endswith(":")} - _NO_REASONS
    assert {"breaker_open", "context_too_small", "already_tried", "last_resort"} <= reasons
    assert undocumented(reasons, "drop-reasons.md") == set()
    page = (REFERENCE / "drop-reasons.md").read_text("utf-8")
    assert [kind for kind in said if kind.endswith(":") and f"`{kind}" not in page] == []


_NO_REASONS = {"any_", "all_", "not_", "latency_budget", "first_token"}
"""Words of these modules that are settings."""


def test_every_provider_need_failure_and_verb_is_on_its_page() -> None:
    assert undocumented(set(KNOWN_PROVIDERS), "providers.md") == set()
    assert undocumented({f"lacks_{need}" for need in Need}, "drop-reasons.md") == set()
    verbs = (REFERENCE / "fault-verbs.md").read_text("utf-8")
    assert [name for name in VERBS if not re.search(rf"`{name}[(`]", verbs)] == []
    failures = (ROOT / "docs/explanation/resilience.md").read_text("utf-8")
    assert [kind for kind in FailureKind if f"| `{kind}` |" not in failures] == []


def test_every_optional_dependency_that_an_error_names_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert _extras_asked_for() <= set(project["optional-dependencies"])


def _extras_asked_for() -> set[str]:
    found: set[str] = set()
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="MissingExtra"), args=[_, ast.Constant(value=extra)]):
                    found.add(_text(extra))
    return found


def _text(value: Any) -> str:
    assert isinstance(value, str)
    return value
