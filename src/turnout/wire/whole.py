"""A whole answer as its caller got it, free of its dialect."""

from __future__ import annotations

from turnout.types.chat import Answer
from turnout.types.dialect import DialectName
from turnout.wire.event_json import encode_json, read_object
from turnout.wire.registry import provider_dialect
from turnout.wire.sse import SseSplitter


def answer_in(speaks: DialectName, body: bytes, *, stream: bool) -> Answer:
    """The answer that a body is, or all the bytes of a stream.

    Raises:
        ValueError: they are none.
    """
    dialect = provider_dialect(speaks)
    if not stream:
        return dialect.decode_answer(read_object(body))
    assembler = dialect.assembler()
    for event in SseSplitter().feed(body):
        if event.data:
            assembler.add(event)
    return dialect.decode_answer(read_object(encode_json(assembler.body())))
