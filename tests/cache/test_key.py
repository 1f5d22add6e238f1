"""What makes two requests the same, and what keeps them apart."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.deciding import a_target
from turnout.cache.key import NO_MATTER, Proposed, answer_key, is_never_the_same
from turnout.types.dialect import DialectName
from turnout.types.request import Caller, Request
from turnout.types.target import Target

BODY: dict[str, Any] = {"model": "support", "messages": [{"role": "user", "content": "Hi"}]}
CALLERS = list(NO_MATTER)


def a_request(
    body: dict[str, Any], *, raw: bytes | None = None, dialect: str = "openai_chat", **caller: Any
) -> Request:
    raw = raw or msgspec.json.encode(body)
    given = Caller(**caller)
    return Request(dialect=DialectName(dialect), route="support", raw=raw, body=body, stream=False, caller=given)


def proposed(*targets: Target) -> Proposed:
    return Proposed(frozenset(), targets)


def key(request: Request, **given: Any) -> bytes | None:
    wanted: dict[str, Any] = {"route": "support", "policy_version": "1", "proposed": proposed(a_target("a")), **given}
    return answer_key(b"secret", request, **wanted)


@pytest.mark.parametrize(
    "changed",
    [
        {"messages": [{"role": "user", "content": "hi"}]},
        {"messages": [{"role": "system", "content": "Be kind."}, *BODY["messages"]]},
        {"temperature": 0},
        {"temperature": 1},
        {"seed": 7},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"response_format": {"type": "json_object"}},
        {"max_tokens": 10},
        {"stream": True},
        {"stop": ["x"]},
        {"a_field_of_next_year": False},
        {"metadata": {"a": "b"}},
    ],
    ids=str,
)
def test_whatever_can_change_the_answer_makes_another_key(changed: dict[str, Any]) -> None:
    assert key(a_request(BODY | changed)) != key(a_request(BODY))


def test_so_do_the_tenant_the_route_the_policy_the_targets_the_dialect_and_the_secret() -> None:
    same = key(a_request(BODY))
    assert same is not None
    others = [
        key(a_request(BODY, tenant="another")),
        key(a_request(BODY), route="other"),
        key(a_request(BODY), policy_version="2"),
        key(a_request(BODY), proposed=proposed(a_target("b"))),
        key(a_request(BODY), proposed=proposed(a_target("a", model="newer"))),
        key(a_request(BODY), proposed=Proposed(frozenset({"pro"}), [a_target("a")])),
        key(a_request(BODY, headers={"anthropic-beta": "something"})),
        key(a_request(BODY, dialect="openai_responses")),
        answer_key(b"other", a_request(BODY), "support", "1", proposed(a_target("a"))),
    ]
    assert len({same, *others}) == len(others) + 1


@pytest.mark.parametrize("dialect", CALLERS)
def test_what_cannot_change_the_answer_does_not(dialect: str) -> None:
    for field in NO_MATTER[DialectName(dialect)]:
        assert key(a_request(BODY | {field: "u-1"}, dialect=dialect)) == key(a_request(BODY, dialect=dialect))


def test_the_order_of_fields_and_the_space_between_them_do_not_matter() -> None:
    raw = b'{ "messages" : [ {"content":"Hi", "role":"user"} ],\n"model":"support"}'
    assert key(a_request(msgspec.json.decode(raw), raw=raw)) == key(a_request(BODY))


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model": "support", "messages": [], "messages": [{"role": "user", "content": "Hi"}]}',
        b'{"model": "support", "messages": [{"role": "user", "content": "evil", "content": "Hi"}]}',
    ],
)
def test_a_name_that_comes_twice_has_no_key_because_the_provider_may_read_the_other_one(raw: bytes) -> None:
    assert key(a_request(BODY, raw=raw)) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_two_bodies_have_one_key_exactly_if_they_say_the_same(one: Any, other: Any) -> None:
    keys = [key(a_request(BODY | {"x": each})) for each in (one, other)]
    canonical = [msgspec.json.encode(each, order="deterministic") for each in (one, other)]
    assert (keys[0] == keys[1]) == (canonical[0] == canonical[1])


@pytest.mark.parametrize(
    ("dialect", "field"),
    [
        ("openai_chat", {"store": True}),
        ("openai_chat", {"n": 2}),
        ("openai_responses", {"conversation": "conv_1"}),
        ("anthropic_messages", {"container": "c_1"}),
    ],
)
def test_what_the_provider_keeps_is_never_answered_from_a_cache(dialect: str, field: dict[str, Any]) -> None:
    assert is_never_the_same(a_request(BODY | field, dialect=dialect))
    assert not is_never_the_same(a_request(BODY, dialect=dialect))
