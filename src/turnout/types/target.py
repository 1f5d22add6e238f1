"""What can be called."""

from __future__ import annotations

import msgspec

from turnout.types.dialect import DialectName
from turnout.types.money import Price


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One model at one provider.

    Attributes:
        name: its name in the configuration, and in every record.
        provider: the provider's name.
        dialect: the provider's dialect.
        model: the provider's name of the model; None passes the caller's own `model` on.
        price: what it charges; None if unknown (then costs are flagged as unknown, never 0).
        lacks: what it cannot do, as in `Outline.needs`: the dialect's own limits and the model's.
        context_tokens: the size of its context window, if known.
        output_tokens: the most tokens that an answer can have, if known.
        model_family: what its model is called wherever it is served; None takes the provider's name of it.
        simulated: True for a stand-in that answers without a model; shown wherever the target is.
    """

    name: str
    provider: str
    dialect: DialectName
    model: str | None = None
    price: Price | None = None
    lacks: frozenset[str] = frozenset()
    context_tokens: int | None = None
    output_tokens: int | None = None
    simulated: bool = False
    model_family: str | None = None
