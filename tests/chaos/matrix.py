"""Every fault of the fault provider, and what a request that has a healthy second target is owed."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Owed(StrEnum):
    """What the caller gets."""

    PRIMARY = "the primary's answer"
    SECONDARY = "the secondary's answer"
    BROKEN = "the primary's first words and an error event"
    REFUSAL = "the primary's own refusal"


class Case(NamedTuple):
    """A fault at the primary.

    Attributes:
        fault: as the fault provider takes it.
        streamed: what a caller gets who streams: nothing was sent before the commit, so that another target can help.
        waiting: what a caller gets who waits for the whole answer.
        whole: the same where the provider is asked for the whole answer at once; None: as `waiting`.
    """

    fault: str
    streamed: Owed
    waiting: Owed
    whole: Owed | None = None


_ANY, _2ND, _CUT, _NO = Owed.PRIMARY, Owed.SECONDARY, Owed.BROKEN, Owed.REFUSAL

CASES = (
    # Harmless, or repaired without the caller noticing.
    *(
        Case(fault, _ANY, _ANY)
        for fault in (
            "healthy",
            "no_done",
            "double_done",
            "data_after_done",
            "wrong_ctype",
            "drip(10)",
            "slice",
            "crlf",
            "cr",
            "comments",
            "data_colon_comment",
            "ping_events",
            "big_event(1)",
            "big_body(1)",
            "gzip",
            "many_headers(20)",
            "slow_header_bytes(0.2)",
            "delay_headers(0.2)",
            "delay_first_token(0.2)",
            "stall_after(5, 0.2)",
            "usage(absent)",
            "usage(each)",
            "usage(end)",
            "usage(cumulative)",
            "close_keepalive_after(1)",
            "close_keepalive_after(1, reuse)",
            "reasoning_content",
        )
    ),
    # Nothing of an answer came: another target's answer is as good.
    *(
        Case(fault, _2ND, _2ND)
        for fault in (
            "refuse",
            "flap(60, 1)",
            "rst_on_accept",
            "rst_after_request",
            "rst_after_n_tokens(0)",
            "hang_headers",
            "delay_headers(30)",
            "delay_first_token(30)",
            "slow_header_bytes(200)",
            "stall_after(0, 30)",
            "eof_after(0)",
            "cut_after(0)",
            "half_close(0)",
            "json_error_200",
            "html_200",
            "sse_empty",
            "status(401)",
            "status(403)",
            "status(429)",
            "status(429, retry_after=2)",
            "status(429, retry_after=500ms)",
            "status(429, retry_after=date:30)",
            "status(429, retry_after=junk)",
            "status(429, retry_after=-1)",
            "status(429, retry_after=1000000000)",
            "status(500)",
            "status(502)",
            "status(503)",
            "status(529)",
            "context_length",
            "bad_json_at(0)",
            "bad_utf8_at(0)",
            "bad_gzip",
            "gzip_bomb(20)",
            "many_headers(1000)",
            "redirect(127.0.0.1:1)",
        )
    ),
    *(
        Case(fault, _2ND, _2ND, _ANY)  # the verb speaks of streams only
        for fault in (
            "sse_error_at(0)",
            "sse_error_at(-1)",
            "sse_error_at(0, overloaded)",
            "sse_error_at(0, rate_limit)",
            "ping_events+sse_error_at(0)",
        )
    ),
    # Part of an answer came. A caller who waits has not seen it. Without the drip all of it comes in one piece, and
    # is rescued before anything has been passed on.
    *(
        Case(f"drip(40)+{fault}", _CUT, _2ND)  # so slowly that no busy machine reads it in one piece
        for fault in (
            "rst_after_n_tokens(5)",
            "stall_after(5, 30)",
            "eof_after(5)",
            "cut_after(5)",
            "half_close(5)",
            "bad_json_at(5)",
            "bad_utf8_at(5)",
        )
    ),
    *(
        Case(f"drip(10)+{fault}", _CUT, _2ND, _ANY)
        for fault in (
            "no_finish",
            "sse_error_at(5)",
            "sse_error_at(5, overloaded)",
        )
    ),
    # The request's own fault: no other target would take it either.
    *(Case(fault, _NO, _NO) for fault in ("status(400)", "status(404)", "status(422)", "status(413)")),
)

NO_DONE = Case("drip(10)+no_done", _CUT, _2ND, _ANY)
"""What `no_done` is where a provider speaks Responses, whose last event is the finish signal as well."""

PARTIAL_ANSWERS = ("tokens(3)", "over_max_tokens", "tool_args(truncated)", "tool_args(not_json)", "tool_args(unknown)")
"""Verbs that change what is said, not whether it is complete: `tests/sdk` and the dialects' own tests look at them."""

EITHER_WAY = ("content_filter", "wrong_content_length", "cl_and_te")
"""Verbs with tests of their own in `test_fault_matrix.py`."""
