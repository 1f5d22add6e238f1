"""From the deltas of a stream to the answer, as far as it has come."""

from __future__ import annotations

from turnout.types.chat import Answer, Finish, Part, Refusal, Text, Thinking, TokenLogprob, ToolCall
from turnout.types.stream import (
    Delta,
    Finished,
    RefusalDelta,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from turnout.types.usage import Usage


class Gathered:
    """An answer that is still being written.

    Attributes:
        whole: whether the provider has said that it is complete.
        tokens: how many tokens of it have come with their log-probabilities.
    """

    def __init__(self) -> None:
        self.whole = False
        self._started = Started("", "")
        self._finished = Finished(Finish.OTHER)
        self._usage: Usage | None = None
        self._runs: list[tuple[type[Text | Refusal | Thinking] | int, list[str]]] = []
        """Pieces of one part each; those of a tool call stand under its index."""
        self._calls: dict[int, ToolCallStarted] = {}
        self._thoughts: dict[int, ThinkingDelta] = {}
        """What seals the reasoning of a run."""
        self._logprobs: list[TokenLogprob] = []

    @property
    def tokens(self) -> int:
        """See the class."""
        return len(self._logprobs)

    def add(self, delta: Delta) -> None:
        """Take the next delta."""
        match delta:
            case TextDelta(text, logprobs):
                self._say(Text, text)
                self._logprobs += logprobs
            case RefusalDelta(text):
                self._say(Refusal, text)
            case ThinkingDelta(text, signature, redacted):
                self._say(Thinking, text)
                if signature is not None or redacted is not None:
                    self._seal(delta)
            case ToolCallStarted(index):
                self._calls[index] = delta
                self._runs.append((index, []))
            case ToolCallDelta(index, arguments):
                next(pieces for kind, pieces in self._runs if kind == index).append(arguments)
            case Started():
                self._started = delta
                self._usage = delta.usage or self._usage
            case Finished():
                self._finished, self.whole = delta, True
            case UsageReported(usage):
                self._usage = usage

    def answer(self) -> Answer:
        """The answer so far; until it is whole, its finish is `OTHER`."""
        return Answer(
            id=self._started.id,
            model=self._started.model,
            parts=tuple(self._part(place) for place in range(len(self._runs))),
            finish=self._finished.finish,
            usage=self._usage,
            stop_sequence=self._finished.stop_sequence,
            logprobs=tuple(self._logprobs),
            created=self._started.created,
        )

    def _say(self, kind: type[Text | Refusal | Thinking], text: str) -> None:
        if not text:
            return
        if not self._runs or self._runs[-1][0] is not kind or len(self._runs) - 1 in self._thoughts:
            self._runs.append((kind, []))
        self._runs[-1][1].append(text)

    def _seal(self, delta: ThinkingDelta) -> None:
        if not self._runs or self._runs[-1][0] is not Thinking or delta.redacted is not None:
            self._runs.append((Thinking, []))
        self._thoughts[len(self._runs) - 1] = delta

    def _part(self, place: int) -> Part:
        kind, pieces = self._runs[place]
        text = "".join(pieces)
        if isinstance(kind, int):
            call = self._calls[kind]
            return ToolCall(call.id, call.name, text, signature=call.signature)
        if kind is Thinking:
            sealed = self._thoughts.get(place, ThinkingDelta())
            return Thinking(text, sealed.signature, sealed.redacted)
        return Text(text) if kind is Text else Refusal(text)
