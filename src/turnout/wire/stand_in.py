"""What stands for data in the text of a conversation."""

from __future__ import annotations

import hashlib


def stand_in(kind: str, data: str) -> str:
    """A short text that is the same for the same data: `[image 9f86d081884c7d65]`."""
    digest = hashlib.sha256(data.encode("utf-8", "surrogatepass")).hexdigest()
    return f"[{kind} {digest[:16]}]"
