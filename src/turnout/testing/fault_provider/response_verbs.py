"""What verbs do to a whole response and to its events."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import msgspec

from turnout.testing.fault_provider.complaint import Complaint
from turnout.testing.fault_provider.script import Mark, Script, Send, Step
from turnout.testing.fault_provider.speech import event

if TYPE_CHECKING:
    from turnout.testing.fault_provider.response import Response

_HTML = b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>\n"
_ERRORS = {"server": 500, "overloaded": 529, "rate_limit": 429}
_TEXT_STARTS = re.compile(rb'"(?:content|text|delta|partial_json|arguments)":"')
_MB = 1_000_000
Damage = Callable[[bytes], bytes]


def status(response: Response, code: int, retry_after: str, error: str) -> None:
    """Refuse with an error of the dialect."""
    response.refuse(Complaint(code, code=error))
    headers = response.script.headers
    if retry_after.endswith("ms"):
        headers["retry-after-ms"] = retry_after.removesuffix("ms")
    elif retry_after.startswith("date"):
        after = float(retry_after.partition(":")[2] or 2)
        headers["retry-after"] = format_datetime(datetime.now(UTC) + timedelta(seconds=after), usegmt=True)
    elif retry_after:
        headers["retry-after"] = retry_after


def context_length(response: Response) -> None:
    """Refuse a prompt that is too long."""
    tokens = response.answer.ask.input_tokens
    said = f"prompt is too long: {tokens} tokens > {tokens - 1} maximum context length"
    code = "context_length_exceeded" if response.is_openai else ""
    response.refuse(Complaint(400, said, code=code, param="messages" if response.is_openai else None))


def json_error_200(response: Response) -> None:
    """Put an error into a success."""
    response.refuse(Complaint(500))
    response.script.status = 200


def html_200(response: Response) -> None:
    """Answer with a page."""
    response.say(Script.document(_HTML, content_type="text/html; charset=utf-8"))


def sse_empty(response: Response) -> None:
    """Say nothing at all, successfully."""
    script = response.script
    script.body, script.billed = [], False


def wrong_ctype(response: Response, ctype: str) -> None:
    """Call the right body by another name."""
    response.script.headers["content-type"] = ctype


def redirect(response: Response, host: str, code: int) -> None:
    """Send the client to the same path elsewhere."""
    response.say(Script.document(b"", code))
    response.script.headers["location"] = f"http://{host}{response.path}"


def sse_error_at(response: Response, n: int, error: str) -> None:
    """Fail in the middle, as the dialect does."""
    response.fail_at(response.script.after(n), Complaint(_ERRORS[error]))


def no_done(response: Response) -> None:
    """Leave out the last event."""
    _drop(response.script, Mark.DONE)


def no_finish(response: Response) -> None:
    """Leave out the finish signal."""
    _drop(response.script, Mark.FINISH)


def _drop(script: Script, mark: Mark) -> None:
    script.body = [step for step in script.body if not (isinstance(step, Send) and step.mark & mark)]


def double_done(response: Response) -> None:
    """Say the last event twice."""
    response.script.body += [step for step in response.script.body if _is_done(step)]


def data_after_done(response: Response) -> None:
    """Go on after the last event."""
    body = response.script.body
    body += [Send(step.data) for step in body if isinstance(step, Send) and step.tokens][:1]


def _is_done(step: Step) -> bool:
    return isinstance(step, Send) and Mark.DONE in step.mark


def bad_json_at(response: Response, n: int) -> None:
    """Break the JSON of the event after `n` tokens."""
    streamed = response.script.streamed

    def broken(data: bytes) -> bytes:
        return data.rstrip()[: -len(data) // 3] + b"\n\n" if streamed else b'"}{"' + data

    _damage(response.script, n, broken)


def bad_utf8_at(response: Response, n: int) -> None:
    """Break the encoding of the event after `n` tokens."""

    def broken(data: bytes) -> bytes:
        found = _TEXT_STARTS.search(data)
        place = found.end() if found else data.find(b'"') + 1
        return data[:place] + b"\xc3\x28\xff" + data[place:]

    _damage(response.script, n, broken)


def _damage(script: Script, tokens: int, broken: Damage) -> None:
    place = min(script.after(tokens), len(script.body) - 1)
    step = script.body[place] if script.body else None
    if isinstance(step, Send):
        script.body[place] = msgspec.structs.replace(step, data=broken(step.data))


def comments(response: Response) -> None:
    """Send a comment before each event."""
    _before_each(response, b": keep-alive\n\n")


def data_colon_comment(response: Response) -> None:
    """Send what should have been a comment as data."""
    _before_each(response, b"data: : keep-alive\n\n")


def ping_events(response: Response) -> None:
    """Send a ping before each event."""
    _before_each(response, event({"type": "ping"}))


def _before_each(response: Response, noise: bytes) -> None:
    response.script.body = [each for step in response.script.body for each in (Send(noise), step)]


def big_event(response: Response, mb: float) -> None:
    """Make the event after the opening one huge, by a field that says nothing."""

    def padded(data: bytes) -> bytes:
        return data.rstrip()[:-1] + b',"obfuscation":"%b"}\n\n' % (b"x" * round(mb * _MB))

    _damage(response.script, 0, padded)


def big_body(response: Response, mb: float) -> None:
    """Make the document huge, by a field that says nothing."""
    body = response.script.body
    last = body[-1] if body else None
    if isinstance(last, Send):
        padded = last.data[:-1] + b',"padding":"%b"}' % (b"x" * round(mb * _MB))
        body[-1] = msgspec.structs.replace(last, data=padded)


def eof_after(response: Response, n: int) -> None:
    """End in order after `n` tokens."""
    del response.script.body[response.script.after(n) :]
