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


@given(usages)
def test_counts_survive_either_dialect(usage: Usage) -> None:
    assert openai.usage_from(openai.usage_to(usage)) == usage
    assert anthropic.usage_from(anthropic.usage_to(usage)) == usage


def test_anthropics_input_leaves_out_the_cache_and_ours_does_not() -> None:
    told = {"input_tokens": 3, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 4, "output_tokens": 5}
    assert anthropic.usage_from(told) == Usage(input_tokens=17, cached_tokens=10, cache_write_tokens=4, output_tokens=5)


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
    assert anthropic.usage_from({"input_tokens": nonsense, "output_tokens": 2}) == Usage(output_tokens=2)


def test_every_finish_can_be_told_in_either_dialect() -> None:
    assert set(openai_finish.FINISH_REASON) == set(anthropic_finish.STOP_REASON) == set(Finish)


def test_a_finish_that_a_dialect_has_a_word_for_survives_it() -> None:
    for word, finish in anthropic_finish.FINISH.items():
        assert anthropic_finish.STOP_REASON[finish] == word
    for finish in set(openai_finish.FINISH.values()):
        assert openai_finish.FINISH[openai_finish.FINISH_REASON[finish]] is finish
