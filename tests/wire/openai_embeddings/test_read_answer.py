"""What passes for a list of embeddings, and what does not."""

from __future__ import annotations

import pytest

from turnout.errors import InvalidRequest
from turnout.types.chat import Chat, Finish
from turnout.wire.registry import EMBEDDINGS


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"data": []}',
        b'{"data": null}',
        b'{"data": "x"}',
        b'{"data": [{"embedding": []}]}',
        b'{"data": [{"embedding": null}]}',
        b'{"data": [{"index": 0}]}',
        b'{"data": [{"embedding": [NaN]}, {"embedding": []}]}',
        b'{"data": [{"embedding": [0.1]}], "error": {"message": "no"}}',
        b'{"error": {"message": "no"}}',
        b'{"data": [{"embedding": [0.1',
    ],
)
def test_what_has_not_a_vector_for_each_input_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        EMBEDDINGS.read_answer(body)


@pytest.mark.parametrize("vector", [b"[0.1, -2e-3]", b'"AACAPw=="', b"[NaN, 1]"])
def test_a_vector_is_numbers_or_base64(vector: bytes) -> None:
    facts = EMBEDDINGS.read_answer(
        b'{"data": [{"embedding": %b}], "model": "m", "usage": {"prompt_tokens": 5, "total_tokens": 5}}' % vector
    )
    assert facts.usage is not None
    assert (facts.usage.input_tokens, facts.usage.output_tokens) == (5, 0)
    assert (facts.model, facts.finish) == ("m", Finish.STOP)


def test_a_server_that_reports_no_usage_is_believed_to_have_answered() -> None:
    assert EMBEDDINGS.read_answer(b'{"data": [{"embedding": [1]}]}').usage is None


def test_without_a_model_of_its_own_a_target_is_sent_the_bytes_as_they_came() -> None:
    raw = b'{ "model":"m", "input" :"x" }'
    assert EMBEDDINGS.prepare(raw, None, stream=False, ask_usage=False) is raw


def test_nothing_of_it_is_translated_or_streamed() -> None:
    chat = Chat(messages=())
    for asked in (
        lambda: EMBEDDINGS.decode_request({}),
        lambda: EMBEDDINGS.encode_request(chat, "m", ask_usage=False),
        lambda: EMBEDDINGS.decode_answer({}),
        lambda: EMBEDDINGS.encoder({}, "m"),
        lambda: EMBEDDINGS.reader(None),
        EMBEDDINGS.decoder,
        EMBEDDINGS.assembler,
    ):
        with pytest.raises(InvalidRequest):
            asked()
    assert not EMBEDDINGS.can_assemble({})
