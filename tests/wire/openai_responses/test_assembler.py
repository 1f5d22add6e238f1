from __future__ import annotations

from typing import Any

import pytest

from tests.wire.following import anthropic_event as event
from tests.wire.following import assembled
from turnout.wire.openai_responses.assembler import Assembler

RESPONSE: dict[str, Any] = {"id": "resp_1", "status": "in_progress", "output": [], "mood": "calm"}
ITEM: dict[str, Any] = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "Hi"}]}
CREATED = event("response.created", response=RESPONSE)
DONE = event("response.output_item.done", output_index=0, item=ITEM)


def test_the_last_event_holds_the_unary_answer_fields_unknown_here_included() -> None:
    whole = RESPONSE | {"status": "completed", "output": [ITEM], "usage": {"a_new_count": 1}}
    assert assembled(Assembler(), CREATED, DONE, event("response.completed", response=whole)) == whole


def test_items_that_the_last_event_leaves_out_are_those_that_came() -> None:
    second = ITEM | {"id": "msg_2"}
    late = event("response.output_item.done", output_index=1, item=second)
    nothing: list[Any] = [[], None]
    for output in nothing:
        last = event("response.incomplete", response=RESPONSE | {"status": "incomplete", "output": output})
        assert assembled(Assembler(), CREATED, late, DONE, last)["output"] == [ITEM, second]


@pytest.mark.parametrize(
    "stream",
    [
        (CREATED, DONE),
        (),
        (CREATED, event("response.failed", response=RESPONSE | {"status": "failed"})),
        (CREATED, event("error", message="no")),
        (CREATED, event("response.completed", response=7)),
    ],
)
def test_what_was_not_completed_is_no_answer(stream: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        assembled(Assembler(), *stream)
