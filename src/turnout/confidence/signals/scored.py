"""Scores by code of the user's: a Python function, or a service that speaks HTTP.

The signal calls neither. It says what is to be scored and by whom (`Score`); where the function or the service is, is
the configuration's affair, and `turnout.execution.scoring` calls it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import urlsplit

import msgspec

from turnout.confidence.signal import Held, Reading, Score
from turnout.confidence.signals.measure import Named
from turnout.confidence.signals.request import request_values
from turnout.confidence.signals.transcript import turns
from turnout.types.chat import ToolCall
from turnout.types.durations import PATTERN, parse_duration

Duration = Annotated[str, msgspec.Meta(pattern=PATTERN)]

TIMEOUT: Final = "2s"


class Scored(Named, frozen=True, kw_only=True):
    """A number that code of the user's gives the answer.

    Attributes:
        timeout: how long it may take; later, nothing is known.
    """

    timeout: Duration = TIMEOUT

    @property
    def timeout_s(self) -> float:
        """The same in seconds."""
        return parse_duration(self.timeout)

    def __post_init__(self) -> None:
        parse_duration(self.timeout)

    def read(self, held: Held) -> Reading:
        """See `turnout.confidence.signal.Signal`."""
        if not held.whole:
            return None
        score = yield Score(scorer=self.name, case=case_of(held))
        return score if isinstance(score, float) else None


class PythonScore(Scored, frozen=True, kw_only=True):
    """The number that a Python function of yours gives the answer. It runs beside the event loop, on a thread.

    Attributes:
        call: the function, as `package.module:function`; it is given the case and returns a number, or None where it
            has no opinion. It may be `async`.
        timeout: how long it may take; later, nothing is known.
    """

    call: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]
    asks: ClassVar[str] = "your function"


class HttpScore(Scored, frozen=True, kw_only=True):
    """The number that a service of yours gives the answer: it is POSTed the case as JSON and returns `{"score": 0.8}`.

    The address is the configuration's alone; redirects are not followed.

    Attributes:
        url: where to.
        headers: what is sent with it, a key for instance.
        timeout: how long it may take, connecting included; later, nothing is known.
    """

    url: str
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    asks: ClassVar[str] = "your service"

    def __post_init__(self) -> None:
        """Check the settings. Raises `ValueError`."""
        super().__post_init__()
        address = urlsplit(self.url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("the url is that of a service, like http://scorer.internal:8080/score")

    def __repr__(self) -> str:
        """Without the headers, one of which may be a key."""
        return f"HttpScore(name={self.name!r}, url={self.url!r})"


def case_of(held: Held) -> dict[str, Any]:
    """What is scored, as JSON: question, answer, and what is known of both."""
    answer = held.answer
    return {
        "question": [{"role": role, "text": text} for role, text in turns(held.question)],
        "answer": answer.text,
        "tool_calls": [
            {"name": part.name, "arguments": part.arguments} for part in answer.parts if isinstance(part, ToolCall)
        ],
        "finish": str(answer.finish),
        "target": held.target,
        "features": dict(request_values(held.features)),
    }
