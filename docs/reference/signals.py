"""The tables of `docs/how-to/signals.md`: what each signal measures, needs and costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from docs.reference.markdown import code, table
from turnout.confidence.signals.measure import Named
from turnout.confidence.signals.table import SIGNALS, Abilities
from turnout.confidence.signals.tail import TAIL

_ABILITIES = frozenset(Abilities.__struct_fields__)
_NEEDS = {"logprobs": "log-probabilities", TAIL: "a request that can be asked so"}


def signals() -> str:
    """Every signal."""
    head = ("signal", "what it measures", "needs", "asks", "of a beginning")
    return table(head, (_signal(name, kind) for name, kind in SIGNALS.items()))


def _signal(name: str, kind: type[Named]) -> tuple[str, ...]:
    needs = ", ".join(_NEEDS[need] for need in sorted(kind.needs)) or "–"
    return code(name), _summary(kind), needs, kind.asks, "yes" if kind.prefix else "no"


def _summary(kind: type[Named]) -> str:
    """The first sentences of its docstring; where they come from is for readers of the code."""
    return (kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def settings() -> str:
    """Every setting of the signals that have some."""
    return table(("signal", "setting", "by default", "meaning"), _settings())


def _settings() -> Iterator[tuple[str, ...]]:
    from docs.reference.generate import attributes

    for name, kind in SIGNALS.items():
        meanings = {
            key: value for base in reversed(kind.__mro__) for key, value in attributes(base.__doc__ or "").items()
        }
        for field in msgspec.structs.fields(kind):
            if field.name not in _ABILITIES | {"name"}:
                yield code(name), code(field.name), _default(field), meanings[field.name]


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "– (must be given)"
    if field.default_factory is not msgspec.NODEFAULT:
        return "none"
    shown: Any = field.default
    if isinstance(shown, str) and len(shown) > 40:
        return f"“{shown}”"
    return code(str(shown).lower() if isinstance(shown, bool) else "null" if shown is None else shown)
