"""Answers to read signals off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from turnout.confidence.signal import Held, read_free
from turnout.confidence.signals.table import Abilities, signal_named
from turnout.types.chat import Answer, Chat, Finish, Message, Part, Text, TokenLogprob
from turnout.types.features import Features


def chat(text: str = "How do I reset my password?", **fields: Any) -> Chat:
    return Chat(messages=(Message("user", (Text(text),)),), **fields)


def answer(text: str = "Open the settings.", *more: Part, finish: Finish = Finish.STOP, **fields: Any) -> Answer:
    parts = (Text(text), *more) if text else more
    return Answer(id="a", model="m", parts=parts, finish=finish, usage=None, **fields)


def held(said: Answer | None = None, question: Chat | None = None, **fields: Any) -> Held:
    features = fields.pop("features", Features(chars=27, tokens=7, context_tokens=11))
    return Held(question=question or chat(), answer=said or answer(), features=features, target="small", **fields)


def tokens(*logprobs: float, top: Sequence[float] = ()) -> tuple[TokenLogprob, ...]:
    """Tokens of these log-probabilities; each was chosen over those in `top`."""
    return tuple(
        TokenLogprob(f"t{place}", logprob, tuple((f"o{rank}", other) for rank, other in enumerate(top)))
        for place, logprob in enumerate(logprobs)
    )


def read(
    name: str, case: Held, settings: Mapping[str, Any] | None = None, *, abilities: Abilities | None = None
) -> float | None:
    """The signal of that name, which asks nothing."""
    return read_free(signal_named(name, settings, abilities=abilities), case)
