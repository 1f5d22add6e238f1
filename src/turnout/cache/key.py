"""What makes two requests the same."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from turnout.providers.endpoint import PASSED_ON
from turnout.types.dialect import DialectName
from turnout.types.request import Request
from turnout.types.target import Target

_OPENAI: Final = frozenset(
    {"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "safety_identifier", "user"}
)
NO_MATTER: Final[Mapping[DialectName, frozenset[str]]] = MappingProxyType(
    {
        DialectName.OPENAI_CHAT: _OPENAI,
        DialectName.OPENAI_RESPONSES: _OPENAI,
        DialectName.ANTHROPIC_MESSAGES: frozenset({"metadata"}),
        DialectName.OPENAI_EMBEDDINGS: frozenset({"user"}),
    }
)
"""Fields that cannot change the answer: they say who asks, or steer a cache of the provider's. Every other field,
known or not, is in the key."""

STATEFUL: Final[Mapping[DialectName, frozenset[str]]] = MappingProxyType(
    {
        DialectName.OPENAI_CHAT: frozenset({"store"}),
        DialectName.OPENAI_RESPONSES: frozenset({"background", "conversation", "prompt"}),
        DialectName.ANTHROPIC_MESSAGES: frozenset({"container"}),
        DialectName.OPENAI_EMBEDDINGS: frozenset(),
    }
)
"""Fields by which an answer depends on, or changes, what the provider keeps: such a request is never answered from a
cache."""


class Proposed(NamedTuple):
    """What a policy would ask for a request, in any order: which of them is the fastest just now changes no answer.

    Attributes:
        rules: the rules that chose.
        targets: what they chose.
    """

    rules: frozenset[str]
    targets: Sequence[Target]


def is_never_the_same(request: Request) -> bool:
    """Whether the request is about something that the provider keeps, or wants several answers at once.

    Of several answers only the first tells how it ended, so a cut one among them would not be noticed.
    """
    return any(request.body.get(field) for field in STATEFUL[request.dialect]) or request.body.get("n") not in (None, 1)


def answer_key(secret: bytes, request: Request, route: str, policy_version: str, proposed: Proposed) -> bytes | None:
    """The name of the answer to a request: HMAC-SHA-256 over all that can change it.

    That is the tenant, the route and its policy, what the policy proposes for this request (a rule may read who asks),
    the headers that reach the provider, and the body as canonical JSON but for `NO_MATTER`.

    Returns:
        None where the body has a name twice: what a provider reads then may not be what we do.
    """
    if _repeats_a_name(request.raw):
        return None
    ignored = NO_MATTER[request.dialect]
    whole = [
        request.caller.tenant,
        route,
        policy_version,
        request.dialect,
        sorted(proposed.rules),
        sorted((each.name, each.provider, each.model or "") for each in proposed.targets),
        [(name, request.caller.headers.get(name)) for name in PASSED_ON],
        {field: value for field, value in request.body.items() if field not in ignored},
    ]
    try:
        return hmac.digest(secret, msgspec.json.encode(whole, order="deterministic"), "sha256")
    except (ValueError, RecursionError):
        return None


class _Repeated(Exception):
    """A JSON object has a name twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Repeated
    return found


def _repeats_a_name(raw: bytes) -> bool:
    try:
        json.loads(raw, object_pairs_hook=_once)
    except (_Repeated, ValueError, RecursionError):
        return True
    return False
