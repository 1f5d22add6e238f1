"""One target as something that can be called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from urllib.parse import quote

import msgspec

from turnout.catalog.prices import price_of
from turnout.providers.drilled import Drilled, DrillInForce
from turnout.providers.transport import HttpCall, Transport
from turnout.types.dialect import DialectName
from turnout.types.money import Price
from turnout.types.request import Request
from turnout.types.target import Target
from turnout.wire.dialect import MODEL_IN_PATH, ProviderDialect
from turnout.wire.registry import EMBEDDINGS

PASSED_ON: Final = ("anthropic-beta", "anthropic-version", "openai-beta")
"""The caller's headers that a provider of the caller's own dialect is sent: they choose the form of the answer.
No header that chooses an account, a host or a key is among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A target with its dialect, address, credentials and transport.

    Attributes:
        target: what is called.
        dialect: the provider's dialect.
        url: the address of a call, from the configuration alone; but for the model, where the target passes on the
            caller's and the dialect names it there (`MODEL_IN_PATH` stands for it).
        stream_url: the same for a call whose answer is streamed, where it is another.
        embeddings_url: the address for embeddings, where the server has one.
        count_url: the address at which tokens are counted, where the dialect has one.
        headers: sent with every call: the key, the content type, the dialect's version.
        price_provider: the provider's key in the price list, where the target's price is the list's.
        stream_usage: whether the provider reports usage in a stream when asked to.
        transport: the provider's pool.
        drill: the outage drill that it is under.
    """

    target: Target
    dialect: ProviderDialect
    url: str
    stream_url: str | None = None
    embeddings_url: str | None = None
    count_url: str | None = None
    headers: Mapping[str, str] = field(repr=False)
    price_provider: str | None = None
    stream_usage: bool = True
    transport: Transport = field(repr=False)
    drill: DrillInForce | None = None

    def facing(self, caller: DialectName) -> Endpoint:
        """The same as it is called for that caller: a server of conversations embeds at another address."""
        if caller is not DialectName.OPENAI_EMBEDDINGS or self.embeddings_url is None:
            return self
        target = msgspec.structs.replace(self.target, dialect=caller)
        return replace(self, target=target, dialect=EMBEDDINGS, url=self.embeddings_url, stream_url=None)

    def counting(self, caller: DialectName) -> Endpoint | None:
        """The same as it is asked to count tokens; None where it has no words for it that the caller understands."""
        if self.count_url is None or self.target.dialect is not caller:
            return None
        return replace(self, url=self.count_url, stream_url=None)

    def price(self, asked: str, at: datetime) -> Price | None:
        """What a call costs at that moment; `asked` is the caller's model, for a target that passes it on."""
        if self.price_provider is None:
            return self.target.price
        return price_of(self.price_provider, self.target.model or asked, at)

    def call(self, request: Request, body: bytes, decision_id: str, *, stream: bool) -> HttpCall:
        """The call with `body` (already in the provider's dialect) that `decision_id` records."""
        headers = {**self.headers, "x-turnout-decision": decision_id}
        if request.dialect is self.target.dialect:
            given = request.caller.headers
            headers.update((name, given[name]) for name in PASSED_ON if name in given)
        url = (self.stream_url or self.url) if stream else self.url
        if self.target.model is None and MODEL_IN_PATH in url:
            url = with_model(url, request.route)
        return HttpCall(url, headers, body, self.drill.fault(decision_id) if self.drill else None)

    def under(self, drill: DrillInForce | None) -> Endpoint:
        """The same under a drill, or under none."""
        bare = self.transport.transport if isinstance(self.transport, Drilled) else self.transport
        return replace(self, drill=drill, transport=Drilled(bare) if drill else bare)


def with_model(url: str, model: str) -> str:
    """The address with the model where it belongs; whatever the model is called, it stays one segment of the path."""
    return url.replace(MODEL_IN_PATH, quote(model.removeprefix("models/"), safe=""))
