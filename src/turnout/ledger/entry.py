"""A journal's line: one JSON object that holds an intent, a decision, or what was said of one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from turnout.errors import LedgerError
from turnout.types.decision import Attempt, Decision, Intent
from turnout.types.feedback import Feedback

# Amounts are plain JSON numbers with all their digits. Whatever a policy put among the conditions is written as text
# where JSON has no form for it: a record is never refused for a detail.
_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line, to be written."""

    intent: Intent | None = None
    decision: Decision | None = None
    feedback: Feedback | None = None


class Line(msgspec.Struct, frozen=True):
    """One line, as read. `decision` is its own bytes, decoded only where they are looked at; empty for other lines."""

    intent: Intent | None = None
    decision: msgspec.Raw = msgspec.Raw()
    feedback: Feedback | None = None


class _OnlyId(msgspec.Struct, frozen=True):
    id: str


_line = msgspec.json.Decoder(Line)
_decision = msgspec.json.Decoder(Decision)
_only_id = msgspec.json.Decoder(_OnlyId)


def encode_into(entry: Entry, buffer: bytearray) -> None:
    """Replace what is in `buffer` by the line, newline included.

    Raises:
        LedgerError: the entry holds something that has no JSON form.
    """
    try:
        _encoder.encode_into(entry, buffer)
    except UnicodeEncodeError:
        buffer[:] = _encoder.encode(_without_surrogates(_builtins(entry)))
    except (TypeError, ValueError, RecursionError) as error:
        raise LedgerError(f"this record has no JSON form: {error}") from error
    buffer += b"\n"


def encode_decision(decision: Decision) -> bytes:
    """The decision as one JSON object on one line, without a newline: the ledger's and every `--json` output's form."""
    try:
        return _encoder.encode(decision)
    except UnicodeEncodeError:
        return _encoder.encode(_without_surrogates(_builtins(decision)))


def decode_line(line: bytes) -> Line:
    """Read a line.

    Raises:
        msgspec.DecodeError: it is not a whole line of a journal.
    """
    return _line.decode(line)


def decode_decision(raw: msgspec.Raw) -> Decision:
    """Read a decision from a line, equal to the one written.

    Raises:
        msgspec.DecodeError: it is not a decision.
    """
    return _decision.decode(raw)


def stored_decision(record: str, feedback: float | None = None) -> Decision:
    """Read a decision from the store, equal to the one written but for what was said of it since.

    Args:
        record: its JSON object.
        feedback: the score that it has been given; None for what the record says.

    Raises:
        LedgerError: it is not a decision that this turnout knows how to read.
    """
    try:
        decision = _decision.decode(record)
    except msgspec.DecodeError as error:
        raise LedgerError(f"a record in the ledger cannot be read ({error}): {record[:80]}...") from error
    return decision if feedback is None else msgspec.structs.replace(decision, feedback=feedback)


def decode_id(raw: msgspec.Raw) -> str:
    """Read a decision's id, and nothing else of it."""
    return _only_id.decode(raw).id


def interrupted(intent: Intent) -> Decision:
    """The decision that stands for a request whose process died under it: what was intended, at its estimated cost."""
    attempt = Attempt(
        target=intent.target,
        started=intent.time,
        outcome="cancelled",
        error_class="interrupted",
        latency_ms=0.0,
        input_tokens=intent.input_tokens,
        cost_usd=intent.cost_usd,
        estimated=True,
    )
    return Decision(
        id=intent.id,
        time=intent.time,
        route=intent.route,
        model=intent.model,
        tenant=intent.tenant,
        user=intent.user,
        source=intent.source,
        dialect=intent.dialect,
        stream=intent.stream,
        query_hash=intent.query_hash,
        query_key=intent.query_key,
        reason="the process ended before the outcome was recorded",
        attempts=(attempt,),
        outcome="interrupted",
        error="interrupted",
        cost_usd=intent.cost_usd,
        router_cost_usd=intent.cost_usd,
        shadow_of=intent.shadow_of,
    )


def _builtins(value: object) -> Any:
    return msgspec.to_builtins(value, builtin_types=(Decimal,), str_keys=True, enc_hook=str)


def _without_surrogates(value: Any) -> Any:
    r"""The same with each lone surrogate, which UTF-8 cannot hold, spelled out as `\ud800`."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value
