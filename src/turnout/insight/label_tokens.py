"""Label files with the tokens of the answers: the signals of them, whole or of the first few, are reckoned here.

So what a calibration is fitted to is read by the very code that judges answers later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from turnout.confidence.prefix import PrefixSignal, prefix_name, prefix_of
from turnout.confidence.signal import Held, Signal, read_free
from turnout.confidence.signals.table import SIGNALS, signal_named
from turnout.errors import ConfigError
from turnout.types.chat import Answer, Chat, Finish, TokenLogprob
from turnout.types.features import Features
from turnout.wire.openai_chat.logprobs import decode_logprobs

TOKENS: Final = "logprobs"
"""The column: a list of numbers, or of OpenAI's objects (`choices[0].logprobs.content`); in a CSV file, as JSON."""

_OF_NUMBERS: Final = ("mean_logprob", "min_logprob", "quantile_logprob")
_OF_TEXTS: Final = ("first_token",)
_OF_OTHERS: Final = ("logprob_margin", "token_entropy")
_UNTOLD: Final = "\N{MIDDLE DOT}"
"""The text of a token of which only the number is told."""
Row = Mapping[str, Any]
Rows = list[tuple[int, Row]]


def with_signals(rows: Rows, prefix: int | None, source: str) -> Rows:
    """The rows with the signals of their tokens, and without signals of more or fewer tokens than are asked for.

    Args:
        rows: with their numbers.
        prefix: of the first so many tokens; None for whole answers. Answers that have not so many are left out: they
            are over before they could be judged by their beginning.
        source: where they come from, for people.

    Raises:
        ConfigError: the tokens of a row cannot be read, or nothing tells about the first `prefix` tokens.
    """
    told = [(line, _with_signals(row, prefix, source, line)) for line, row in rows]
    if prefix is None:
        return [(line, row) for line, row in told if row is not None]
    kept = [(line, row) for line, row in told if row is not None and _tells(row, prefix)]
    if not kept:
        raise ConfigError(
            f"no row tells about the first {prefix} tokens of an answer.",
            fix=f"Give a column {TOKENS} with the tokens' log-probabilities, or {prefix_name(_OF_NUMBERS[0], prefix)}; "
            "the answers must be longer than that.",
            file=source,
        )
    return kept


def _with_signals(row: Row, prefix: int | None, source: str, line: int) -> Row | None:
    """A row with its signals; None where it has too few tokens."""
    known = {name: value for name, value in row.items() if name != TOKENS and _belongs(name, prefix)}
    given = row.get(TOKENS)
    if given in (None, "", []):
        return known
    tokens = _tokens(given, source, line)
    if prefix is not None and len(tokens) < prefix:
        return None
    return {**_signals(tokens, prefix), **known}


def _belongs(name: str, prefix: int | None) -> bool:
    """Whether a column is a signal of so many tokens, or no signal at all."""
    signal, tokens = prefix_of(name)
    return tokens == prefix if signal in SIGNALS else True


def _tells(row: Row, prefix: int) -> bool:
    return any(prefix_of(name)[1] == prefix and row[name] not in (None, "") for name in row)


def _tokens(given: object, source: str, line: int) -> tuple[TokenLogprob, ...]:
    try:
        listed = msgspec.json.decode(given) if isinstance(given, str) else given
        if not isinstance(listed, list):
            raise TypeError("it is no list")
        if isinstance(listed[0], dict):
            return decode_logprobs({"content": listed})
        return tuple(TokenLogprob(_UNTOLD, float(each)) for each in listed)
    except (ValueError, TypeError) as error:
        fix = "Write a list of numbers, or OpenAI's `logprobs.content`."
        raise ConfigError(f"'{TOKENS}' cannot be read: {error}.", fix=fix, file=source, line=line) from None


def _signals(tokens: tuple[TokenLogprob, ...], prefix: int | None) -> dict[str, float]:
    """What can be read off them."""
    answer = Answer(id="", model="", parts=(), finish=Finish.STOP, usage=None, logprobs=tokens)
    features = Features(chars=0, tokens=0, context_tokens=0)
    case = Held(question=Chat(messages=()), answer=answer, features=features, target="")
    names = _OF_NUMBERS + (() if tokens[0].token == _UNTOLD else _OF_TEXTS)
    names += _OF_OTHERS if all(token.top for token in tokens) else ()
    read: dict[str, float] = {}
    for name in names:
        whole = signal_named(name)
        signal: Signal = whole if prefix is None else PrefixSignal(whole=whole, tokens=prefix)
        value = read_free(signal, case)
        if value is not None:
            read[signal.name] = value
    return read
