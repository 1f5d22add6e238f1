"""Asking a target how sure it is, in a tail of its answer that the caller never sees.

Whoever asks (`ask_tail`) has to take the tail out again: `split_answer` of a whole answer, `TailFilter` of a stream.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from turnout.types.chat import Answer, Chat, Part, Text, TokenLogprob
from turnout.types.stream import Delta, Finished, TextDelta

TAIL: Final = "tail"
"""What a signal needs, and a candidate wants, whose target is to be asked so."""

_OPEN, _CLOSE = "<confidence>", "</confidence>"
_ROOM: Final = 16
"""Tokens that the tail takes."""

_ASKED: Final = (
    f"After your answer, end with a line of this form: {_OPEN}NN{_CLOSE}, where NN is the probability that your answer "
    "is correct, as a whole number from 0 to 100. Write it once, and do not mention it otherwise."
)
_FORCED: Final = frozenset({"required", "tool"})
_BODY: Final = r"[\s\d.,%]{0,24}"
_LONGEST: Final = len(_OPEN) + 24 + len(_CLOSE)
_TAIL: Final = re.compile(rf"(?<!\s)\s*{_OPEN}({_BODY}){_CLOSE}", re.IGNORECASE)
_BROKEN: Final = re.compile(rf"(?<!\s)\s*<conf[a-z]*(?:>({_BODY})(?:<[/a-z]*)?)?\Z", re.IGNORECASE)
"""A tail that was cut off."""
_VALUE: Final = re.compile(r"\s*(\d{1,3}(?:[.,]\d{1,6})?)\s*%?\s*")


def why_no_tail(chat: Chat) -> str | None:
    """Why a request cannot ask for a tail, in machine-readable words; None where it can."""
    if chat.foreign:
        return "foreign_fields"  # only the caller's own body has them, and that body cannot ask
    if chat.format is not None:
        return "output_format"  # JSON and a tail is no JSON
    if chat.tool_choice is not None and chat.tool_choice.mode in _FORCED:
        return "forced_tool"  # a call has no tail
    if chat.stop:
        return "stop_sequences"  # one may end the answer before its tail
    return "logprobs" if chat.logprobs else None  # the caller would see those of the tail


def ask_tail(chat: Chat) -> Chat:
    """The request with the tail asked for.

    Raises:
        ValueError: it cannot be: see `why_no_tail`.
    """
    if reason := why_no_tail(chat):
        raise ValueError(f"no tail can be asked for: {reason}")
    limit = None if chat.max_tokens is None else chat.max_tokens + _ROOM
    return msgspec.structs.replace(chat, system=(*chat.system, Text(_ASKED)), max_tokens=limit)


class TailSplitter:
    """Takes the tail out of a text that comes in pieces; what may yet be one is kept back.

    Attributes:
        stated: how sure the target says it is, 0 to 1; None until it has said so in a form that can be read.
    """

    def __init__(self) -> None:
        self.stated: float | None = None
        self._kept = ""
        self._found = False

    def feed(self, text: str) -> str:
        """Take the next piece, and give what of the text is no tail."""
        self._kept = _TAIL.sub(self._take, self._kept + text)
        bound = _may_begin_at(self._kept)
        told, self._kept = self._kept[:bound], self._kept[bound:]
        return told

    def end(self) -> str:
        """The rest, once nothing follows."""
        rest, self._kept = _BROKEN.sub(self._take, self._kept), ""
        return "" if self._found and not rest.strip() else rest

    def _take(self, found: re.Match[str]) -> str:
        self._found = True
        stated = _stated(found[1] or "")
        self.stated = self.stated if stated is None else stated
        return ""


def split_tail(text: str) -> tuple[str, float | None]:
    """A text without its tail, and how sure the target says it is; None where it does not."""
    splitter = TailSplitter()
    told = splitter.feed(text) + splitter.end()
    return told, splitter.stated


def split_answer(answer: Answer) -> tuple[Answer, float | None]:
    """An answer without its tail, the tail's tokens taken out of its log-probabilities as well."""
    splitter = TailSplitter()
    parts: list[Part] = [_fed(part, splitter) for part in answer.parts]
    rest = splitter.end()
    last = max((place for place, part in enumerate(parts) if isinstance(part, Text)), default=None)
    if last is not None:
        parts[last] = Text(_text(parts[last]) + rest)
    kept = tuple(part for part in parts if not isinstance(part, Text) or part.text)
    told = msgspec.structs.replace(answer, parts=kept)
    spare = len(answer.text) - len(told.text)
    return msgspec.structs.replace(told, logprobs=_without_last(answer.logprobs, spare)), splitter.stated


class TailFilter:
    """Takes the tail out of a stream of deltas. The log-probabilities of its text are left out.

    Attributes:
        stated: as in `TailSplitter`.
    """

    def __init__(self) -> None:
        self._splitter = TailSplitter()

    @property
    def stated(self) -> float | None:
        """See the class."""
        return self._splitter.stated

    def feed(self, delta: Delta) -> Sequence[Delta]:
        """Take the next delta, and give those that the caller may see."""
        match delta:
            case TextDelta(text):
                told = self._splitter.feed(text)
                return (TextDelta(told),) if told else ()
            case Finished():
                rest = self._splitter.end()
                return (TextDelta(rest), delta) if rest else (delta,)
        return (delta,)


def _fed(part: Part, splitter: TailSplitter) -> Part:
    return msgspec.structs.replace(part, text=splitter.feed(part.text)) if isinstance(part, Text) else part


def _text(part: Part) -> str:
    return part.text if isinstance(part, Text) else ""


def _stated(written: str) -> float | None:
    """A probability as it was written: 87, 87%, 0.87."""
    value = _VALUE.fullmatch(written)
    if value is None:
        return None
    number = value[1].replace(",", ".")
    stated = float(number) / (1 if "." in number and float(number) <= 1 else 100)
    return stated if stated <= 1 else None


def _may_begin_at(text: str) -> int:
    """Where a tail may begin that is not complete yet, the spaces before it included; the end where none may."""
    near = range(max(0, len(text) - _LONGEST), len(text))
    bound = next((at for at in near if text[at] == "<" and _may_go_on(text[at:])), len(text))
    return len(text[:bound].rstrip())


def _may_go_on(text: str) -> bool:
    """Whether a text that begins with `<` may become a tail."""
    folded = text.lower()
    if not folded.startswith(_OPEN):
        return _OPEN.startswith(folded)
    inner, _, closing = folded[len(_OPEN) :].partition("<")
    return re.fullmatch(_BODY, inner) is not None and _CLOSE.startswith(f"<{closing}" if "<" in text[1:] else "")


def _without_last(tokens: Sequence[TokenLogprob], chars: int) -> tuple[TokenLogprob, ...]:
    """The tokens but for those at the end that make up so many characters."""
    left = len(tokens)
    while left and chars > 0:
        left -= 1
        chars -= len(tokens[left].token)
    return tuple(tokens[:left])
