"""Log-probabilities of generated tokens."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from turnout.types.chat import TokenLogprob
from turnout.wire.event_json import expect


def decode_logprobs(result: Any) -> tuple[TokenLogprob, ...]:
    """Read a candidate's `logprobsResult`.

    Raises:
        ValueError: it is of another form.
    """
    told = expect(dict, result or {}, "logprobsResult")
    chosen, tops = told.get("chosenCandidates") or (), told.get("topCandidates") or ()
    try:
        return tuple(
            TokenLogprob(
                token=token["token"],
                logprob=token["logProbability"],
                top=tuple((each["token"], each["logProbability"]) for each in (top or {}).get("candidates") or ()),
            )
            for token, top in zip_longest(chosen, tops[: len(chosen)])
        )
    except (AttributeError, KeyError, TypeError):
        raise ValueError("logprobsResult of another form") from None
