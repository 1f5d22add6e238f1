"""One target as something that can be called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from turnout.catalog.prices import price_of
from turnout.providers.transport import HttpCall, Transport
from turnout.types.money import Price
from turnout.types.request import Request
from turnout.types.target import Target
from turnout.wire.dialect import Dialect

PASSED_ON: Final = ("anthropic-beta", "anthropic-version", "openai-beta")
"""The caller's headers that a provider of the caller's own dialect is sent: they choose the form of the answer.
No header that chooses an account, a host or a key is among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A target with its dialect, address, credentials and transport.

    Attributes:
        target: what is called.
        dialect: the provider's dialect.
        url: the address of the call, from the configuration alone.
        headers: sent with every call: the key, the content type, the dialect's version.
        price_provider: the provider's key in the price list, where the target's price is the list's.
        stream_usage: whether the provider reports usage in a stream when asked to.
        transport: the provider's pool.
    """

    target: Target
    dialect: Dialect
    url: str
    headers: Mapping[str, str] = field(repr=False)
    price_provider: str | None = None
    stream_usage: bool = True
    transport: Transport = field(repr=False)

    def price(self, asked: str, at: datetime) -> Price | None:
        """What a call costs at that moment; `asked` is the caller's model, for a target that passes it on."""
        if self.price_provider is None:
            return self.target.price
        return price_of(self.price_provider, self.target.model or asked, at)

    def call(self, request: Request, body: bytes, decision_id: str) -> HttpCall:
        """The call with `body` (already in the provider's dialect) that `decision_id` records."""
        headers = {**self.headers, "x-turnout-decision": decision_id}
        if request.dialect is self.target.dialect:
            given = request.caller.headers
            headers.update((name, given[name]) for name in PASSED_ON if name in given)
        return HttpCall(self.url, headers, body)
