"""Rules mined from labelled traffic: phrases and a length that tell which requests a cheaper target serves well.

Everything is chosen on one part of the requests and measured on another. A phrase or a length is chosen where the
lower end of Wilson's interval (E. B. Wilson, "Probable Inference", JASA 22, 1927) for its precision clears the bar, so
that few lucky requests do not suffice.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from turnout.features.phrases import PhraseLists

LONGEST: Final = 3
"""Words of a phrase, at most."""
LEAST_SUPPORT: Final = 8
"""Requests that a phrase must stand in, in the part that it is chosen on."""
LEAST_CHECKED: Final = 20
"""Requests that must be taken in the part that is kept aside, for anything to be said."""

_CHECKED: Final = 0.4
_MOST_CANDIDATES: Final = 4_000
_Z: Final = 1.96
Clears = Callable[[int, int], bool]
"""Whether so many of so many are enough."""

_WORD: Final = re.compile(r"\w+(?:['’]\w+)*")


class Case(NamedTuple):
    """A labelled request.

    Attributes:
        text: what the user said last.
        tokens: of it, estimated.
        good: whether the cheaper target's answer was good enough.
        saving_usd: what that answer cost less than the dearer target's; None where that is not known.
        left: whether it is left to what is there: it goes to the cheaper target already, or another rule comes first.
        group: what is never split between the two parts.
        time: when it was asked, sortable; empty where nobody knows.
    """

    text: str
    tokens: int
    good: bool
    saving_usd: float | None = None
    left: bool = False
    group: str = ""
    time: str = ""


class Measured(NamedTuple):
    """What a rule, or a part of one, does on the part that was kept aside.

    Attributes:
        support: how many requests it takes.
        precision: the share of them that the cheaper target answers well; None without any.
        low, high: the interval of 95 % around it.
        saving_usd: what it saves on them; None where costs are not known.
    """

    support: int
    precision: float | None
    low: float
    high: float
    saving_usd: float | None


class Phrase(NamedTuple):
    """A phrase, and what it does on the part that was kept aside."""

    text: str
    measured: Measured


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Attributes:
        easy: phrases of requests that the cheaper target serves well.
        most_tokens: requests no longer than this are served well too; None for no such length.
        hard: but for those with one of these phrases.
        measured: all of it together.
        base: every request that the rule could take, for comparison.
        mined, checked: how many of the other labelled requests were in either part.
        left: how many are left to what is there.
        bar: the precision that was asked for.
        verdict: in words.
        holds: whether it is worth proposing.
    """

    easy: tuple[Phrase, ...]
    most_tokens: int | None
    hard: tuple[Phrase, ...]
    measured: Measured
    base: Measured
    mined: int
    checked: int
    left: int
    bar: float
    verdict: str
    holds: bool


def suggest(cases: Sequence[Case], *, bar: float = 0.9, most: int = 12) -> Suggestion:
    """Mine rules.

    Args:
        cases: labelled requests.
        bar: the least precision.
        most: phrases of a list, at most.
    """
    open_cases = [case for case in cases if not case.left]
    mined, checked = _parts(open_cases)
    mine = _Mine(mined, bar, most)
    easy = mine.easy()
    length, hard = mine.length(easy)
    taken = _taken(checked, easy, length, hard)
    measured, base = measure(taken), measure(checked)
    verdict, holds = _verdict(measured, base, bar, anything=bool(easy or length is not None))
    return Suggestion(
        easy=tuple(Phrase(text, measure(_with([text], checked))) for text in easy),
        most_tokens=length,
        hard=tuple(Phrase(text, measure(_with([text], checked))) for text in hard),
        measured=measured,
        base=base,
        mined=len(mined),
        checked=len(checked),
        left=len(cases) - len(open_cases),
        bar=bar,
        verdict=verdict,
        holds=holds,
    )


def measure(cases: Sequence[Case]) -> Measured:
    """What becomes of requests that go to the cheaper target."""
    good = sum(case.good for case in cases)
    low, high = wilson(good, len(cases))
    savings = [case.saving_usd for case in cases if case.saving_usd is not None]
    whole = len(savings) == len(cases) and bool(cases)
    return Measured(len(cases), good / len(cases) if cases else None, low, high, sum(savings) if whole else None)


def wilson(good: int, number: int) -> tuple[float, float]:
    """Wilson's interval of 95 % for a share."""
    if not number:
        return 0.0, 1.0
    share, z2 = good / number, _Z * _Z
    middle = share + z2 / (2 * number)
    spread = _Z * math.sqrt(share * (1 - share) / number + z2 / (4 * number * number))
    whole = 1 + z2 / number
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)


