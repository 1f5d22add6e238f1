"""The table of verbs: everything that the fault-injecting provider can do wrong, a row each."""

from __future__ import annotations

import math

from turnout.testing.fault_provider import answer_verbs, response_verbs, wire_verbs
from turnout.testing.fault_provider.verb import Arg, Stage, Verb

_N = Arg("n", int)
_MB = Arg("mb", float, 1.0)


def _words(name: str, *choices: str, default: str | None = None) -> Arg:
    return Arg(name, str, default, choices)


_ROWS = (
    Verb("healthy", Stage.CONNECTION, "Answer as a good provider does."),
    Verb(
        "refuse",
        Stage.CONNECTION,
        "Close the port, and every connection, for s seconds (without s: until reset).",
        (Arg("s", float, math.inf),),
    ),
    Verb(
        "flap",
        Stage.CONNECTION,
        "Take turns: down seconds with the other verbs (alone: with the port closed), up seconds healthy.",
        (Arg("down", float, least=0.01), Arg("up", float, least=0.01)),
    ),
    Verb("rst_on_accept", Stage.CONNECTION, "Reset each connection as soon as it is there."),
    Verb(
        "close_keepalive_after",
        Stage.CONNECTION,
        "After n answers on a connection, close it unannounced; `reuse`: reset it when the next request comes.",
        (Arg("n", int, 1), _words("when", "idle", "reuse", default="idle")),
    ),
    Verb("tokens", Stage.ANSWER, "Answer with n tokens.", (_N,), answer_verbs.tokens),
    Verb(
        "over_max_tokens",
        Stage.ANSWER,
        "Say more tokens than max_tokens allows.",
        (Arg("extra", int, 10),),
        answer_verbs.over_max_tokens,
    ),
    Verb(
        "tool_args",
        Stage.ANSWER,
        "Call a tool with half of its arguments, with prose for arguments, or one that nobody offered.",
        (_words("how", "truncated", "not_json", "unknown"),),
        answer_verbs.tool_args,
    ),
    Verb(
        "content_filter",
        Stage.ANSWER,
        "Stop after three words, as filtered.",
        edit=answer_verbs.content_filter,
    ),
    Verb(
        "usage",
        Stage.ANSWER,
        "Report the usage never, in each event, at the end (asked for or not), or so far in each event.",
        (_words("when", "absent", "each", "end", "cumulative"),),
        answer_verbs.usage,
    ),
    Verb(
        "reasoning_content",
        Stage.ANSWER,
        "OpenAI chat: show the reasoning that was asked for, as DeepSeek and vLLM do.",
        edit=answer_verbs.reasoning_content,
    ),
    Verb(
        "status",
        Stage.RESPONSE,
        "Refuse. retry_after is sent as written; 500ms as retry-after-ms; date:30 as the HTTP date in 30 s.",
        (Arg("code", int), Arg("retry_after", str, ""), Arg("error", str, "")),
        response_verbs.status,
    ),
    Verb("context_length", Stage.RESPONSE, "Refuse the prompt as too long.", edit=response_verbs.context_length),
    Verb("json_error_200", Stage.RESPONSE, "Send an error with status 200.", edit=response_verbs.json_error_200),
    Verb("html_200", Stage.RESPONSE, "Send a page with status 200.", edit=response_verbs.html_200),
    Verb("sse_empty", Stage.RESPONSE, "Send an empty body with status 200.", edit=response_verbs.sse_empty),
    Verb(
        "wrong_ctype",
        Stage.RESPONSE,
        "Give the right body the wrong content-type.",
        (Arg("ctype", str, "text/plain"),),
        response_verbs.wrong_ctype,
    ),
    Verb(
        "redirect",
        Stage.RESPONSE,
        "Send the client to the same path at host.",
        (Arg("host", str), Arg("code", int, 307)),
        response_verbs.redirect,
    ),
    Verb(
        "sse_error_at",
        Stage.EVENT,
        "Send the dialect's error event after n tokens, and end (0: after the opening event; -1: first).",
        (_N, _words("error", "server", "overloaded", "rate_limit", default="server")),
        response_verbs.sse_error_at,
        "stream",
    ),
    Verb("no_finish", Stage.EVENT, "Leave out the finish signal.", (), response_verbs.no_finish, "stream"),
    Verb("double_done", Stage.EVENT, "Send the last event twice.", (), response_verbs.double_done, "stream"),
    Verb(
        "data_after_done",
        Stage.EVENT,
        "Send a token after the last event.",
        (),
        response_verbs.data_after_done,
        "stream",
    ),
    Verb("no_done", Stage.EVENT, "Leave out the last event.", (), response_verbs.no_done, "stream"),
    Verb("bad_json_at", Stage.EVENT, "Break the JSON of what follows n tokens.", (_N,), response_verbs.bad_json_at),
    Verb(
        "bad_utf8_at",
        Stage.EVENT,
        "Break the UTF-8 of what follows n tokens.",
        (_N,),
        response_verbs.bad_utf8_at,
    ),
    Verb("comments", Stage.EVENT, "Send a comment before each event.", (), response_verbs.comments, "stream"),
    Verb(
        "data_colon_comment",
        Stage.EVENT,
        "Send `data: : keep-alive` before each event.",
        (),
        response_verbs.data_colon_comment,
        "stream",
    ),
    Verb("ping_events", Stage.EVENT, "Send a ping before each event.", (), response_verbs.ping_events, "stream"),
    Verb(
        "big_event",
        Stage.EVENT,
        "Make the second event mb megabytes long, by a field that says nothing.",
        (_MB,),
        response_verbs.big_event,
        "stream",
    ),
    Verb(
        "big_body",
        Stage.EVENT,
        "Make the document mb megabytes long, by a field that says nothing.",
        (_MB,),
        response_verbs.big_body,
        "unary",
    ),
    Verb("eof_after", Stage.EVENT, "End in order after n tokens.", (_N,), response_verbs.eof_after),
    Verb("drip", Stage.TIME, "Be silent for ms before each token.", (Arg("ms", float),), wire_verbs.drip),
    Verb(
        "stall_after",
        Stage.TIME,
        "Be silent for s seconds after n tokens (0: after the opening event).",
        (_N, Arg("s", float, math.inf)),
        wire_verbs.stall_after,
    ),
    Verb(
        "cut_after",
        Stage.TIME,
        "Close after n tokens: no last chunk, or less than the announced length.",
        (_N,),
        wire_verbs.cut_after,
    ),
    Verb("rst_after_n_tokens", Stage.TIME, "Reset after n tokens.", (_N,), wire_verbs.rst_after_n_tokens),
    Verb(
        "half_close",
        Stage.TIME,
        "Close the sending side after n tokens, and keep the connection.",
        (Arg("n", int, 5),),
        wire_verbs.half_close,
    ),
    Verb(
        "delay_first_token",
        Stage.TIME,
        "Send the head, be silent for s seconds, then answer.",
        (Arg("s", float),),
        wire_verbs.delay_first_token,
    ),
    Verb(
        "delay_headers",
        Stage.TIME,
        "Be silent for s seconds before the head.",
        (Arg("s", float),),
        wire_verbs.delay_headers,
    ),
    Verb("hang_headers", Stage.TIME, "Read the request and never answer.", edit=wire_verbs.hang_headers),
    Verb("rst_after_request", Stage.TIME, "Read the request and reset.", edit=wire_verbs.rst_after_request),
    Verb("crlf", Stage.BYTES, "End the lines of events with CR LF.", (), wire_verbs.crlf, "stream"),
    Verb("cr", Stage.BYTES, "End the lines of events with CR.", (), wire_verbs.cr, "stream"),
    Verb("gzip", Stage.BYTES, "Compress the body, asked for or not.", edit=wire_verbs.gzip),
    Verb(
        "gzip_bomb",
        Stage.BYTES,
        "Send a body that unpacks to mb megabytes.",
        (Arg("mb", int, 100),),
        wire_verbs.gzip_bomb,
    ),
    Verb("bad_gzip", Stage.BYTES, "Say that the plain body is compressed by gzip.", edit=wire_verbs.bad_gzip),
    Verb("slice", Stage.BYTES, "Write each byte of the body by itself.", edit=wire_verbs.sliced),
    Verb(
        "wrong_content_length",
        Stage.HEAD,
        "Announce delta bytes more (or fewer, if negative) than are sent.",
        (Arg("delta", int),),
        wire_verbs.wrong_content_length,
    ),
    Verb(
        "cl_and_te",
        Stage.HEAD,
        "Announce both a content-length and chunks.",
        edit=wire_verbs.cl_and_te,
    ),
    Verb("many_headers", Stage.HEAD, "Send kb kilobytes of headers.", (Arg("kb", int),), wire_verbs.many_headers),
    Verb(
        "slow_header_bytes",
        Stage.HEAD,
        "Write each byte of the head by itself, ms apart.",
        (Arg("ms", float, 50.0),),
        wire_verbs.slow_header_bytes,
    ),
)

VERBS = {verb.name: verb for verb in _ROWS}
"""Each verb by its name, in the order in which they act within their stage."""
