"""What executing needs to know of a unary answer."""

from __future__ import annotations

import msgspec

from turnout.types.chat import Finish
from turnout.types.usage import Usage


class UnaryFacts(msgspec.Struct, gc=False):
    """The facts of an answer; the attributes are those of `turnout.wire.dialect.AnswerFacts`."""

    usage: Usage | None
    finish: Finish | None
    model: str | None
    output_chars: int
