"""The configuration in effect, setting by setting, with where each came from. Secrets are masked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from turnout.config.document import Path, dotted
from turnout.config.load import LoadedConfig
from turnout.config.providers import ProviderSettings
from turnout.config.schema import DIALECTS

MASK: Final = "**********"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in effect.

    Attributes:
        key: its dotted path.
        value: its value; a secret is masked.
        origin: `FILE:LINE`, with the variables that it was made of; `environment NAME`; `known provider`; `default`.
    """

    key: str
    value: str | int | float | bool | None
    origin: str


def settings(loaded: LoadedConfig) -> tuple[Setting, ...]:
    """Every setting in effect, in the order of the sections."""
    data = loaded.config.model_dump(mode="json", by_alias=True, exclude_none=True)
    data["providers"] = {name: _provider(provider) for name, provider in loaded.providers.items()}
    return tuple(
        Setting(dotted(path), value, _origin(loaded, path)) for path, value in _leaves(data, ()) if value is not None
    )


def _provider(provider: ProviderSettings) -> dict[str, Any]:
    dialect = next(name for name, dialect in DIALECTS.items() if dialect is provider.dialect)
    return {
        "dialect": dialect,
        "base_url": provider.base_url,
        "api_key": MASK if provider.api_key else None,
        "stream_usage": provider.stream_usage,
    }


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value


def _origin(loaded: LoadedConfig, path: Path) -> str:
    document = loaded.document
    if path in document.lines:
        place = f"{document.file or 'text'}:{document.lines[path]}"
        return f"{place} as {document.variables[path]}" if path in document.variables else place
    if path[0] == "providers":
        variable = loaded.providers[str(path[1])].key_from
        return f"environment {variable}" if path[2] == "api_key" and variable else "known provider"
    if document.file is None and document.value(path) is not None:
        return "keys in the environment"
    return "default"
