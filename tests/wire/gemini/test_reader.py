"""Following a stream of Gemini's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.following import events, marks
from tests.wire.gemini.speaking import USAGE, event, function_call, piece, text
from turnout.types.chat import Finish
from turnout.types.failure import FailureKind
from turnout.types.stream import Mark
from turnout.types.usage import Usage
from turnout.wire.gemini.finish import BROKEN
from turnout.wire.gemini.reader import Reader

NONE, TOKEN, FINISH, ERROR = Mark.NONE, Mark.TOKEN, Mark.FINISH, Mark.ERROR
BUSY = {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}


def test_a_whole_answer_is_followed_and_its_end_is_the_streams() -> None:
    follow = Reader()
    told = marks(
        follow, piece(text("Hello")), piece(text(" world")), piece(text(""), finish="STOP", usageMetadata=USAGE)
    )
    assert told == [TOKEN, TOKEN, FINISH]
    assert (follow.finish, follow.ended, follow.failure) == (Finish.STOP, False, None)
    assert follow.usage == Usage(input_tokens=9, output_tokens=2)
    assert follow.output_chars == len("Hello world")
    assert follow.model == "gemini-2.5-flash"


def test_the_last_usage_counts() -> None:
    follow = Reader()
    marks(
        follow, *(piece(text("x"), usageMetadata={"promptTokenCount": 9, "candidatesTokenCount": n}) for n in (1, 2, 3))
    )
    assert follow.usage == Usage(input_tokens=9, output_tokens=3)


@pytest.mark.parametrize(
    "preamble",
    [
        piece(),
        piece(text("")),
        piece({"text": "", "thoughtSignature": "c2ln"}),
        event({"usageMetadata": {"promptTokenCount": 9}, "modelVersion": "m"}),
        event({"promptFeedback": {"safetyRatings": []}}),
        b": keep-alive\n\n",
        b"data: : keep-alive\n\n",
        b"\n\n",
    ],
)
def test_nothing_of_the_preamble_commits(preamble: bytes) -> None:
    follow = Reader()
    assert marks(follow, preamble, piece(text("x")), preamble) == [NONE, TOKEN, NONE]
    assert follow.failure is None


@pytest.mark.parametrize(
    "part",
    [
        text(" "),
        {"text": "hm", "thought": True},
        function_call(),
        {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
    ],
)
def test_text_thoughts_calls_and_data_commit(part: dict[str, Any]) -> None:
    assert marks(Reader(), piece(part)) == [TOKEN]


def test_a_call_and_its_finish_may_come_at_once() -> None:
    follow = Reader()
    assert marks(follow, piece(function_call(), finish="STOP")) == [TOKEN | FINISH]
    assert follow.finish is Finish.TOOL_CALLS
    assert follow.output_chars == len('weather{"city":"Oslo"}')


def test_a_blocked_prompt_is_a_content_filter() -> None:
    follow = Reader()
    assert marks(follow, event({"promptFeedback": {"blockReason": "SAFETY"}})) == [FINISH]
    assert follow.finish is Finish.CONTENT_FILTER


@pytest.mark.parametrize("reason", sorted(BROKEN))
def test_an_answer_that_went_wrong_is_a_failure(reason: str) -> None:
    follow = Reader()
    assert marks(follow, piece(text("x")), piece(finish=reason)) == [TOKEN, ERROR]
    assert follow.finish is None
    assert follow.failure is not None
    assert (follow.failure.kind, follow.failure.code) == (FailureKind.ERROR_EVENT, reason)


def test_an_error_within_the_stream_says_what_it_is_and_keeps_its_words_from_other_dialects() -> None:
    follow = Reader()
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}
    assert marks(follow, piece(text("x")), event({"error": BUSY | {"details": [retry]}})) == [TOKEN, ERROR]
    failure = follow.failure
    assert failure is not None
    assert (failure.kind, failure.code, failure.retry_after_s) == (FailureKind.OVERLOADED, "UNAVAILABLE", 7.0)
    assert failure.message == "The model is overloaded."
    assert failure.body is None
    assert marks(follow, piece(text("y"))) == [NONE]


@pytest.mark.parametrize(
    "broken",
    [
        b"data: {\n\n",
        b"data: []\n\n",
        b'data: {"candidates": 3}\n\n',
        b'data: {"candidates": [3]}\n\n',
        b'data: {"candidates": [{"index": 1}]}\n\n',
        b'data: {"candidates": [{"content": {"parts": [{"text": 3}]}}]}\n\n',
        b'data: {"candidates": [{"finishReason": 3}]}\n\n',
        b'data: {"candidates": [{"content": {"parts": [{"text": "\xff"}]}}]}\n\n',
    ],
)
def test_an_event_that_is_not_of_the_dialect_is_malformed(broken: bytes) -> None:
    follow = Reader()
    assert marks(follow, piece(text("x")), broken) == [TOKEN, ERROR]
    assert follow.failure is not None
    assert follow.failure.kind is FailureKind.MALFORMED


@given(said=st.lists(st.text(min_size=1, max_size=20).filter(str.isprintable), min_size=1, max_size=8))
def test_the_shortcut_for_plain_text_counts_as_reading_does(said: list[str]) -> None:
    quick, slow = Reader(), Reader()
    stream = events(b"".join(piece(text(each)) for each in said))
    assert [quick.read(each) for each in stream] == [TOKEN] * len(said)
    for each in stream:
        slow._plain = None
        slow.read(each)
    assert quick.output_chars == slow.output_chars == sum(map(len, said))
