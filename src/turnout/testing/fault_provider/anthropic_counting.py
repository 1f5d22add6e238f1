"""How many tokens a request of Anthropic Messages has, as the provider counts them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from turnout.testing.fault_provider.answer import Answer
from turnout.testing.fault_provider.anthropic_messages import AnthropicMessages
from turnout.testing.fault_provider.ask import Ask, UnreadableRequestError, required
from turnout.testing.fault_provider.script import Mark, Send
from turnout.types.dialect import DialectName

_ONLY_FOR_ANSWERS: Final = ("max_tokens", "metadata", "stop_sequences", "stream", "temperature", "top_k", "top_p")


class AnthropicCounting(AnthropicMessages):
    """`POST /v1/messages/count_tokens`: what the usage of an answer would say of the prompt. Nothing is billed."""

    def read(self, body: Mapping[str, Any]) -> Ask:
        """Understand a request.

        Raises:
            UnreadableRequestError: `model` or `messages` is missing, or a field says how to answer.
        """
        required(body, "messages", list, "messages: Field required")
        for field in _ONLY_FOR_ANSWERS:
            if field in body:
                raise UnreadableRequestError(f"{field}: Extra inputs are not permitted", field)
        model = required(body, "model", str, "model: Field required")
        return Ask(dialect=DialectName.ANTHROPIC_MESSAGES, model=model, body=body)

    def document(self, answer: Answer) -> dict[str, Any]:
        """`{"input_tokens": ...}`."""
        return {"input_tokens": answer.ask.input_tokens}

    def events(self, answer: Answer) -> Iterator[Send]:
        """There is no stream: the document."""
        yield Send(msgspec.json.encode(self.document(answer)), mark=Mark.FINISH)
