from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.wire.sse import SseEvent, SseSplitter, sse_event

ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
lines = st.sampled_from(
    [
        b"data: {}",
        b"data:x",
        b"data:  two spaces",
        b"data",
        b"data: caf\xc3\xa9 \xf0\x9f\x9a\x82",
        b"event: ping",
        b"event:message_stop",
        b": keep-alive",
        b":",
        b"retry: 10",
        b"",
        b"",
        b"",
        b"\x00\xff",
    ]
)
mixed_streams = st.lists(st.tuples(lines, ends).map(b"".join), max_size=30).map(b"".join)
one_ended_streams = st.tuples(st.lists(lines, max_size=30), ends).map(lambda pair: pair[1].join(pair[0]))
byte_soup = st.lists(st.sampled_from([b"\n", b"\r", b"d", b":"]), max_size=40).map(b"".join)
streams = st.tuples(st.sampled_from([b"", b"\xef\xbb\xbf"]), mixed_streams | one_ended_streams | byte_soup).map(
    b"".join
)


def split(stream: bytes, cuts: list[int]) -> tuple[list[bytes], bytes]:
    splitter = SseSplitter()
    bounds = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(bounds)]
    return [event.raw for piece in pieces for event in splitter.feed(piece)], splitter.rest


def by_the_standard(stream: bytes) -> list[tuple[bytes | None, bytes]]:
    """The events as section 9.2.6 of the HTML standard dispatches them, line by line."""
    events: list[tuple[bytes | None, bytes]] = []
    name, data = None, list[bytes]()
    for line in stream.removeprefix(b"\xef\xbb\xbf").splitlines():
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if data:
                events.append((name, b"\n".join(data)))
            name, data = None, []
        elif field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return events


@given(streams, st.lists(st.integers(0, 500), max_size=12))
def test_where_the_transport_cuts_never_changes_the_events(stream: bytes, cuts: list[int]) -> None:
    assert split(stream, cuts) == split(stream, [])


@given(streams)
def test_every_single_byte_may_come_alone(stream: bytes) -> None:
    assert split(stream, list(range(len(stream)))) == split(stream, [])


@given(streams, st.lists(st.integers(0, 500), max_size=5))
def test_the_events_and_the_rest_are_the_stream(stream: bytes, cuts: list[int]) -> None:
    events, rest = split(stream, cuts)
    assert b"".join(events) + rest == stream


@given(streams)
def test_the_events_are_those_of_the_standard(stream: bytes) -> None:
    # One more byte settles whether a last CR was half of a CRLF.
    stream += b":"
    events = [SseEvent(raw) for raw in split(stream, [])[0]]
    told = [(event.name, event.data) for event in events if event.data is not None]
    assert told == by_the_standard(stream)


def test_an_event_is_given_as_soon_as_its_blank_line_is_complete() -> None:
    for end in (b"\n\n", b"\r\n\r\n", b"\r\r"):
        splitter = SseSplitter()
        assert [event.raw for event in splitter.feed(b"data: 1" + end)] == [b"data: 1" + end]
        assert splitter.rest == b""


def test_an_unterminated_event_is_never_an_event() -> None:
    splitter = SseSplitter()
    assert splitter.feed(b"data: [DONE]\n") == []
    assert splitter.rest == b"data: [DONE]\n"


def test_an_event_without_a_data_line_has_no_data() -> None:
    assert SseEvent(b"event: ping\n\n").data is None
    assert SseEvent(b"data:\n\n").data == b""


@pytest.mark.parametrize("raw", [b": x\n\n", b"\n\n", b"\r\n\r\n", b":\n: y\n\n", b"\xef\xbb\xbf:\n\n"])
def test_comments_and_blank_lines_are_harmless_to_every_client(raw: bytes) -> None:
    event = SseEvent(raw)
    assert event.is_comment
    assert not event.is_junk


@pytest.mark.parametrize(
    "raw",
    [b"data: : keep-alive\n\n", b"data::\n\n", b"data:\n\n", b"data\n\n", b"retry: 5\n\n", b"id: 7\n\n"],
)
def test_heartbeats_that_break_json_clients_are_junk(raw: bytes) -> None:
    event = SseEvent(raw)
    assert event.is_junk
    assert not event.is_comment


@pytest.mark.parametrize(
    "raw",
    [b"data: {}\n\n", b"data: [DONE]\n\n", b"event: error\n\n", b'event: ping\ndata: {"type":"ping"}\n\n'],
)
def test_what_says_something_is_not_junk(raw: bytes) -> None:
    assert not SseEvent(raw).is_junk


def test_an_event_over_the_limit_is_refused_however_it_is_cut() -> None:
    for size in (1, 7, 64):
        splitter = SseSplitter(limit=64)
        assert not any(splitter.feed(b"x" * size) for _ in range(64 // size))
        with pytest.raises(ValueError, match="larger than 64 bytes"):
            splitter.feed(b"xx")


def test_a_stream_longer_than_the_limit_is_fine() -> None:
    splitter = SseSplitter(limit=64)
    assert sum(len(splitter.feed(b"data: 1\n\ndata: 2")) + len(splitter.feed(b"\n\n")) for _ in range(50)) == 100


def test_a_large_event_in_small_pieces_is_not_searched_again_and_again() -> None:
    splitter = SseSplitter()
    piece = b"x" * 4096
    searched = [splitter.feed(piece) for _ in range(2000)]  # quadratic work would run into the test's timeout
    assert not any(searched)
    (event,) = splitter.feed(b"\n\n")
    assert len(event.raw) == 2000 * 4096 + 2


@given(
    st.lists(st.sampled_from(["a", "{}", ""]), min_size=1, max_size=4),
    st.sampled_from([None, "message_stop"]),
)
def test_an_encoded_event_is_read_back(parts: list[str], name: str | None) -> None:
    data = "\n".join(parts).encode()
    (event,) = SseSplitter().feed(sse_event(data, name))
    assert event.data == data
    assert event.name == (name.encode() if name else None)
