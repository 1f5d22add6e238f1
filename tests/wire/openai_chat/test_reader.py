from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.following import DONE, events, marks
from tests.wire.following import openai_chunk as chunk
from turnout.types.chat import Finish
from turnout.types.failure import FailureKind
from turnout.types.stream import Mark
from turnout.types.usage import Usage
from turnout.wire.openai_chat.reader import Reader
from turnout.wire.sse import SseEvent

ROLE = chunk({"role": "assistant", "content": "", "refusal": None})
STOP = chunk({}, "stop")
USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
NONE, TOKEN, FINISH, END, ERROR = Mark.NONE, Mark.TOKEN, Mark.FINISH, Mark.END, Mark.ERROR


def text(content: str) -> bytes:
    return chunk({"content": content})


def reader() -> Reader:
    return Reader(usage_requested=True)


def test_a_whole_answer_is_followed() -> None:
    follow = reader()
    told = marks(follow, ROLE, text("Hello"), text(" world"), STOP, chunk(usage=USAGE), DONE)
    assert told == [NONE, TOKEN, TOKEN, FINISH, NONE, END]
    assert (follow.finish, follow.ended, follow.failure) == (Finish.STOP, True, None)
    assert follow.usage == Usage(input_tokens=9, output_tokens=2)
    assert follow.output_chars == len("Hello world")
    assert follow.model == "gpt-4o-2024-11-20"


@pytest.mark.parametrize(
    "preamble",
    [
        ROLE,
        chunk({"role": "assistant", "name": "some model"}),
        chunk({"content": ""}),
        chunk({"content": None, "tool_calls": []}),
        chunk({}),
        chunk({"content": ""}, ""),
        chunk(None, prompt_filter_results=[{"prompt_index": 0, "content_filter_results": {}}]),
        b": keep-alive\n\n",
        b"data: : keep-alive\n\n",
        b"data:\n\n",
        b"\n\n",
        b"retry: 10\n\n",
        b'data: {"type": "ping"}\n\n',
    ],
)
def test_nothing_of_the_preamble_commits(preamble: bytes) -> None:
    follow = reader()
    assert marks(follow, preamble) == [NONE]
    assert marks(follow, text("x"), preamble) == [TOKEN, NONE]
    assert follow.failure is None


@pytest.mark.parametrize(
    "delta",
    [
        {"content": " "},
        {"reasoning_content": "hmm"},
        {"reasoning": "hmm"},
        {"refusal": "I cannot"},
        {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"function_call": {"name": "f", "arguments": ""}},
        {"audio": {"id": "a", "data": "AAAA"}},
    ],
)
def test_text_reasoning_a_refusal_and_a_tool_call_commit(delta: dict) -> None:
    assert marks(reader(), chunk(delta)) == [TOKEN]


def test_a_chunk_with_usage_alone_is_left_out_only_if_the_caller_did_not_ask() -> None:
    assert marks(Reader(usage_requested=False), chunk(usage=USAGE)) == [Mark.USAGE_ONLY]
    assert marks(Reader(usage_requested=True), chunk(usage=USAGE)) == [NONE]


def test_usage_with_a_finish_is_the_callers_event() -> None:
    assert marks(Reader(usage_requested=False), text("x"), chunk({}, "stop", usage=USAGE)) == [TOKEN, FINISH]


def test_usage_in_every_chunk_is_followed_to_the_last() -> None:
    follow = Reader(usage_requested=False)
    counts = [{**USAGE, "completion_tokens": count} for count in range(1, 5)]
    assert marks(follow, *(chunk({"content": "x"}, usage=count) for count in counts)) == [TOKEN] * 4
    assert follow.usage == Usage(input_tokens=9, output_tokens=4)
    marks(follow, text("x"), text("x"), chunk({"content": "x"}, usage={**USAGE, "completion_tokens": 7}))
    assert follow.usage == Usage(input_tokens=9, output_tokens=7)


def test_a_stream_without_usage_has_none() -> None:
    follow = reader()
    marks(follow, text("x"), STOP, DONE)
    assert follow.usage is None


def test_a_stream_that_stops_has_not_finished() -> None:
    follow = reader()
    marks(follow, ROLE, text("x"), text("y"))
    assert (follow.finish, follow.ended) == (None, False)


def test_a_finish_without_the_protocols_end_is_told_from_one_with_it() -> None:
    follow = reader()
    marks(follow, text("x"), STOP)
    assert (follow.finish, follow.ended) == (Finish.STOP, False)


