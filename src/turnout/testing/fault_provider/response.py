"""A response in the making: what is said, in which dialect, and the script of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from turnout.testing.fault_provider.answer import Answer
from turnout.testing.fault_provider.complaint import Complaint
from turnout.testing.fault_provider.script import Mark, Script, Send, Step
from turnout.testing.fault_provider.speech import Speech
from turnout.testing.fault_provider.verb import Stage
from turnout.types.dialect import DialectName

if TYPE_CHECKING:
    from turnout.testing.fault_provider.fault import Fault

_PIECES = 4
"""Into how many a document without tokens is cut."""


@dataclass(slots=True)
class Response:
    """What verbs of the response and of its events change."""

    speech: Speech
    answer: Answer
    script: Script
    path: str
    request_id: str

    @property
    def streamed(self) -> bool:
        """Whether the body is made of events."""
        return self.script.streamed

    @property
    def is_openai(self) -> bool:
        """Whether errors are in OpenAI's envelope."""
        return self.answer.ask.dialect is not DialectName.ANTHROPIC_MESSAGES

    def say(self, other: Script) -> None:
        """Say something else instead."""
        self.script.replace_by(other)

    def refuse(self, complaint: Complaint) -> None:
        """Say an error of the dialect instead."""
        self.say(refusal(self.speech, complaint, self.request_id))

    def fail_at(self, place: int, complaint: Complaint) -> None:
        """End after `place` events, with an error as the dialect has it."""
        self.script.body[place:] = [Send(self.speech.error_event(complaint, self.answer, place))]


def refusal(speech: Speech, complaint: Complaint, request_id: str) -> Script:
    """An error as a response of its own."""
    return Script.document(msgspec.json.encode(speech.error(complaint, request_id)), complaint.status)


def respond(speech: Speech, answer: Answer, fault: Fault, path: str, request_id: str) -> Script:
    """The script of an answer, with the fault in it."""
    fault.edit(answer, Stage.ANSWER)
    answer.keep_to_limits()
    script = _script(speech, answer, whole=not fault.calls)
    script.headers |= {"x-request-id": request_id, "request-id": request_id}
    fault.edit(Response(speech, answer, script, path, request_id), Stage.RESPONSE, Stage.EVENT)
    fault.edit(script, Stage.TIME, Stage.BYTES, Stage.HEAD)
    return script


def _script(speech: Speech, answer: Answer, *, whole: bool) -> Script:
    if answer.ask.stream:
        headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
        return Script(headers=headers, body=list(speech.events(answer)), streamed=True, billed=True)
    body = msgspec.json.encode(speech.document(answer))
    pieces: list[Step] = [Send(body, answer.output_tokens, Mark.FINISH)] if whole else _pieces(body, answer)
    return Script(headers={"content-type": "application/json"}, body=pieces, billed=True)


def _pieces(body: bytes, answer: Answer) -> list[Step]:
    """The document in as many even pieces as it has tokens, so that a verb can act after some of them."""
    count = answer.output_tokens or _PIECES
    cuts = [len(body) * index // count for index in range(count + 1)]
    return [Send(body[start:end], 1, Mark.FINISH if end == len(body) else Mark.NONE) for start, end in pairwise(cuts)]
