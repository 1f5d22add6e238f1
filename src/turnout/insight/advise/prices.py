"""What the strong and the cheap model charge: of the dated price list, or as somebody says."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

from turnout.catalog.cost import checked
from turnout.catalog.prices import price_of
from turnout.errors import ConfigError
from turnout.providers.known import KNOWN_PROVIDERS
from turnout.types.money import Price

STRONG: Final = "anthropic/claude-3-5-sonnet-20241022"
CHEAP: Final = "anthropic/claude-3-5-haiku-20241022"
_FIX: Final = "Write PROVIDER/MODEL of the price list, or USD per million tokens as INPUT/OUTPUT: 2.50/10."


class Priced(NamedTuple):
    """A model and its price.

    Attributes:
        name: `provider/model`, or the price as it was given.
        price: with the output's known.
    """

    name: str
    price: Price

    def blended(self, input_share: float) -> float:
        """USD for a million tokens, of which this share is input."""
        return input_share * float(self.price.input) + (1 - input_share) * float(self.price.output or 0)

    @property
    def model(self) -> tuple[str, str] | None:
        """Its provider and its name there; None for a price alone."""
        provider, _, model = self.name.partition("/")
        return (provider, model) if provider in KNOWN_PROVIDERS else None


class Pair(NamedTuple):
    """The two models that are weighed against each other."""

    strong: Priced
    cheap: Priced


def priced(name: str, at: datetime) -> Priced:
    """The model of a name, with its price at a moment.

    Args:
        name: `anthropic/claude-3-5-haiku-20241022`, or `2.50/10`.
        at: aware.

    Raises:
        ConfigError: it is neither, or the list has no price for it.
    """
    first, _, second = name.partition("/")
    try:
        own = Price(input=Decimal(first), output=Decimal(second), version="as given")
    except InvalidOperation:
        return Priced(name, _listed(first, second, at))
    return Priced(name, checked(own))


def _listed(provider: str, model: str, at: datetime) -> Price:
    known = KNOWN_PROVIDERS.get(provider)
    if known is None or not model:
        raise ConfigError(f"'{provider}/{model}' is no model with a price.", fix=_FIX)
    found = price_of(known.price_provider, model, at) if known.price_provider else None
    if found is None or found.output is None:
        raise ConfigError(f"the price list has no price for '{model}' at {provider}.", fix=_FIX)
    return found
