"""Masks what is personal or secret in a text, by well-kept lists of what such things look like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Final

from turnout.errors import MissingExtra

Mask = Callable[[str], str]
Span = tuple[int, int, str]

_EMAIL: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_CARD: Final = re.compile(r"(?<![\d.])\d(?:[ -]?\d){11,18}(?!\d)")
_IBAN: Final = re.compile(r"\b[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}", re.ASCII)
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|\Z)", re.DOTALL
)
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
_PROVIDER_KEY: Final = re.compile(r"\b(?:sk-|xai-|gsk_|pplx-|hf_|AIza)[\w-]{16,}", re.ASCII)
_TOLD: Final = re.compile(
    r"(?i)\b(?:password|passwd|pwd|passphrase|api[ _-]?key|secret)\s*(?:\bis\b|:|=)\s*[\"']?(?P<value>[^\s\"']{4,})"
)
_SEVEN_DIGITS: Final = re.compile(r"\d(?:[\s()./+-]{0,3}\d){6}")
_PART_OF_TOKEN: Final = re.compile(r"[\w.+/=~-]*", re.ASCII)
_SHORTEST_IBAN: Final = 15


@cache
def load_mask(regions: tuple[str, ...] = ("US",)) -> Mask:
    """What masks a text: `[secret]`, `[email]`, `[card]`, `[iban]`, `[phone]` and `[ip]` stand for what was there.

    Secrets are what detect-secrets knows (keys by their provider's form, private keys, passwords in addresses and
    assignments, long words as random as a key); cards and IBANs are told from other numbers by their check digits
    (python-stdnum), phone numbers by their countries' numbering plans (phonenumbers).

    Args:
        regions: the countries (ISO 3166, two letters) whose phone numbers are known without a + and the country.

    Raises:
        MissingExtra: the extra `redact` is not installed.
    """
    try:
        import phonenumbers
        from stdnum import iban, luhn
    except ImportError as error:
        raise MissingExtra("privacy: redacted", "redact") from error
    secrets = _secret_finder()

    def phones(text: str) -> Iterator[Span]:
        for region in regions if _SEVEN_DIGITS.search(text) else ():
            for found in phonenumbers.PhoneNumberMatcher(text, region, leniency=phonenumbers.Leniency.VALID):
                yield found.start, found.end, "[phone]"

    def cards(text: str) -> Iterator[Span]:
        for found in _CARD.finditer(text):
            if luhn.is_valid(re.sub(r"[ -]", "", found[0])):
                yield *found.span(), "[card]"

    def ibans(text: str) -> Iterator[Span]:
        for found in _IBAN.finditer(text):
            # The words after an IBAN may look as if they belonged to it.
            for end in range(found.end(), found.start() + _SHORTEST_IBAN - 1, -1):
                if text[end - 1].isalnum() and iban.is_valid(text[found.start() : end], check_country=False):
                    yield found.start(), end, "[iban]"
                    break

    def emails(text: str) -> Iterator[Span]:
        return ((*found.span(), "[email]") for found in _EMAIL.finditer(text))

    finders = (secrets, emails, cards, ibans, phones)
    return lambda text: _masked(text, [span for find in finders for span in find(text)])


def _masked(text: str, spans: list[Span]) -> str:
    """The text with each span replaced; of overlapping ones all is replaced by the first's name."""
    parts: list[str] = []
    at = 0
    for start, end, name in sorted(spans):
        if start >= at:
            parts += [text[at:start], name]
        at = max(at, end)
    return "".join([*parts, text[at:]])


def _secret_finder() -> Callable[[str], Iterator[Span]]:
    try:
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
        from detect_secrets.plugins.base import RegexBasedDetector
        from detect_secrets.plugins.high_entropy_strings import HighEntropyStringsPlugin
        from detect_secrets.plugins.keyword import KeywordDetector
    except ImportError as error:
        raise MissingExtra("privacy: redacted", "redact") from error
    kinds: Any = get_mapping_from_secret_type_to_class().values()
    plugins = [kind() for kind in kinds]
    patterns = [
        (re.compile(pattern), "[ip]" if "IP" in plugin.secret_type else "[secret]")
        for plugin in plugins
        if isinstance(plugin, RegexBasedDetector)
        for pattern in plugin.denylist
    ]
    keywords = next(plugin for plugin in plugins if isinstance(plugin, KeywordDetector))
    random = [plugin for plugin in plugins if isinstance(plugin, HighEntropyStringsPlugin)]

    def find(text: str) -> Iterator[Span]:
        for known in (_PRIVATE_KEY, _PROVIDER_KEY):
            yield from ((*found.span(), "[secret]") for found in known.finditer(text))
        yield from ((*found.span("value"), "[secret]") for found in _TOLD.finditer(text))
        for pattern, name in patterns:
            yield from (_whole_token(text, *found.span(), name) for found in pattern.finditer(text))
        for found in _TOKEN.finditer(text):
            if _looks_random(found[0], random):
                yield *found.span(), "[secret]"
        yield from _assigned(text, keywords)

    return find


def _whole_token(text: str, start: int, end: int, name: str) -> Span:
    """Some patterns know only how a secret begins."""
    rest = _PART_OF_TOKEN.match(text, end) if text[end - 1].isalnum() or text[end - 1] == "." else None
    return start, rest.end() if rest else end, name


def _looks_random(word: str, detectors: Sequence[Any]) -> bool:
    """Whether a long word is as random as detect-secrets wants a quoted one to be."""
    return any(letter.isdigit() for letter in word) and any(
        set(word) <= set(detector.charset) and detector.calculate_shannon_entropy(word) > detector.entropy_limit
        for detector in detectors
    )


def _assigned(text: str, keywords: Any) -> Iterator[Span]:
    """`password = ...`, wherever the value stands in its line."""
    at = 0
    for line in text.splitlines(keepends=True):
        for value in set(keywords.analyze_string(line)):
            for found in re.finditer(re.escape(value), line):
                yield at + found.start(), at + found.end(), "[secret]"
        at += len(line)