def test_an_end_without_a_finish_is_told_from_one_with_it() -> None:
    follow = reader()
    assert marks(follow, text("x"), DONE) == [TOKEN, END]
    assert (follow.finish, follow.ended) == (None, True)


def test_what_follows_the_end_says_nothing() -> None:
    follow = reader()
    assert marks(follow, text("x"), STOP, DONE, DONE, text("y"), b"data: {\n\n")[2:] == [END, NONE, NONE, NONE]
    assert (follow.output_chars, follow.failure) == (1, None)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("length", Finish.LENGTH), ("content_filter", Finish.CONTENT_FILTER), ("eos", Finish.OTHER)],
)
def test_each_finish_reason_is_a_finish(reason: str, finish: Finish) -> None:
    follow = reader()
    assert marks(follow, text("x"), chunk({"content": "y"}, reason)) == [TOKEN, TOKEN | FINISH]
    assert follow.finish is finish


def test_several_choices_have_finished_when_each_has() -> None:
    def of(index: int, delta: dict, finish: str | None = None) -> bytes:
        choice = {"index": index, "delta": delta, "finish_reason": finish}
        return chunk(None, choices=[choice])

    follow = reader()
    assert marks(follow, of(0, {"content": "a"}), of(1, {"content": "b"}), of(0, {}, "stop")) == [TOKEN, TOKEN, NONE]
    assert follow.finish is None
    assert marks(follow, of(1, {"content": "c"}), of(1, {"content": "d"}), of(1, {}, "length")) == [
        TOKEN,
        TOKEN,
        FINISH,
    ]
    assert follow.finish is Finish.STOP


@pytest.mark.parametrize(
    ("data", "kind", "code", "message"),
    [
        ('{"error":{"message":"no","type":"server_error","code":null}}', "error_event", "server_error", "no"),
        ('{"error":{"message":"slow","code":"rate_limit_exceeded"}}', "rate_limited", "rate_limit_exceeded", "slow"),
        ('{"error":{"message":"slow","code":429}}', "rate_limited", "429", "slow"),
        ('{"error":{"message":"paid","type":"insufficient_quota"}}', "quota_exhausted", "insufficient_quota", "paid"),
        ('{"type":"error","error":{"type":"overloaded_error","message":"O"}}', "overloaded", "overloaded_error", "O"),
        ('{"object":"error","message":"vllm","code":400}', "bad_request", "400", "vllm"),
        ('{"error":"it broke"}', "error_event", None, "it broke"),
        ('{"choices":[],"error":{"message":"late"}}', "error_event", None, "late"),
    ],
)
@pytest.mark.parametrize("before", [b"", ROLE, text("x") * 5])
def test_an_error_in_the_stream_is_a_failure(
    data: str, kind: str, code: str | None, message: str, before: bytes
) -> None:
    follow = reader()
    assert marks(follow, before, b"data: " + data.encode() + b"\n\n")[-1] is ERROR
    assert follow.failure is not None
    assert (follow.failure.kind, follow.failure.code, follow.failure.message) == (FailureKind(kind), code, message)
    assert follow.failure.body == data.encode()
    assert marks(follow, text("x"), DONE) == [NONE, NONE]


def test_what_an_error_says_of_a_key_is_not_repeated() -> None:
    follow = reader()
    told = b'{"error":{"message":"Incorrect API key provided: sk-secret123","code":"invalid_api_key"}}'
    assert marks(follow, b"data: " + told + b"\n\n") == [ERROR]
    assert follow.failure is not None
    assert follow.failure.kind is FailureKind.AUTHENTICATION
    assert "secret123" not in repr(follow.failure)


@pytest.mark.parametrize("data", [b"data: it broke\n", b'data: {"message":"it broke"}\n', b""])
def test_an_event_named_error_is_an_error_whatever_it_holds(data: bytes) -> None:
    assert marks(reader(), b"event: error\n" + data + b"\n") == [ERROR]


def test_a_finish_reason_error_is_an_error() -> None:
    follow = reader()
    assert marks(follow, text("x"), chunk({}, "error")) == [TOKEN, ERROR]
    assert follow.finish is None


