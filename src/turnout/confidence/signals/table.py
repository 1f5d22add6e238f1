"""The signals, by name, and how one is made from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

import msgspec

from turnout.confidence.signal import Signal
from turnout.confidence.signals.agreement import Agreement, Embed
from turnout.confidence.signals.form import SchemaInvalid, ToolsInvalid
from turnout.confidence.signals.judge import Judge
from turnout.confidence.signals.language import Detect, LanguageDiffers
from turnout.confidence.signals.logprobs import (
    FirstToken,
    LogprobMargin,
    MeanLogprob,
    MinLogprob,
    QuantileLogprob,
    TokenEntropy,
)
from turnout.confidence.signals.measure import Named
from turnout.confidence.signals.p_true import PTrue
from turnout.confidence.signals.scored import HttpScore, PythonScore
from turnout.confidence.signals.shape import AnswerChars, Empty, Hedging, Refused, Truncated
from turnout.confidence.signals.stated import StatedConfidence
from turnout.errors import ConfigError

KIND: Final = "signal"
"""The setting that says which signal it is, where its name is another."""

SIGNALS: Final[Mapping[str, type[Named]]] = MappingProxyType(
    {
        "mean_logprob": MeanLogprob,
        "min_logprob": MinLogprob,
        "quantile_logprob": QuantileLogprob,
        "logprob_margin": LogprobMargin,
        "token_entropy": TokenEntropy,
        "first_token": FirstToken,
        "truncated": Truncated,
        "refused": Refused,
        "hedging": Hedging,
        "empty": Empty,
        "answer_chars": AnswerChars,
        "schema_invalid": SchemaInvalid,
        "tools_invalid": ToolsInvalid,
        "language_differs": LanguageDiffers,
        "stated_confidence": StatedConfidence,
        "p_true": PTrue,
        "agreement": Agreement,
        "judge": Judge,
        "python": PythonScore,
        "http": HttpScore,
    }
)
"""Every signal; what each measures is its docstring, and its settings are its fields."""


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What signals are handed, since they import no neighbour.

    Attributes:
        detect: tells a text's language (`turnout.features.language.detect_language`).
        embed: turns texts into vectors, for agreement by meaning.
    """

    detect: Detect | None = None
    embed: Embed | None = None


def signal_named(name: str, settings: Mapping[str, Any] | None = None, *, abilities: Abilities | None = None) -> Signal:
    """Make a signal.

    Args:
        name: what it is to be called; one of `SIGNALS`, unless the settings say which it is under `signal`.
        settings: its settings, as the configuration gives them.
        abilities: what it is handed.

    Raises:
        ConfigError: there is no such signal, or a setting is wrong or missing.
    """
    given = dict(settings or {})
    kind = _kind(name, str(given.pop(KIND, name)))
    handed = msgspec.structs.asdict(abilities or Abilities())
    known = {field.name: field for field in msgspec.structs.fields(kind) if field.name not in ("name", *handed)}
    for unknown in given.keys() - known.keys():
        raise ConfigError(f"the signal {name} has no setting {unknown!r}.", fix=_settings_told(list(known)))
    for field in known.values():
        if field.required and field.name not in given:
            raise ConfigError(f"the signal {name} needs the setting `{field.name}`.", fix=_settings_told(list(known)))
    read = {setting: _read(name, setting, value, known[setting].type) for setting, value in given.items()}
    needed = {ability: value for ability, value in handed.items() if ability in kind.__struct_fields__}
    try:
        return kind(name=name, **read, **needed)
    except ValueError as error:
        raise ConfigError(f"the signal {name} cannot be made: {error}.") from error


def _kind(name: str, kind: str) -> type[Named]:
    if kind in SIGNALS:
        return SIGNALS[kind]
    close = get_close_matches(kind, SIGNALS, n=1)
    fix = f"Did you mean {close[0]!r}? " if close else ""
    named = "" if kind == name else f" (of {name})"
    raise ConfigError(f"unknown signal {kind!r}{named}.", fix=f"{fix}Known signals: {', '.join(sorted(SIGNALS))}.")


def _read(name: str, setting: str, value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        told = f"the setting `{setting}` of the signal {name} is {value!r}: {error}."
        raise ConfigError(told.replace("`", ""), fix="") from error


def _settings_told(known: list[str]) -> str:
    return f"Its settings: {', '.join(known)}." if known else "It has no settings."
