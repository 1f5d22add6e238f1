"""Fills the generated parts of the documentation from the code: `make docs`.

A page says where: everything between `<!-- generated: NAME -->` and `<!-- end generated -->` is replaced by what the
function of that name in `PARTS` returns. `tests/docs` fails while a page says something else.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_args, get_origin

import msgspec

from docs.reference import commands, ledger_schema, settings, signals
from docs.reference.markdown import code, table
from docs.reference.words import BREAKER, FAILURES, NEEDS, RETRIES, STAGES
from turnout import errors
from turnout.config.defaults import SUGGESTIONS
from turnout.execution.breaker import BreakerSettings
from turnout.execution.retry import RetrySettings
from turnout.execution.verdict import VERDICTS
from turnout.providers.known import KNOWN_PROVIDERS, KnownProvider
from turnout.telemetry.table import METRICS
from turnout.testing import VERBS
from turnout.testing.fault_provider.verb import Stage
from turnout.types import candidate, decision, features
from turnout.types.dialect import Need
from turnout.wire.advisory import Advisory
from turnout.wire.anthropic_messages import errors as anthropic_errors
from turnout.wire.anthropic_messages import limits as anthropic_limits
from turnout.wire.gemini import limits as gemini_limits
from turnout.wire.openai_chat import errors as openai_errors
from turnout.wire.openai_chat import limits as openai_limits
from turnout.wire.openai_responses import limits as responses_limits

DOCS: Final = Path(__file__).parents[1]
PART: Final = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end generated -->)", re.DOTALL)


def suggestions() -> str:
    """What the configuration without a file is made of."""
    rows = (
        (f"`{name}`", code(*KNOWN_PROVIDERS[name].key_env), *map(code, (row.strong, row.cheap)), code(*row.patterns))
        for name, row in SUGGESTIONS.items()
    )
    return table(("provider", "key in", "strong", "cheap", "callers' names"), rows)


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
    lacking = {
        "OpenAI Chat": openai_limits.LACKS,
        "OpenAI Responses": responses_limits.LACKS,
        "Anthropic Messages": anthropic_limits.LACKS,
        "Gemini": gemini_limits.LACKS,
    }
    rows = (
        (
            f"`lacks_{need}`",
            f"The request asks for {NEEDS[need]}.",
            ", ".join(dialect for dialect, lacks in lacking.items() if need in lacks) or "–",
        )
        for need in Need
    )
    return table(("reason", "why", "dialects that cannot say it"), rows)


def metrics() -> str:
    """Every metric, with its labels and buckets."""
    rows = (
        (f"`{metric.name}`", metric.kind, code(*metric.labels) or "–", metric.help, _bounds(metric.buckets))
        for metric in METRICS
    )
    return table(("name", "kind", "labels", "meaning", "buckets up to"), rows)


def _bounds(buckets: tuple[float, ...]) -> str:
    return ", ".join(f"{bound:g}" for bound in buckets) or "–"


# --- Dialects, providers, verbs --------------------------------------------------------------------------------


def advisory() -> str:
    """The fields that a translation leaves out."""
    rows = [
        *_left_out("OpenAI Chat", openai_limits.ADVISORY, openai_limits.ADVISORY_WITHIN),
        *_left_out("OpenAI Responses", responses_limits.ADVISORY, responses_limits.ADVISORY_WITHIN),
        *_left_out("Anthropic Messages", anthropic_limits.ADVISORY, anthropic_limits.ADVISORY_WITHIN),
        *_left_out("either, for Gemini", {}, gemini_limits.ADVISORY_WITHIN),
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
        "commands": commands.commands,
        "decision": decision_fields,
        "drops": drops,
        "errors": error_kinds,
        "failures": failure_kinds,
        "fault-verbs": fault_verbs,
        "ledger-tables": ledger_schema.ledger_tables,
        "metrics": metrics,
        "providers": providers,
        "retries": retry_settings,
        "settings": settings.settings,
        "signals": signals.signals,
        "signal-settings": signals.settings,
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