@pytest.mark.parametrize(
    "broken",
    [
        b'data: {"choices":[{"index":0,"delta":{"content":"x"\n\n',
        b"data: <html>\n\n",
        b"data: []\n\n",
        b'data: {"choices":{"a":1}}\n\n',
        b'data: {"choices":[1]}\n\n',
        b'data: {"choices":[{"delta":"x"}]}\n\n',
        b'data: {"choices":[{"index":"x","delta":{}}]}\n\n',
        b'data: {"usage":7}\n\n',
        b'data: {"choices":[],"x":"\xff"}\n\n',
        b": \xff\n\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
        text("\x00").replace(b"\\u0000", b"\xc3"),
        text("\x00").replace(b"\\u0000", b"\\x"),
        text("\x00").replace(b"\\u0000", b"\n"),
        text("\x00").replace(b"\\u0000", b'"'),
        text("x")[:-3] + b"\n\n",
    ],
)
@pytest.mark.parametrize("before", [b"", text("x")])
def test_what_is_not_of_the_dialect_is_malformed(broken: bytes, before: bytes) -> None:
    follow = reader()
    assert marks(follow, before, broken)[-1] is ERROR
    assert follow.failure is not None
    assert follow.failure.kind is FailureKind.MALFORMED


def test_half_a_surrogate_pair_is_taken_as_the_sdks_take_it() -> None:
    follow = reader()
    halves = [text("x").replace(b'"x"', half) for half in (b'"\\ud83d"', b'"\\ude82"')]
    assert marks(follow, text("x"), *halves) == [TOKEN, TOKEN, TOKEN]


values = st.text(max_size=8) | st.sampled_from(
    ["", '"', "\\", '"finish_reason":"stop"', '","content":"', "é🚂", "[DONE]"]
)
deltas = st.one_of(
    st.fixed_dictionaries({"content": values}),
    st.fixed_dictionaries({"reasoning_content": values}),
    st.fixed_dictionaries({"content": st.none() | values, "refusal": st.none() | values}),
    st.fixed_dictionaries(
        {"tool_calls": st.just([]) | values.map(lambda v: [{"index": 0, "function": {"arguments": v}}])}
    ),
)
chunks = st.builds(
    chunk,
    deltas,
    st.sampled_from([None, None, None, None, "stop", ""]),
    usage=st.sampled_from([None, None, None, USAGE]),
    error=st.sampled_from([None, None, None, None, {"message": "x"}]),
    obfuscation=values,
)
layouts = st.sampled_from(["compact", "spaced", "ascii", "crlf"])


def laid_out(raw: bytes, layout: str) -> bytes:
    body = json.loads(raw[6:])
    if layout == "spaced":
        return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"
    if layout == "ascii":
        return b"data: " + json.dumps(body).encode() + b"\n\n"
    return raw.replace(b"\n\n", b"\r\n\r\n") if layout == "crlf" else raw


@given(st.lists(chunks, max_size=12), layouts)
def test_reading_only_what_may_matter_is_reading_everything(stream: list[bytes], layout: str) -> None:
    shrewd, thorough = reader(), reader()
    for event in events(b"".join(laid_out(raw, layout) for raw in stream)):
        thorough._plain = None
        assert shrewd.read(event) is thorough.read(event)
        for fact in ("usage", "finish", "model", "failure", "ended", "output_chars"):
            assert getattr(shrewd, fact) == getattr(thorough, fact)


PLAIN = [text("Hello, wörld\n"), chunk({"content": "x"}, obfuscation="abc"), chunk({"reasoning": "x"}, usage=None)]


@given(st.sampled_from(PLAIN), st.integers(6), st.integers(0, 3), st.binary(max_size=3))
def test_no_damage_to_an_event_gets_past(plain: bytes, place: int, dropped: int, put: bytes) -> None:
    place %= len(plain) - 2
    damaged = SseEvent(plain[:place] + put + plain[place + dropped : -2] + b"\n\n")
    shrewd, thorough = reader(), reader()
    for follow in (shrewd, thorough):
        marks(follow, plain)
    thorough._plain = None
    assert shrewd.read(damaged) is thorough.read(damaged)
    assert shrewd.failure == thorough.failure
    assert (shrewd.finish, shrewd.usage, shrewd.output_chars) == (
        thorough.finish,
        thorough.usage,
        thorough.output_chars,
    )


def test_the_short_cut_is_taken() -> None:
    follow = reader()
    marks(follow, text("x"))
    plain = follow._plain
    assert plain is not None
    marks(follow, text("y"), text("\n"), text("é"), text('"'))
    assert follow._plain is plain
    marks(follow, chunk({"content": "x"}, created=1))
    assert follow._plain is not plain
    marks(follow, chunk({"content": "x"}, obfuscation="abc"))
    plain = follow._plain
    marks(follow, chunk({"content": "yy"}, obfuscation="abcdef"), chunk({"content": "y"}, obfuscation=""))
    assert follow._plain is plain
    marks(follow, STOP)
    assert follow._plain is None
