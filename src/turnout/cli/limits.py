"""The options that say how fast a key or a tenant may ask, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated

import typer

from turnout.types.tenant import RateLimit


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The options."""

    requests_per_minute: Annotated[int | None, typer.Option(min=0, help="Requests in a minute; 0 for no limit.")] = None
    tokens_per_minute: Annotated[
        int | None, typer.Option(min=0, help="Tokens in a minute, of input and output; 0 for no limit.")
    ] = None
    concurrent: Annotated[int | None, typer.Option(min=0, help="Requests under way at a time; 0 for no limit.")] = None

    def given(self) -> dict[str, int | None]:
        """What is given, as fields of a limit."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value or None for name, value in told.items() if value is not None}


def told(limit: RateLimit) -> str:
    """A limit in words; empty where there is none."""
    words = {"requests/min": limit.requests_per_minute, "tokens/min": limit.tokens_per_minute}
    listed = [f"{number:,} {what}" for what, number in words.items() if number is not None]
    return ", ".join([*listed, *([f"{limit.concurrent:,} at a time"] if limit.concurrent is not None else [])])
