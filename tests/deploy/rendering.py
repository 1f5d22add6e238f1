"""As much of Helm's templates as the chart uses, so that what it makes can be looked at without Helm."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import yaml

_TAG = re.compile(r"(?P<before>\n[ \t]*)?\{\{(?P<trim>-)?\s*(?P<said>.*?)\s*\}\}")


def rendered(template: str, values: Mapping[str, Any], release: str) -> str:
    """What Helm makes of a template. Raises `ValueError` for what this does not know."""
    scope = {"Values": values, "Release": {"Name": release}}
    return _block(_tokens(template), scope, scope)


def _tokens(template: str) -> list[tuple[str, str]]:
    tokens, end = [], 0
    for match in _TAG.finditer(template):
        before = match["before"] or ""
        tokens.append(("text", template[end : match.start()] + ("" if match["trim"] else before)))
        tokens.append(("tag", match["said"]))
        end = match.end()
    return [*tokens, ("text", template[end:])]


def _block(tokens: list[tuple[str, str]], dot: Any, root: Mapping[str, Any], *, live: bool = True) -> str:
    """Everything up to the end of the block that has begun; where it is not `live`, it is only passed over."""
    made = []
    while tokens:
        kind, said = tokens.pop(0)
        word, _, rest = said.partition(" ")
        if kind == "text":
            made.append(said)
        elif said == "end":
            break
        elif word == "if":
            asked = rest.removeprefix("not ")
            wanted = live and bool(_value(asked, dot, root)) is (asked == rest)
            made.append(_block(tokens, dot, root, live=wanted))
        elif word == "range":
            items = _value(rest, dot, root) if live else []
            made += [_block(list(tokens), item, root) for item in items]
            _block(tokens, dot, root, live=False)
        elif live:
            made.append(str(_value(said, dot, root)))
    return "".join(made) if live else ""


def _value(said: str, dot: Any, root: Mapping[str, Any]) -> Any:
    path, *pipes = (part.strip() for part in said.split("|"))
    value: Any = root if path.startswith("$") else dot
    for name in path.lstrip("$").strip(".").split("."):
        value = value[name] if name else value
    for pipe in pipes:
        value = _piped(value, pipe)
    return value


def _piped(value: Any, pipe: str) -> Any:
    name, _, argument = pipe.partition(" ")
    match name:
        case "indent":
            return "\n".join(" " * int(argument) + line for line in str(value).splitlines())
        case "toYaml":
            return yaml.safe_dump(value, sort_keys=False).rstrip()
        case "sha256sum":
            return hashlib.sha256(str(value).encode()).hexdigest()
    raise ValueError(f"the test's renderer does not know {name}")
