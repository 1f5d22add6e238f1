"""What deciding needs to know of a request for embeddings, read straight from its body."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from turnout.errors import InvalidRequest
from turnout.types.request import LONGEST_NAME, Outline, Said

_WANTED = "`input` must be a text, a list of texts, a list of tokens, or a list of such lists, and not be empty."


def outline(body: dict[str, Any]) -> Outline:
    """Read what deciding needs: all inputs are the query, as one turn of the user.

    An input of tokens stands in it as a digest of them, and counts as many tokens as it has.

    Raises:
        InvalidRequest: the body is not a request of this dialect.
    """
    if body.get("stream"):
        raise InvalidRequest("Embeddings are not streamed. Leave `stream` out.", param="stream")
    given = body.get("input")
    inputs = [given] if isinstance(given, str) or _is_tokens(given) else given
    if not isinstance(inputs, list) or not inputs:
        raise InvalidRequest(_WANTED, param="input")
    texts, tokens = [], 0
    for index, each in enumerate(inputs):
        if isinstance(each, str):
            texts.append(each)
        elif _is_tokens(each):
            texts.append(f"[tokens {hashlib.sha256(msgspec.json.encode(each)).hexdigest()[:16]}]")
            tokens += len(each)
        else:
            raise InvalidRequest(f"`input[{index}]` must be a text or a list of tokens.", param=f"input[{index}]")
    user = body.get("user")
    return Outline(
        said=(Said("user", "\n".join(texts)),),
        tokens=tokens,
        user=user[:LONGEST_NAME] if isinstance(user, str) else None,
    )


def _is_tokens(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(token) is int for token in value)
