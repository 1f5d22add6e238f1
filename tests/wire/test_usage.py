from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tests.wire.translating import usages
from turnout.types.chat import Finish
from turnout.types.usage import Usage
from turnout.wire.anthropic_messages import finish as anthropic_finish
from turnout.wire.anthropic_messages import usage as anthropic
from turnout.wire.openai_chat import finish as openai_finish
from turnout.wire.openai_chat import usage as openai
from turnout.wire.openai_responses import finish as responses_finish
from turnout.wire.openai_responses import usage as responses


@given(usages)
def test_counts_survive_every_dialect(usage: Usage) -> None:
    assert openai.usage_from(openai.usage_to(usage)) == usage
    assert responses.usage_from(responses.usage_to(usage)) == usage
    assert anthropic.usage_from(anthropic.usage_to(usage)) == usage


def test_anthropics_input_leaves_out_the_cache_and_ours_does_not() -> None:
    told = {"input_tokens": 3, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 4, "output_tokens": 5}
    assert anthropic.usage_from(told) == Usage(input_tokens=17, cached_tokens=10, cache_write_tokens=4, output_tokens=5)


def test_what_anthropic_keeps_for_an_hour_is_told_apart() -> None:
    kept = {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 3}
    usage = anthropic.usage_from({"input_tokens": 3, "cache_creation_input_tokens": 4, "cache_creation": kept})
    assert (usage.cache_write_tokens, usage.cache_write_hour_tokens) == (4, 3)
    assert anthropic.usage_from(anthropic.usage_to(usage)) == usage


def test_reasoning_that_only_the_total_counts_is_counted() -> None:
    details = {"completion_tokens_details": {"reasoning_tokens": 50}}
    apart = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 65, **details}
    within = {"prompt_tokens": 10, "completion_tokens": 55, "total_tokens": 65, **details}
    expected = Usage(input_tokens=10, output_tokens=55, reasoning_tokens=50)
    assert openai.usage_from(apart) == openai.usage_from(within) == expected


@pytest.mark.parametrize("nonsense", [None, -1, "7", 1.5, True, [], {}])
def test_what_is_no_count_counts_nothing(nonsense: Any) -> None:
    told = {"prompt_tokens": nonsense, "completion_tokens": 2, "prompt_tokens_details": nonsense}
    assert openai.usage_from(told) == Usage(output_tokens=2)
    told = {"input_tokens": nonsense, "output_tokens": 2, "input_tokens_details": nonsense}
    assert anthropic.usage_from(told) == responses.usage_from(told) == Usage(output_tokens=2)


def test_every_finish_can_be_told_in_either_dialect() -> None:
    assert set(openai_finish.FINISH_REASON) == set(anthropic_finish.STOP_REASON) == set(Finish)


def test_a_finish_that_a_dialect_has_a_word_for_survives_it() -> None:
    for word, finish in anthropic_finish.FINISH.items():
        assert anthropic_finish.STOP_REASON[finish] == word
    for finish in set(openai_finish.FINISH.values()):
        assert openai_finish.FINISH[openai_finish.FINISH_REASON[finish]] is finish


@pytest.mark.parametrize("finish", Finish)
def test_a_finish_is_told_by_a_status_and_its_reason(finish: Finish) -> None:
    told = responses_finish.ending(finish)
    again = responses_finish.finish_of(**told, calls=finish is Finish.TOOL_CALLS)
    complete = {Finish.STOP, Finish.STOP_SEQUENCE, Finish.TOOL_CALLS, Finish.PAUSE, Finish.OTHER}
    assert (told["status"] == "completed") == (finish in complete)
    assert again is finish or finish not in {Finish.STOP, Finish.TOOL_CALLS, Finish.LENGTH, Finish.CONTENT_FILTER}


@pytest.mark.parametrize("status", ["failed", "in_progress", "queued", "cancelled", "", None, 7])
def test_only_a_completed_or_an_incomplete_response_is_an_answer(status: Any) -> None:
    with pytest.raises(ValueError, match="an answer"):
        responses_finish.finish_of(status, None, calls=False)
    assert responses_finish.finish_of("incomplete", {"reason": "steered"}, calls=True) is Finish.OTHER
