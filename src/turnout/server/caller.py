"""Who calls, from the request's headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from turnout.config.durations import parse_duration
from turnout.errors import InvalidRequest
from turnout.server.auth import CREDENTIALS, digest, given_key
from turnout.tenancy.holder import Holder
from turnout.types.request import LONGEST_NAME, Caller

_MAX_TAGS: Final = 16


def read_caller(headers: Mapping[str, str], holder: Holder) -> Caller:
    """Read the `x-turnout-*` headers, and what the official SDKs tell of themselves.

    Args:
        headers: the request's, names in lower case.
        holder: whoever presents its key; what the key says of them, no header overrules.

    Raises:
        InvalidRequest: a header has a value that cannot be understood.
    """
    return Caller(
        user=holder.user or _short(headers, "x-turnout-user"),
        source=_short(headers, "x-turnout-source"),
        tenant=holder.tenant.name,
        project=holder.project,
        key=holder.key,
        limited=holder.limited,
        tier=holder.tenant.tier,
        tenant_tags=holder.tenant.tags,
        tags=_tags(headers),
        latency_budget_s=_latency_budget(headers),
        read_timeout_s=_number(headers.get("x-stainless-read-timeout")),
        sdk_retry=_whole(headers.get("x-stainless-retry-count")),
        idempotency=_idempotency(headers, holder),
        headers=_without_credentials(headers),
    )


def _without_credentials(headers: Mapping[str, str]) -> dict[str, str]:
    kept = dict(headers)
    for name in CREDENTIALS:
        kept.pop(name, None)
    return kept


def _idempotency(headers: Mapping[str, str], holder: Holder) -> str | None:
    """The key that the caller gave the request, with whose it is: of two callers none meets the other's."""
    key = _short(headers, "x-turnout-idempotency-key")
    return None if key is None else f"{holder.scope or digest(given_key(headers) or '').hex()} {key}"


def _short(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name)
    if value is not None and len(value) > LONGEST_NAME:
        raise InvalidRequest(f"{name} is longer than {LONGEST_NAME} characters.", param=name)
    return _as_written(value) if value else None


def _as_written(value: str) -> str:
    """SDKs send UTF-8, and servers read headers as Latin-1. A name must be the one that it is looked for by."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def _tags(headers: Mapping[str, str]) -> dict[str, str]:
    """`team=growth,experiment=7`."""
    text = _short(headers, "x-turnout-tags")
    if text is None:
        return {}
    pairs = [pair.partition("=") for pair in text.split(",")]
    if len(pairs) > _MAX_TAGS or not all(key.strip() and equals for key, equals, _ in pairs):
        told = f"x-turnout-tags must be at most {_MAX_TAGS} pairs like `team=growth,experiment=7`."
        raise InvalidRequest(told, param="x-turnout-tags")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _latency_budget(headers: Mapping[str, str]) -> float | None:
    text = headers.get("x-turnout-latency-budget")
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        told = "x-turnout-latency-budget must be a duration like `800ms` or `2s`."
        raise InvalidRequest(told, param="x-turnout-latency-budget") from error


def _number(text: str | None) -> float | None:
    """What an SDK says of itself is a hint: one that cannot be understood is no reason to refuse."""
    try:
        value = float(text) if text else 0.0
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 4 else None
