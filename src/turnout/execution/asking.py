"""What a target is asked: the caller's own bytes where that can be, else a translation; and what a policy adds."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from turnout.confidence.signals.tail import TAIL, ask_tail, why_no_tail
from turnout.execution.work import Work
from turnout.providers.endpoint import Endpoint
from turnout.types.candidate import Candidate
from turnout.types.chat import Chat
from turnout.types.dialect import Need

ALTERNATIVES: Final = 5
"""How many of the likeliest tokens are asked for beside each; the most that every server gives."""


class Asked(NamedTuple):
    """A request's body in the provider's dialect.

    Attributes:
        body: it.
        hides: it asks for log-probabilities, and the caller did not: the answer goes on without them.
        tails: it asks how sure the target is, in a tail: the answer goes on without that.
    """

    body: bytes
    hides: bool
    tails: bool = False


def asked(work: Work, candidate: Candidate, endpoint: Endpoint, *, stream: bool) -> Asked:
    """What `endpoint` is asked for a candidate.

    Raises:
        InvalidRequest: the caller's body is not a request of its dialect.
    """
    model, dialect = endpoint.target.model, endpoint.dialect
    ask_usage = stream and endpoint.stream_usage
    curious = Need.LOGPROBS in candidate.wants and Need.LOGPROBS not in endpoint.target.lacks
    tails = TAIL in candidate.wants and why_no_tail(candidate.ask or work.chat) is None
    if candidate.ask is None and dialect.name is work.dialect.name and not tails:
        raw = work.dialect.prepare(work.request.raw, model, stream=stream, ask_usage=ask_usage)
        body = work.dialect.ask_logprobs(raw, ALTERNATIVES) if curious else raw
        return Asked(body, hides=body is not raw)
    chat = candidate.ask or work.chat
    hides = curious and not chat.logprobs
    chat = _changed(ask_tail(chat) if tails else chat, stream=stream, curious=hides)
    encoded = dialect.encode_request(chat, model or work.request.route, ask_usage=ask_usage)
    return Asked(msgspec.json.encode(encoded), hides, tails)


def _changed(chat: Chat, *, stream: bool, curious: bool) -> Chat:
    if curious:
        return msgspec.structs.replace(chat, stream=stream, logprobs=True, top_logprobs=ALTERNATIVES)
    return msgspec.structs.replace(chat, stream=stream)
