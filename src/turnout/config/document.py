"""A YAML file as plain data that remembers where everything stood.

Stricter than YAML where YAML lets mistakes pass: a key given twice is an error, `yes`, `no`, `on` and `off` are words,
and `22:30` is a time of day and not the number 1350 (YAML 1.2 reads them so, PyYAML alone would not). Environment
variables are put into values, never into keys, and what came from one is remembered so that no error repeats it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from turnout.errors import ConfigError

Path = tuple[str | int, ...]

MAX_NODES: Final = 100_000
"""More values than any configuration has; aliases of aliases can stand for more than a machine holds."""

_VARIABLE: Final = re.compile(r"\$\$(?=\{)|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?")
_CONTAINERS: Final = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_INDENTED: Final = "this line is indented otherwise than those that it belongs to"
_MERGE: Final = "tag:yaml.org,2002:merge"


@dataclass(slots=True)
class Document:
    """What a file says.

    Attributes:
        file: its path as the user gave it.
        data: the values; keys are text, environment variables are in place.
        lines: the line of each key and list item, counted from 1.
        variables: for each value with environment variables in it, the value as it was written.
        missing: the values with a variable that is not set; they are None in `data`.
        errors: everything that is wrong with the file itself.
    """

    file: str | None
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    variables: dict[Path, str] = field(default_factory=dict)
    missing: set[Path] = field(default_factory=set)
    errors: list[ConfigError] = field(default_factory=list)

    def line(self, path: Path) -> int | None:
        """The line of `path`, or of the nearest thing around it that has one."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1 if self.file is not None else None

    def value(self, path: Path) -> Any:
        """What the file says at `path`; None if nothing."""
        found = self.data
        for part in path:
            try:
                found = found[part]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def place(self, key: str) -> Path:
        """The path that `key` is the dotted form of, or of the nearest thing around it that the file has.

        A name may hold dots itself (`gpt-4.1`), so only what is in the file can tell.
        """
        known = {dotted(path): path for path in self.lines}
        while key and key not in known:
            key = key.rpartition(".")[0]
        return known.get(key, ())

    def error(self, path: Path, problem: str, fix: str = "", *, line: int | None = None) -> ConfigError:
        """An error about `path`, with its place; no value from the environment is repeated in it."""
        key = dotted(path) or None
        return ConfigError(problem, fix=fix, file=self.file, line=line or self.line(path), key=key)


def dotted(path: Path) -> str:
    """`routes.support.policy.rules.0.use`."""
    return ".".join(str(part) for part in path)


def read_document(
    text: str, *, file: str | None, env: Mapping[str, str], spared: Callable[[Path], bool] | None = None
) -> Document:
    """Read YAML. What is wrong with it is in the result's `errors`.

    Args:
        text: the YAML.
        file: where it is from, for errors.
        env: the environment.
        spared: whether the value at a place may do without its variables; something stands in for those not set.
    """
    document = Document(file)
    try:
        root = yaml.compose(text, Loader=_Loader)
        document.data = _Builder(document, env, spared).value(root, ()) if root is not None else None
    except RecursionError:
        document.errors.append(document.error((), "it is nested too deeply.", "Close every bracket that is opened."))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        told = error.problem or error.context or "it cannot be parsed"
        problem = f"not valid YAML: {_INDENTED if told.startswith('expected <block end>') else told}."
        document.errors.append(document.error((), problem, _yaml_fix(text, mark), line=mark.line + 1 if mark else None))
    except yaml.YAMLError:
        document.errors.append(document.error((), "not valid YAML: it holds a character that no text may."))
    return document


def _yaml_fix(text: str, mark: yaml.Mark | None) -> str:
    lines = text.splitlines()
    if mark is None or mark.line >= len(lines):
        return "Look for a bracket or quote that is not closed."
    if "\t" in lines[mark.line]:
        return "Indent with spaces, not tabs."
    if "${" in lines[mark.line]:
        return 'Inside of brackets a variable needs quotes: "${NAME}".'
    return "Check the indentation and the quotes there and on the line before."


