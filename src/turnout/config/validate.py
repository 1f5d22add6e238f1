"""From plain data to the model, with every error at its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import ValidationError

from turnout.config.document import Document, Path
from turnout.config.flags import variants_given
from turnout.config.json_schema import known_keys
from turnout.config.schema import Config
from turnout.config.tenants import tenant_names
from turnout.config.values import Names, Wrong, did_you_mean
from turnout.errors import ConfigError
from turnout.providers.known import KNOWN_PROVIDERS

_FIXES: Final[Mapping[str, str]] = {
    "string_type": "Put it in quotes.",
    "int_parsing": "Write a whole number.",
    "int_type": "Write a whole number.",
    "int_from_float": "Write a whole number.",
    "float_parsing": "Write a number.",
    "float_type": "Write a number.",
    "decimal_parsing": "Write a number, in USD per million tokens.",
    "decimal_type": "Write a number, in USD per million tokens.",
    "bool_parsing": "Write true or false.",
    "bool_type": "Write true or false.",
    "list_type": "Write a list: [one, two].",
    "model_attributes_type": "Write `key: value` lines, indented.",
    "dict_type": "Write `key: value` lines, indented.",
    "model_type": "Write `key: value` lines, indented.",
    "literal_error": "Write one of them.",
    "policy": "Write a target's name, [first, second], or one of the keys.",
}


def validate(document: Document, directory: FilePath) -> tuple[Config | None, list[ConfigError]]:
    """The configuration that `document` describes, and everything that is wrong with it, in the order of the lines.

    Args:
        document: what the file says.
        directory: where the files that it names are looked for.
    """
    errors = list(document.errors)
    if document.data is None and errors:
        return None, errors
    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        errors.append(document.error((), "a configuration is a mapping.", "Start with `targets:`."))
        return None, errors
    names = Names(
        providers=_keys_of(data, "providers"),
        targets=_keys_of(data, "targets"),
        flags=variants_given(data),
        directory=directory,
        tenants=tenant_names(data.get("tenants")),
    )
    config: Config | None = None
    try:
        config = Config.model_validate(data, context=names)
    except ValidationError as error:
        told: set[tuple[Path, str]] = set()
        for details in error.errors(include_url=False, include_input=False):
            path = _path(details["loc"], document)
            found = _config_error(details, path, document)
            if path not in document.missing and (path, found.problem) not in told:
                told.add((path, found.problem))
                errors.append(found)
    errors.extend(_incomplete_providers(document))
    errors.sort(key=lambda error: error.line or 0)
    return (None if errors else config), errors


def _incomplete_providers(document: Document) -> Iterator[ConfigError]:
    """What a provider does not say and no table knows: its name tells, which its own validator never sees."""
    providers = document.value(("providers",))
    for name, given in providers.items() if isinstance(providers, dict) else ():
        path, known = ("providers", name), KNOWN_PROVIDERS.get(name)
        said = {
            *(given if isinstance(given, dict) else {}),
            *(each[-1] for each in document.missing if each[:2] == path),
        }
        if known is None and not {"dialect", "base_url"} <= said:
            problem = f"the provider '{name}' is not a known one, so it needs `dialect` and `base_url`."
            yield document.error(path, problem, did_you_mean(name, KNOWN_PROVIDERS))
        if known is not None and known.base_url is None and "base_url" not in said:
            yield document.error(path, f"the provider '{name}' needs `base_url`.", "Everyone has their own there.")


def _keys_of(data: dict[str, Any], section: str) -> frozenset[str]:
    return frozenset(data[section]) if isinstance(data.get(section), dict) else frozenset()


def _path(loc: tuple[str | int, ...], document: Document) -> Path:
    """The place in the file: pydantic also names the form that it tried, and the item that was made a list."""
    path = tuple(part for part in loc if not (isinstance(part, str) and _names_an_alternative(part)))
    while path and isinstance(path[-1], int) and not isinstance(document.value(path[:-1]), list):
        path = path[:-1]
    return path


def _names_an_alternative(part: str) -> bool:
    return part == "[key]" or part.startswith("<")


def _config_error(details: Mapping[str, Any], path: Path, document: Document) -> ConfigError:
    problem, fix = _words(details, path)
    written, value = document.variables.get(path), document.value(path)
    if written is not None and isinstance(value, str):
        problem, fix = problem.replace(value, written), fix.replace(value, written)
    return document.error(path, problem, fix)


def _words(details: Mapping[str, Any], path: Path) -> tuple[str, str]:
    context: Mapping[str, Any] = details.get("ctx", {})
    match details["type"]:
        case "value_error" if isinstance(context["error"], Wrong):
            return context["error"].problem, context["error"].fix
        case "missing":
            return f"'{path[-1]}' is missing.", "Add it."
        case "extra_forbidden":
            return _unknown_key(path)
        case "too_short":
            return f"it needs {context['min_length']} or more.", "Add what is missing."
        case "string_too_short" | "string_pattern_mismatch":
            return "it is empty.", "Write something, or remove it."
        case kind:
            said = details["msg"].partition(" or instance of ")[0].partition(", unable to")[0]
            said = said.removeprefix("Input ").removeprefix("Value ").rstrip(".").replace("valid dictionary", "mapping")
            return f"it {said}." if said.startswith("should") else f"{said}.", _FIXES.get(kind, "")


def _unknown_key(path: Path) -> tuple[str, str]:
    key = str(path[-1])
    return f"unknown key '{key}'.", did_you_mean(key, known_keys(path[:-1]))
