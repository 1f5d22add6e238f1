"""Log-probabilities of generated tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from turnout.types.chat import TokenLogprob
from turnout.wire.event_json import encode_json, expect
from turnout.wire.raw_body import TRUE, is_true, raw_body


def decode_logprobs(logprobs: Any) -> tuple[TokenLogprob, ...]:
    """Read a choice's `logprobs`.

    Raises:
        ValueError: they are of another form.
    """
    tokens = expect(dict, logprobs or {}, "logprobs").get("content") or []
    try:
        return tuple(
            TokenLogprob(
                token=token["token"],
                logprob=token["logprob"],
                top=tuple((top["token"], top["logprob"]) for top in token.get("top_logprobs") or ()),
            )
            for token in tokens
        )
    except (AttributeError, KeyError, TypeError):
        raise ValueError("logprobs of another form") from None


def encode_logprobs(logprobs: Sequence[TokenLogprob]) -> dict[str, Any] | None:
    """A choice's `logprobs`; None where there are none."""
    if not logprobs:
        return None
    content = [
        _encode(token.token, token.logprob) | {"top_logprobs": [_encode(*top) for top in token.top]}
        for token in logprobs
    ]
    return {"content": content, "refusal": None}


def _encode(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "surrogatepass"))}


def ask_logprobs(raw: bytes, alternatives: int) -> bytes:
    """See `turnout.wire.dialect.CallerDialect`."""
    body = raw_body(raw)
    if is_true(body.get("logprobs")):
        return raw
    return encode_json(body | {"logprobs": TRUE, "top_logprobs": alternatives})


def hide_logprobs(told: dict[str, Any]) -> None:
    """See `turnout.wire.dialect.CallerDialect`."""
    for choice in told.get("choices") or ():
        if isinstance(choice, dict) and "logprobs" in choice:
            choice["logprobs"] = None