class _Mine:
    """Chooses phrases and a length. Sets of requests are the bits of a number."""

    def __init__(self, cases: Sequence[Case], bar: float, most: int) -> None:
        self._cases, self._bar, self._most = cases, bar, most
        self._good = _bits(place for place, case in enumerate(cases) if case.good)
        self._all = (1 << len(cases)) - 1
        self._phrases = _candidates(cases)

    def easy(self) -> list[str]:
        """Phrases of requests that are answered well, each for what the ones before it have left."""
        return self._chosen(self._all, self._good, lambda good, number: wilson(good, number)[0] >= self._bar)

    def length(self, easy: Sequence[str]) -> tuple[int | None, list[str]]:
        """The length up to which the rest is answered well, but for some phrases."""
        left = self._all & ~self._covered(easy)
        plain = self._longest(left)
        bad = self._all & ~self._good
        usual = (left & bad).bit_count() / max(left.bit_count(), 1)
        hard = self._chosen(left, bad, lambda wrong, number: wilson(wrong, number)[0] > max(usual, 1 - self._bar))
        without = self._longest(left & ~self._covered(hard))
        if without is None or (plain is not None and plain >= without):
            return plain, []
        short = _bits(place for place, case in enumerate(self._cases) if case.tokens <= without)
        return without, [phrase for phrase in hard if self._phrases[phrase] & short & left]

    def _longest(self, left: int) -> int | None:
        found, good = None, 0
        places = sorted((place for place in range(len(self._cases)) if left >> place & 1), key=self._tokens)
        for number, place in enumerate(places, 1):
            good += self._cases[place].good
            last = number == len(places) or self._tokens(places[number]) > self._tokens(place)
            if last and number >= LEAST_SUPPORT and wilson(good, number)[0] >= self._bar:
                found = self._tokens(place)
        return found

    def _tokens(self, place: int) -> int:
        return self._cases[place].tokens

    def _chosen(self, left: int, wanted: int, clears: Clears) -> list[str]:
        """The phrase with most of what is wanted in what is left, again and again."""
        chosen: list[str] = []
        fit = {text: bits for text, bits in self._phrases.items() if _clears(bits & left, wanted, clears)}
        while fit and len(chosen) < self._most:
            best = max(fit, key=lambda text: ((fit[text] & left & wanted).bit_count(), len(text), text))
            chosen.append(best)
            left &= ~fit[best]
            fit = {text: bits for text, bits in fit.items() if _clears(bits & left, wanted, clears)}
        return chosen

    def _covered(self, phrases: Iterable[str]) -> int:
        covered = 0
        for phrase in phrases:
            covered |= self._phrases[phrase]
        return covered


def _clears(bits: int, wanted: int, clears: Clears) -> bool:
    number = bits.bit_count()
    return number >= LEAST_SUPPORT and clears((bits & wanted).bit_count(), number)


def _candidates(cases: Sequence[Case]) -> dict[str, int]:
    """The phrases that stand in enough requests, with those requests."""
    counts: Counter[str] = Counter()
    said = [_phrases(case.text) for case in cases]
    for phrases in said:
        counts.update(phrases)
    kept = {text for text, number in counts.most_common(_MOST_CANDIDATES) if number >= LEAST_SUPPORT}
    found = dict.fromkeys(kept, 0)
    for place, phrases in enumerate(said):
        for text in phrases & kept:
            found[text] |= 1 << place
    return found


def _phrases(text: str) -> set[str]:
    words = _WORD.findall(text.casefold())
    return {" ".join(words[at : at + size]) for size in range(1, LONGEST + 1) for at in range(len(words) - size + 1)}


def _parts(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """The requests to choose on, and those to check on: the latest, where times are known; no group is in both."""
    if cases and all(case.time for case in cases):
        ordered = sorted(cases, key=lambda case: case.time)
        mined = ordered[: round(len(ordered) * (1 - _CHECKED))]
        groups = {case.group for case in mined if case.group}
        return mined, [case for case in ordered[len(mined) :] if case.group not in groups]
    checked = [case for case in cases if _share(case.group or case.text) < _CHECKED]
    return [case for case in cases if _share(case.group or case.text) >= _CHECKED], checked


def _share(name: str) -> float:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big") / 2**32


def _with(phrases: Sequence[str], cases: Sequence[Case]) -> list[Case]:
    """The requests with one of the phrases, found as a route would find them."""
    lists = PhraseLists({"phrases": phrases})
    return [case for case in cases if lists.matches(case.text)]


def _taken(cases: Sequence[Case], easy: Sequence[str], length: int | None, hard: Sequence[str]) -> list[Case]:
    """The requests that the rule would take."""
    lists = PhraseLists({"easy": easy, "hard": hard})
    found = []
    for case in cases:
        matches = lists.matches(case.text)
        short = length is not None and case.tokens <= length and "hard" not in matches
        if "easy" in matches or short:
            found.append(case)
    return found


def _verdict(measured: Measured, base: Measured, bar: float, *, anything: bool) -> tuple[str, bool]:
    if base.precision is not None and base.low >= bar:
        return f"Nothing to tell apart: of all requests {base.precision:.0%} are served well. No rule is needed.", False
    if not anything:
        return f"Nothing beats what is there: no phrase and no length clears a precision of {bar:.0%}.", False
    if measured.support < LEAST_CHECKED or measured.precision is None:
        told = f"Nothing can be said: the rule takes {measured.support} of the requests kept aside, and it takes"
        return f"{told} {LEAST_CHECKED} to tell. Label more.", False
    if measured.precision < bar:
        told = f"Nothing beats what is there: on the requests kept aside the best rule has {measured.precision:.0%}"
        return f"{told}, below {bar:.0%}.", False
    if measured.saving_usd is not None and measured.saving_usd <= 0:
        return "Nothing beats what is there: the rule would save nothing.", False
    told = f"{measured.support} of {base.support} further requests go to the cheaper target, {measured.precision:.0%}"
    return f"{told} of them served well ({measured.low:.0%} to {measured.high:.0%}).", True


def _bits(places: Iterable[int]) -> int:
    found = 0
    for place in places:
        found |= 1 << place
    return found