class _Loader(yaml.SafeLoader):
    """Resolves plain scalars as the core schema of YAML 1.2 does."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as its base declares it


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        re.compile(rf"^(?:{_pattern})$"),
        ["" if char == "\0" else char for char in _first],
    )


class _Builder:
    """Turns nodes into values, noting places and problems on the way."""

    def __init__(self, document: Document, env: Mapping[str, str], spared: Callable[[Path], bool] | None) -> None:
        self._document = document
        self._env = env
        self._spared = spared
        self._open: set[int] = set()
        self._nodes = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES or id(node) in self._open:
            if self._nodes <= MAX_NODES + 1:
                self._complain(path, node, "an alias makes this endless or far too large.", "Write it out.")
                self._nodes = MAX_NODES + 1
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag not in _CONTAINERS:
            self._complain(path, node, f"the tag {node.tag} is not supported.", "Remove it.")
        self._open.add(id(node))
        built = self._sequence(node, path) if isinstance(node, yaml.SequenceNode) else self._mapping(node, path)
        self._open.discard(id(node))
        return built

    def _sequence(self, node: yaml.SequenceNode, path: Path) -> list[Any]:
        built = []
        for index, item in enumerate(node.value):
            self._document.lines[*path, index] = item.start_mark.line + 1
            built.append(self.value(item, (*path, index)))
        return built

    def _mapping(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        built: dict[str, Any] = {}
        own: dict[str, int] = {}
        for key, value, merged in self._pairs(node, path):
            line = key.start_mark.line + 1
            if merged and key.value in built:
                continue
            if key.value in own and not merged:
                problem = f"'{key.value}' is given twice; the first is on line {own[key.value]}."
                self._complain((*path, key.value), key, problem, "Remove one of them.")
                continue
            if not merged:
                own[key.value] = line
            self._document.lines[*path, key.value] = line
            built[key.value] = self.value(value, (*path, key.value))
        return built

    def _pairs(self, node: yaml.Node, path: Path) -> Iterator[tuple[yaml.ScalarNode, yaml.Node, bool]]:
        """The keys and values of a mapping: its own first, then those that `<<` brings."""
        merges: list[yaml.Node] = []
        for key, value in node.value:
            if key.tag == _MERGE:
                merges.extend(value.value if isinstance(value, yaml.SequenceNode) else [value])
            elif isinstance(key, yaml.ScalarNode):
                if "${" in key.value:
                    self._complain(path, key, "a key cannot hold an environment variable.", "Write the key out.")
                yield key, value, False
            else:
                self._complain(path, key, "a key must be plain text.", "Quote it if it starts with [ or {.")
        for merge in merges:
            if not isinstance(merge, yaml.MappingNode) or id(merge) in self._open:
                self._complain(path, merge, "'<<' takes a mapping, or a list of them.", "Name an anchor: `<<: *name`.")
                continue
            yield from ((key, value, True) for key, value, _ in self._pairs(merge, path))

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text: str = node.value
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "str":
                return self._substituted(text, node, path) if "${" in text else text
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text, 0) if text[:2] in {"0x", "0o"} else int(text)
            case "float":
                return float(text.replace(".inf", "inf").replace(".nan", "nan"))
        self._complain(path, node, f"the tag {node.tag} is not supported.", "Remove it.")
        return None

    def _substituted(self, text: str, node: yaml.Node, path: Path) -> str | None:
        self._document.variables[path] = text
        problems: list[tuple[str, str]] = []

        def replace(match: re.Match[str]) -> str:
            if match[0] == "$$":
                return "$"
            name, default = match[1], match[2]
            if name is None:
                problems.append(("'${' does not begin a variable.", "Write ${NAME}, or $${ for a plain ${."))
                return ""
            value = self._env.get(name, "")
            if value or default is not None:
                return value or default
            if self._spared is not None and self._spared(path):
                return f"value-of-{name}-not-set"
            if name not in self._env:
                fix = f"Set it, or give a default: ${{{name}:-...}}."
                problems.append((f"the environment variable {name} is not set.", fix))
            return value

        replaced = _VARIABLE.sub(replace, text)
        for problem, fix in problems:
            self._complain(path, node, problem, fix)
        if problems:
            self._document.missing.add(path)
        return replaced or None

    def _complain(self, path: Path, node: yaml.Node, problem: str, fix: str) -> None:
        line = node.start_mark.line + 1
        self._document.errors.append(self._document.error(path, problem, fix, line=line))
