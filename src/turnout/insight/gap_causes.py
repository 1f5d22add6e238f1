"""What explains a gap between a bill and the ledger: each cause looks at the evidence and speaks up, or does not."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from turnout.insight.bill import Billed
from turnout.insight.recorded import Part, Recorded

_ENOUGH: Final = Decimal("0.5")
"""What explains at least half of a gap is a cause of it."""


class Cause(msgspec.Struct, frozen=True):
    """What explains a gap.

    Attributes:
        kind: `open_day`, `retention`, `outside`, `not_billed`, `time_zone`, `unpriced`, `cached`, `price`, `estimated`,
            `broken`, `midnight` or `unknown`.
        told: the evidence and what to do, in a sentence.
    """

    kind: str
    told: str


class Evidence(NamedTuple):
    """What is known of a gap.

    Attributes:
        gap: what was billed less what was recorded, in `unit`.
        unit: `USD` or `tokens`.
        billed: the bill's side; None where it has nothing.
        recorded: the ledger's side; None where it has nothing.
        tolerance: up to which share two numbers count as the same.
        ratio: the bill's part of the ledger's cost, where that is the same on each of several days.
        offset: by how many hours ahead of UTC the bill's days begin, if that closes the gap.
        quiet_day: whether the ledger has no call at all on this day.
        open_day: whether the day ended so lately that the provider may not have counted all of it.
    """

    gap: Decimal
    unit: str
    billed: Billed | None
    recorded: Recorded | None
    tolerance: Decimal
    ratio: Decimal | None = None
    offset: int | None = None
    quiet_day: bool = False
    open_day: bool = False

    def explained_by(self, part: Part) -> bool:
        """Whether some calls make up most of the gap."""
        amount = part.usd if self.unit == "USD" else Decimal(part.tokens)
        return amount >= _ENOUGH * abs(self.gap)

    def same(self, one: int | None, other: int) -> bool:
        """Whether two counts are the same within the tolerance; not if the bill has none."""
        return one is not None and abs(one - other) <= self.tolerance * max(one, other)


def likely_causes(evidence: Evidence) -> tuple[Cause, ...]:
    """What explains the gap, the likeliest first; `unknown` if nothing does."""
    found = [Cause(kind, told) for kind, look in _CAUSES if (told := look(evidence))]
    return tuple(found) or (Cause("unknown", _unknown(evidence)),)


def _open_day(evidence: Evidence) -> str | None:
    if not evidence.open_day or evidence.gap >= 0:
        return None
    return "the provider may not have counted all of this day yet: export again in two days"


def _retention(evidence: Evidence) -> str | None:
    if evidence.recorded or not evidence.quiet_day:
        return None
    return "the ledger has no call at all on this day: it is another data directory's (--data), or retention removed it"


def _zone(evidence: Evidence) -> str | None:
    if evidence.offset is None:
        return None
    return f"the bill's days look like days in UTC{evidence.offset:+d}: export it in UTC"


def _outside(evidence: Evidence) -> str | None:
    billed, recorded = evidence.billed, evidence.recorded
    if billed is None or evidence.gap <= 0:
        return None
    if recorded is None:
        if evidence.quiet_day:
            return None
        return "no call of this model went through the gateway on this day: something else uses the account"
    if billed.requests is not None and billed.requests > recorded.all.calls * (1 + evidence.tolerance):
        more = billed.requests - recorded.all.calls
        return (
            f"the bill counts {billed.requests:,} requests, the ledger {recorded.all.calls:,}: {more:,} did not go "
            "through the gateway"
        )
    tokens = billed.tokens or 0
    more = tokens - recorded.all.tokens
    if billed.requests is None and more > evidence.tolerance * tokens:
        return (
            f"the bill has {more:,} tokens more than the ledger: of calls that did not go through the gateway, unless "
            "usage was estimated too low"
        )
    return None


def _not_billed(evidence: Evidence) -> str | None:
    if evidence.billed is not None or evidence.open_day:
        return None
    return "the bill does not have this model on this day: the calls are another account's (--provider), or free"


def _unpriced(evidence: Evidence) -> str | None:
    recorded = evidence.recorded
    if evidence.unit != "USD" or evidence.gap <= 0 or recorded is None or not recorded.unpriced.calls:
        return None
    targets = ", ".join(sorted(recorded.targets))
    return f"the price of {recorded.unpriced.calls:,} calls is unknown: give {targets} a `price`"


def _cached(evidence: Evidence) -> str | None:
    billed, recorded = evidence.billed, evidence.recorded
    if billed is None or recorded is None:
        return None
    if billed.cached_tokens is not None:
        alike = evidence.same(billed.cached_tokens, recorded.cached_tokens)
        if alike or not evidence.same(billed.input_tokens, recorded.input_tokens):
            return None
        return (
            f"of the same input {billed.cached_tokens:,} tokens are billed as cached and {recorded.cached_tokens:,} "
            "recorded as cached: those have another price"
        )
    if billed.cached_usd is None or bool(billed.cached_usd) == bool(recorded.cached_tokens):
        return None
    if billed.cached_usd:
        return "the bill charges for cached input tokens, and none are recorded: the provider does not report them"
    return f"{recorded.cached_tokens:,} input tokens are recorded as cached, and the bill charges none at that price"


def _price(evidence: Evidence) -> str | None:
    billed, recorded = evidence.billed, evidence.recorded
    if evidence.unit != "USD" or billed is None or recorded is None or recorded.unpriced.calls:
        return None
    versions = ", ".join(sorted(recorded.price_versions)) or "no version"
    fix = f"the price table ({versions}) is out of date, or the account has prices of its own"
    alike = evidence.same(billed.input_tokens, recorded.input_tokens)
    if alike and evidence.same(billed.output_tokens, recorded.output_tokens):
        each = [_per_million(amount, tokens) for amount, tokens in _costs(billed, recorded)]
        return f"the same tokens, billed at ${each[0]} a million and recorded at ${each[1]}: {fix}"
    if evidence.ratio is not None and billed.tokens is None:
        return f"the bill is {evidence.ratio:.3f} times the ledger on every day: {fix}"
    return None


def _costs(billed: Billed, recorded: Recorded) -> list[tuple[Decimal, int]]:
    return [(billed.cost_usd or Decimal(0), billed.tokens or 0), (recorded.all.usd, recorded.all.tokens)]


def _per_million(amount: Decimal, tokens: int) -> str:
    return f"{amount * 1_000_000 / tokens:.2f}" if tokens else "–"


def _estimated(evidence: Evidence) -> str | None:
    if evidence.recorded is None or not evidence.explained_by(evidence.recorded.estimated):
        return None
    return (
        f"{_calls(evidence.recorded.estimated)} broke off before their usage was told, so that theirs is our estimate"
    )


def _broken(evidence: Evidence) -> str | None:
    if evidence.gap >= 0 or evidence.recorded is None or not evidence.explained_by(evidence.recorded.broken):
        return None
    return f"{_calls(evidence.recorded.broken)} failed or were cancelled after using tokens; they seem not to be billed"


def _midnight(evidence: Evidence) -> str | None:
    if evidence.recorded is None or not evidence.explained_by(evidence.recorded.at_midnight):
        return None
    return f"{_calls(evidence.recorded.at_midnight)} were open at midnight UTC and may be billed on the day after"


def _calls(part: Part) -> str:
    return f"{part.calls:,} calls ({part.tokens:,} tokens, ${part.usd:.2f})"


def _unknown(evidence: Evidence) -> str:
    if evidence.gap > 0:
        return (
            "nothing in the ledger explains it. Most often something else uses the account: compare one API key's part "
            "of the bill (--only)"
        )
    return "nothing in the ledger explains it. Credits or discounts lower a bill; --provider compares other accounts"


_CAUSES: Final[tuple[tuple[str, Callable[[Evidence], str | None]], ...]] = (
    ("time_zone", _zone),
    ("open_day", _open_day),
    ("retention", _retention),
    ("unpriced", _unpriced),
    ("cached", _cached),
    ("price", _price),
    ("estimated", _estimated),
    ("broken", _broken),
    ("midnight", _midnight),
    ("outside", _outside),
    ("not_billed", _not_billed),
)
