#!/usr/bin/env python
"""Fills the generated parts of the documentation from the code: `make docs`.

A page says where: everything between `<!-- generated: NAME -->` and `<!-- end generated -->` is replaced by what the
function of that name in `PARTS` returns. `tests/docs` fails while a page says something else.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_args, get_origin

import msgspec
import typer

from turnout import errors
from turnout.cli.app import app
from turnout.config.defaults import SUGGESTIONS
from turnout.config.json_schema import json_schema
from turnout.execution.breaker import BreakerSettings
from turnout.execution.retry import RetrySettings
from turnout.execution.verdict import VERDICTS
from turnout.providers.known import KNOWN_PROVIDERS, KnownProvider
from turnout.testing import VERBS
from turnout.testing.fault_provider.verb import Stage
from turnout.types import candidate, decision, features
from turnout.types.dialect import Need
from turnout.types.failure import FailureKind
from turnout.wire.advisory import Advisory
from turnout.wire.anthropic_messages import errors as anthropic_errors
from turnout.wire.anthropic_messages import limits as anthropic_limits
from turnout.wire.openai_chat import errors as openai_errors
from turnout.wire.openai_chat import limits as openai_limits

DOCS: Final = Path(__file__).parents[1]
PART: Final = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end generated -->)", re.DOTALL)

NEEDS: Final[Mapping[Need, str]] = MappingProxyType(
    {
        Need.AUDIO: "spoken input or output",
        Need.DOCUMENTS: "files such as a PDF in the conversation",
        Need.IMAGES: "images in the conversation",
        Need.IMAGE_URLS: "images given by their address instead of their data",
        Need.JSON_OBJECT: "an answer that is some JSON object",
        Need.JSON_SCHEMA: "an answer that fits a JSON schema",
        Need.LOGIT_BIAS: "weights on single tokens",
        Need.LOGPROBS: "the probabilities of the answer's tokens",
        Need.MANY_CHOICES: "several answers to one question (`n`)",
        Need.PENALTIES: "frequency and presence penalties",
        Need.REASONING: "reasoning before the answer (thinking)",
        Need.SEED: "sampling that can be repeated",
        Need.SERVER_TOOLS: "tools that the provider runs itself",
        Need.TOOLS: "function tools",
        Need.TOP_K: "sampling from the k likeliest tokens",
    }
)
FAILURES: Final[Mapping[FailureKind, str]] = MappingProxyType(
    {
        FailureKind.CONNECT_FAILED: "refused, no such host, or TLS failed",
        FailureKind.CONNECT_TIMEOUT: "no connection within `connect`",
        FailureKind.CONNECTION_LOST: "the connection broke before the answer was complete",
        FailureKind.FIRST_TOKEN_TIMEOUT: "nothing meaningful within `first_token`",
        FailureKind.IDLE_TIMEOUT: "silence in the middle of a stream for `idle`",
        FailureKind.ANSWER_TIMEOUT: "no whole answer within `answer`",
        FailureKind.DEADLINE: "the request's `total` passed",
        FailureKind.TRUNCATED: "the stream ended without a finish signal",
        FailureKind.NOT_AN_ANSWER: "status 200 and no answer: HTML, nothing, an error as JSON",
        FailureKind.MALFORMED: "an event or a body that is not of the dialect",
        FailureKind.ERROR_EVENT: "an error event within a stream",
        FailureKind.SERVER_ERROR: "status 408, 409, 5xx",
        FailureKind.OVERLOADED: "status 503, 529, or an overload told in a stream",
        FailureKind.RATE_LIMITED: "status 429",
        FailureKind.QUOTA_EXHAUSTED: "our account has no money or quota left",
        FailureKind.AUTHENTICATION: "status 401, 403: our key is not accepted",
        FailureKind.BAD_REQUEST: "status 400, 422 and the other 4xx",
        FailureKind.CONTEXT_LENGTH: "the input is too long for this model",
        FailureKind.CONTENT_POLICY: "the provider's content filter",
        FailureKind.NOT_FOUND: "status 404: no such model",
        FailureKind.REDIRECTED: "status 3xx: a redirect is never followed",
        FailureKind.CANCELLED: "the caller left",
    }
)
BREAKER: Final = MappingProxyType(
    {
        "consecutive": "It opens after so many failures in a row,",
        "ratio": "or when this share of the calls failed,",
        "minimum": "of at least so many calls",
        "window": "within so many seconds.",
        "cooldown": "It stays open for so many seconds; then one call probes the target.",
    }
)
RETRIES: Final = MappingProxyType(
    {
        "attempts": "At most so many attempts at one target, the first included.",
        "base": "The scale of the pause in seconds: drawn at random, doubling with each attempt.",
        "longest": "No pause is longer, in seconds; a provider that asks for more is not asked again.",
    }
)
STAGES: Final = MappingProxyType(
    {
        Stage.CONNECTION: "The port and the connection",
        Stage.ANSWER: "What is said",
        Stage.RESPONSE: "Something else is said instead",
        Stage.EVENT: "The events of the body",
        Stage.TIME: "When it comes, and whether",
        Stage.BYTES: "The bytes of the body",
        Stage.HEAD: "The head and the framing",
    }
)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    lines = [list(head), *([str(cell) for cell in row] for row in rows)]
    told = ["| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([told[0], "|" + " --- |" * len(lines[0]), *told[1:]])


def code(*words: object) -> str:
    """Each word as code."""
    return ", ".join(f"`{word}`" for word in words)


# --- The configuration -----------------------------------------------------------------------------------------


def settings() -> str:
    """Every mapping of the configuration with its keys, each before what is in it."""
    return "\n\n".join(_section(path, node) for path, node in every_mapping())


def every_mapping() -> list[tuple[str, dict[str, Any]]]:
    """Where each mapping stands (dotted; `[]` is any item, `NAME` any key, `POLICY` any policy), and its schema."""
    schema = json_schema()
    found = {"turnout.yaml": ("turnout.yaml", schema)}
    _find(schema, "", schema["$defs"], found)
    return list(found.values())


def _section(path: str, node: dict[str, Any]) -> str:
    required = node.get("required", ())
    rows = (
        (f"`{key}`", _type(said), _default(key, said, required), _meaning(said))
        for key, said in node["properties"].items()
    )
    return f"### `{path}`\n\n{_meaning(node)}\n\n{table(('key', 'type', 'default', 'meaning'), rows)}"


def _find(node: Any, path: str, named: dict[str, Any], found: dict[str, tuple[str, dict[str, Any]]]) -> None:
    """Add the mappings that a value may be; each only where it is met first."""
    if not isinstance(node, dict):
        return
    if _is_policy(node):
        node, path = _one_policy(node, named), "POLICY"
        name: str | None = "POLICY"
    else:
        name = node["$ref"].rpartition("/")[2] if "$ref" in node else None
        node = node if name is None else named[name]
    if name is not None and "properties" in node:
        if name in found:
            return
        found[name] = (path, node)
    for key, said in node.get("properties", {}).items():
        _find(said, f"{path}.{key}".lstrip("."), named, found)
    for one in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        _find(one, path, named, found)
    _find(node.get("items"), f"{path}[]", named, found)
    _find(node.get("additionalProperties"), f"{path}.NAME", named, found)


def _kinds(node: dict[str, Any]) -> list[str]:
    """The names of the definitions that a value may be."""
    return [one["$ref"].rpartition("/")[2] for one in (node, *node.get("oneOf", ())) if "$ref" in one]


def _is_policy(node: dict[str, Any]) -> bool:
    return "RulesSpec" in _kinds(node)


def _one_policy(node: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    """A policy as one mapping: its kinds are the keys, of which it has exactly one."""
    keys = {
        key: {**said, "description": " ".join(named[kind]["description"].split())}
        for kind in _kinds(node)
        for key, said in named[kind].get("properties", {}).items()
    }
    told = "A policy that is neither a target's name nor a list has exactly one of these keys."
    return {"description": told, "properties": keys}


def _type(node: dict[str, Any]) -> str:
    """What a value may be, in words."""
    if _is_policy(node):
        return "policy"
    several = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    if several:
        kinds = dict.fromkeys(_type(one) for one in several if one != {"type": "null"})
        return " or ".join(kinds)
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return {"Need": "need", "When": "condition"}.get(name, "mapping")
    if "enum" in node:
        return " or ".join(f"`{value}`" for value in node["enum"])
    if "pattern" in node and "ms" in node["pattern"]:
        return "duration"
    if "pattern" in node and "GiB" in node["pattern"]:
        return "size"
    match node.get("type"):
        case "array":
            return f"list of {_type(node['items'])}"
        case "object":
            inner = node.get("additionalProperties")
            return f"mapping of names to {_type(inner)}" if isinstance(inner, dict) else "mapping"
        case "string":
            return "secret" if node.get("format") == "password" else "text"
        case list() as several_kinds:
            return " or ".join(_type({"type": kind}) for kind in several_kinds)
        case kind:
            return {"integer": "whole number", "boolean": "true or false"}.get(str(kind), str(kind))


def _default(key: str, node: dict[str, Any], required: Iterable[str]) -> str:
    if key in required:
        return "required"
    value = node.get("default")
    if value is None:
        return "–"
    return f"`{value if isinstance(value, str) else msgspec.json.encode(value).decode()}`"


def _meaning(node: dict[str, Any]) -> str:
    if "description" not in node and "$ref" in node:
        return _meaning(json_schema()["$defs"][node["$ref"].rpartition("/")[2]])
    return " ".join(node["description"].split())


def suggestions() -> str:
    """What the configuration without a file is made of."""
    rows = (
        (f"`{name}`", code(*KNOWN_PROVIDERS[name].key_env), *map(code, (row.strong, row.cheap)), code(*row.patterns))
        for name, row in SUGGESTIONS.items()
    )
    return table(("provider", "key in", "strong", "cheap", "callers' names"), rows)


# --- The commands ----------------------------------------------------------------------------------------------


def commands() -> str:
    """Every command with its arguments and options."""
    return "\n\n".join(_command(path, command) for path, command in every_command())


def every_command() -> list[tuple[str, Any]]:
    """The words that call each command, and the command, groups before what is in them."""
    return list(_commands("turnout", typer.main.get_command(app)))


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(f"{path} {name}", inner)


def _command(path: str, command: Any) -> str:
    told = re.sub(r"\[/?\w+\]", "", (command.help or "").strip())
    prose, *examples = re.split(r"(?:\x08|\\b)\n", told)
    parts = [f"## `{path}`", prose.strip()]
    for example in examples:
        lines, _, after = example.partition("\n\n")
        parts += [f"```console\n{_prompted(lines)}\n```", after.strip()]
    rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        parts.append(table(("", "value", "default", "meaning"), rows))
    return "\n\n".join(part for part in parts if part)


def _prompted(lines: str) -> str:
    said = (line.strip() for line in lines.strip().splitlines())
    return "\n".join(f"$ {line}" if re.match(r"turnout|curl", line) else line for line in said)


def _parameter(parameter: Any) -> tuple[str, str, str, str]:
    is_argument = parameter.param_type_name == "argument"
    name = code(parameter.metavar or parameter.name.upper()) if is_argument else code(*parameter.opts)
    default = "required" if parameter.required else "–"
    if isinstance(parameter.default, str | int | Path) and parameter.default is not False:
        default = f"`{parameter.default}`"
    kind = "flag" if getattr(parameter, "is_flag", False) else _value(parameter.type_descriptor.annotation)
    return name, kind, default, getattr(parameter, "help", "") or ""


def _value(annotation: Any) -> str:
    if get_args(annotation):
        return " or ".join(f"`{one}`" for one in get_args(annotation))
    return {int: "number", Path: "path"}.get(annotation, "text")


# --- The record ------------------------------------------------------------------------------------------------


def decision_fields() -> str:
    """Every field of the record and of what is in it."""
    shown = (
        ("The decision", decision.Decision),
        ("`attempts[]`", decision.Attempt),
        ("`considered[]`", candidate.Considered),
        ("`dropped[]`", candidate.Dropped),
        ("`features`", features.Features),
    )
    return "\n\n".join(f"## {title}\n\n{table(('field', 'type', 'meaning'), fields(kind))}" for title, kind in shown)


def fields(kind: type[msgspec.Struct]) -> list[tuple[str, str, str]]:
    """Each field of a struct, its JSON type and its meaning.

    Raises:
        KeyError: the struct's docstring says nothing of it.
    """
    meanings = attributes(kind.__doc__ or "")
    return [(f"`{each.name}`", _json_type(each.type), meanings[each.name]) for each in msgspec.structs.fields(kind)]


def attributes(docstring: str) -> dict[str, str]:
    """What the `Attributes` section of a docstring says of each name."""
    _, _, section = inspect.cleandoc(docstring).partition("Attributes:\n")
    found: dict[str, str] = {}
    for entry in re.findall(r"^ {4}(\w+(?:, \w+)*): (.*(?:\n {8}.*)*)", section, re.MULTILINE):
        for name in entry[0].split(", "):
            said = re.sub(r"\bNone\b", "null", " ".join(entry[1].split()))
            found[name] = said[0].upper() + said[1:]
    return found


def _json_type(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return f"list of {_json_type(get_args(kind)[0])}"
    options = [option for option in get_args(kind) if option is not type(None)]
    if type(None) in get_args(kind):
        return f"{_json_type(options[0])} or null"
    if options and isinstance(options[0], str):
        return " or ".join(f"`{option}`" for option in options)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return "object"
    names = {str: "string", bool: "true or false", int: "integer", float: "number", Decimal: "number, exact"}
    return names.get(kind, "object")


# --- Errors and failures ---------------------------------------------------------------------------------------


def error_kinds() -> str:
    """Every error that ends a request, as each dialect tells it."""
    head = ("kind", "meaning", "exception", "OpenAI", "Anthropic", "SDK may retry")
    return table(head, (_error(kind) for kind in request_errors()))


def request_errors() -> list[type[errors.RequestFailed]]:
    """The errors that a caller can meet, in the order of the tree."""
    return [kind for kind in _below(errors.RequestFailed) if "kind" in vars(kind)]


def _below(kind: type[errors.RequestFailed]) -> Iterator[type[errors.RequestFailed]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def _error(kind: type[errors.RequestFailed]) -> tuple[str, ...]:
    meaning = (kind.__doc__ or "").split("\n\n")[0]
    if kind is errors.UpstreamRejected:
        openai = anthropic = "the provider's own"
    else:
        ours, theirs = openai_errors.SHAPES[kind.kind], anthropic_errors.SHAPES[kind.kind]
        openai, anthropic = f"{ours.status} `{ours.type}` `{ours.code}`", f"{theirs.status} `{theirs.type}`"
    retry = "once nobody has" if kind.retryable else "no"
    return f"`{kind.kind}`", meaning, f"`{kind.__name__}`", openai, anthropic, retry


def failure_kinds() -> str:
    """What follows from each kind of failure."""
    rows = (
        (f"`{kind}`", FAILURES[kind], *("yes" if held else "–" for held in verdict))
        for kind, verdict in VERDICTS.items()
    )
    return table(("kind", "what happened", "next target", "retry", "breaker counts it", "may be billed"), rows)


def breaker_settings() -> str:
    """When a breaker opens, and for how long."""
    return _constants(BreakerSettings(), BREAKER)


def retry_settings() -> str:
    """When the same target is tried again."""
    return _constants(RetrySettings(), RETRIES)


def _constants(values: msgspec.Struct, meanings: Mapping[str, str]) -> str:
    rows = ((f"{value:g}", meanings[name]) for name, value in msgspec.structs.asdict(values).items())
    return table(("value", "meaning"), rows)


def drops() -> str:
    """Each reason that a lack gives."""
    lacking = {"OpenAI Chat": openai_limits.LACKS, "Anthropic Messages": anthropic_limits.LACKS}
    rows = (
        (
            f"`lacks_{need}`",
            f"The request asks for {NEEDS[need]}.",
            ", ".join(dialect for dialect, lacks in lacking.items() if need in lacks) or "–",
        )
        for need in Need
    )
    return table(("reason", "why", "dialects that cannot say it"), rows)


# --- Dialects, providers, verbs --------------------------------------------------------------------------------


def advisory() -> str:
    """The fields that a translation leaves out."""
    rows = [
        *_left_out("OpenAI Chat", openai_limits.ADVISORY, openai_limits.ADVISORY_WITHIN),
        *_left_out("Anthropic Messages", anthropic_limits.ADVISORY, anthropic_limits.ADVISORY_WITHIN),
    ]
    return table(("request in", "field", "with", "why it may be left out"), rows)


def _left_out(dialect: str, whole: Mapping[str, Advisory], within: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    for name, said in whole.items():
        values = code(*(msgspec.json.encode(value).decode() for value in said.only)) if said.only else "any value"
        yield dialect, f"`{name}`", values, said.reason
    for name, reason in within.items():
        yield dialect, f"`{name}`", "any value", reason


def providers() -> str:
    """Every provider known by name."""
    return table(("name", "dialect", "base URL", "key in", "lacks", "prices"), map(_provider, KNOWN_PROVIDERS.values()))


def _provider(row: KnownProvider) -> tuple[str, ...]:
    key = code(*row.key_env) + ("" if row.needs_key else " if it wants one")
    lacks = code(*sorted(row.lacks)) + ("" if row.stream_usage else f"{', ' if row.lacks else ''}`stream_usage`")
    where = f"`{row.base_url}`" if row.base_url else "your own: `base_url`"
    listed = f"`{row.price_provider}`" if row.price_provider else "give `price`"
    return f"`{row.name}`", f"`{row.dialect}`", where, key if row.key_env else "none", lacks or "–", listed


def fault_verbs() -> str:
    """What the fault provider can do wrong, by stage."""
    parts = []
    for stage in Stage:
        rows = [
            (f"`{verb.signature}`", verb.meaning, verb.only or "any") for verb in VERBS.values() if verb.stage is stage
        ]
        parts.append(f"### {STAGES[stage]}\n\n{table(('verb', 'what it does', 'for'), rows)}")
    return "\n\n".join(parts)


PARTS: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "advisory": advisory,
        "breaker": breaker_settings,
        "commands": commands,
        "decision": decision_fields,
        "drops": drops,
        "errors": error_kinds,
        "failures": failure_kinds,
        "fault-verbs": fault_verbs,
        "providers": providers,
        "retries": retry_settings,
        "settings": settings,
        "suggestions": suggestions,
    }
)


def filled(page: str) -> str:
    """The page with each of its generated parts made anew."""

    def fresh(part: re.Match[str]) -> str:
        return f"{part.group(1)}\n{PARTS[part['name']]()}\n\n{part.group(3)}"

    return PART.sub(fresh, page)


def main() -> None:
    """Fill every page."""
    for file in sorted(DOCS.rglob("*.md")):
        page = file.read_text(encoding="utf-8")
        made = filled(page)
        if made != page:
            file.write_text(made, encoding="utf-8")
            sys.stdout.write(f"filled {file.relative_to(DOCS.parent)}\n")


if __name__ == "__main__":
    main()
