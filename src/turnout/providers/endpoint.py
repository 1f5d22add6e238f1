"""One target as something that can be called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from turnout.providers.transport import HttpCall, Transport
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
        stream_usage: whether the provider reports usage in a stream when asked to.
        transport: the provider's pool.
    """

    target: Target
    dialect: Dialect
    url: str
    headers: Mapping[str, str] = field(repr=False)
    stream_usage: bool = True
    transport: Transport = field(repr=False)

    def call(self, request: Request, body: bytes, decision_id: str) -> HttpCall:
        """The call with `body` (already in the provider's dialect) that `decision_id` records."""
        headers = {**self.headers, "x-turnout-decision": decision_id}
        if request.dialect is self.target.dialect:
            given = request.caller.headers
            headers.update((name, given[name]) for name in PASSED_ON if name in given)
        return HttpCall(self.url, headers, body)
