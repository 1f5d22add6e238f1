"""What the pages tell their reader to write and to type is what the code takes."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.reference.commands import every_command
from tests.docs.pages import PAGES, ROOT, Block, Command, blocks, calls, commands, name_of
from turnout.config.load import load_config_text
from turnout.config.schema import Config
from turnout.providers.known import KNOWN_PROVIDERS

COMMANDS = dict(every_command())


class PlainWords(yaml.SafeLoader):
    """Reads `on` and `off` as the words that they are in a configuration."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way
        first: [(tag, pattern) for tag, pattern in resolvers if not (tag.endswith(":bool") and first in "oOyYnN")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def configurations() -> list[Any]:
    """Every block that looks like a configuration or a part of one, completed by the page's first complete one."""
    found = []
    for page in PAGES:
        whole: dict[str, Any] = _example_of(page)
        for block in blocks(page, "yaml"):
            said = yaml.load(block.text, PlainWords)
            if not isinstance(said, dict) or not said.keys() <= Config.model_fields.keys():
                continue
            if "targets" in said and (not whole or "providers" in said):
                whole = said
            found.append(pytest.param(block, {**whole, **said}, id=str(block)))
    return found


def _example_of(page: Path) -> dict[str, Any]:
    """The configuration that a page of a worked pattern is about."""
    linked = re.search(r"\]\((\S+examples/\S+\.yaml)\)", page.read_text(encoding="utf-8"))
    example: dict[str, Any] = yaml.safe_load((page.parent / linked[1]).read_text("utf-8")) if linked else {}
    return example


def command_lines() -> list[Any]:
    every = [command for page in PAGES for block in blocks(page, "sh", "console") for command in commands(block)]
    asked = [command for command in every if re.search(r"\bturnout\b", command.line)]
    return [pytest.param(command, id=f"{command.block}-{number}") for number, command in enumerate(asked)]


@pytest.mark.parametrize(("block", "said"), configurations())
def test_every_configuration_on_a_page_is_sound(block: Block, said: dict[str, Any], tmp_path: Path) -> None:
    env = {variable: "key" for row in KNOWN_PROVIDERS.values() for variable in row.key_env}
    text = yaml.safe_dump(said, sort_keys=False)
    env |= {name: f"http://127.0.0.1:9000/{name}/v1" for name in re.findall(r"\$\{(\w+)\}", text)}
    for name in re.findall(r"file: (\S+\.txt)", text):
        (tmp_path / name).write_text("a phrase\n", "utf-8")
    loaded = load_config_text(text, env, tmp_path)
    assert set(loaded.config.targets) == set(said["targets"])


@pytest.mark.parametrize("command", command_lines())
def test_every_command_on_a_page_is_one_with_such_options(command: Command) -> None:
    for arguments in calls(re.sub(r"\.venv/bin/", "", command.line), "turnout"):
        _parse("turnout", arguments)


def test_a_command_with_a_made_up_option_is_found() -> None:
    with pytest.raises(Exception, match=r"--colour"):
        _parse("turnout", ["decisions", "--colour", "red"])
    with pytest.raises(Exception, match="nonsense"):
        _parse("turnout", ["nonsense"])


def _parse(path: str, arguments: list[str]) -> None:
    """Parse as the program would, without running anything."""
    command = COMMANDS[path]
    inner = getattr(command, "commands", {})
    with command.make_context(path, list(arguments)) as context:
        rest = [*getattr(context, "_protected_args", ()), *context.args]
    if rest and inner:
        assert rest[0] in inner, f"{path} has no command {rest[0]}"
        _parse(f"{path} {rest[0]}", rest[1:])


@pytest.mark.parametrize("block", [pytest.param(b, id=str(b)) for page in PAGES for b in blocks(page, "python")])
def test_every_python_sample_is_valid_and_imports_what_there_is(block: Block) -> None:
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "turnout":
            module = importlib.import_module(node.module or "")
            missing = [name.name for name in node.names if not hasattr(module, name.name)]
            assert not missing, f"{block}: {node.module} has no {missing}"


def test_every_target_of_make_on_a_page_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        lines = [command.line for block in blocks(page, "sh", "console") for command in commands(block)]
        said = {target for line in lines for target in re.findall(r"\bmake ([a-z-]+)", line)}
        said |= set(re.findall(r"`make ([a-z-]+)", page.read_text("utf-8")))
        assert said <= targets, name_of(page)
