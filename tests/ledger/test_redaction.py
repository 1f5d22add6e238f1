"""What is personal or secret is masked; what is neither stays readable."""

from __future__ import annotations

import string
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.errors import MissingExtra
from turnout.ledger.redaction import load_mask

pytest.importorskip("detect_secrets")
pytest.importorskip("phonenumbers")
pytest.importorskip("stdnum")

# Put together here, so that no scanner takes this file for a leak.
GITHUB = "gh" + "p_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789"
AWS = "AK" + "IA" + "IOSFODNN7EXAMPLE"
OPENAI = "s" + "k-proj-" + "abc0DEF1ghi2JKL3mno4PQR5stu6"
JWT = ".".join(
    ["ey" + "JhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0", "dozjgNryP4J3jVmNHl0w"]
)
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"my key is {OPENAI}, and it fails", "my key is [secret], and it fails"),
        (f"{GITHUB}! {AWS}?", "[secret]! [secret]?"),
        (f"the token {JWT}", "the token [secret]"),
        (f"{PEM}\nWhy?", "[secret]\nWhy?"),
        ("my password is hunter2 since May", "my password is [secret] since May"),
        ("password = 'correct horse'", "password = '[secret]'"),
        ("digest 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c", "digest [secret]"),
        ("I am joe.o'neil+x@example.co.uk.", "I am [email]."),
        ("call +49 30 901820 or 202-555-0143 now", "call [phone] or [phone] now"),
        ("card 4111 1111 1111 1111, expires 12/29", "card [card], expires 12/29"),
        ("pay to DE89 3704 0044 0532 0130 00 and thanks", "pay to [iban] and thanks"),
        ("from 203.0.113.7", "from [ip]"),
    ],
)
def test_what_is_personal_or_secret_is_masked(text: str, masked: str) -> None:
    assert load_mask()(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "How do I reset my password?",
        "order 1234567890 of 2026-03-01 for 12.50 USD, 4111111111111112",
        "the id 550e8400-e29b-41d4-a716-446655440000",
        "see https://example.com/help/internationalisation-of-everything",
        "def f(x): return x @ y",
    ],
)
def test_what_is_neither_stays(text: str) -> None:
    assert load_mask()(text) == text


_LOCAL = st.text(string.ascii_letters + string.digits, min_size=1, max_size=20)


@given(st.text(max_size=30), _LOCAL, _LOCAL, st.text(max_size=30))
def test_no_address_is_left_in_whatever_text_it_stands(before: str, local: str, host: str, after: str) -> None:
    address = f"{local}@{host}.example"
    assert address not in load_mask()(f"{before} {address} {after}")


@given(st.text(string.digits, min_size=12, max_size=15), st.sampled_from(["", " ", "-"]))
def test_no_card_number_is_left(digits: str, separator: str) -> None:
    from stdnum import luhn

    number = separator.join(digits + luhn.calc_check_digit(digits))
    assert number not in load_mask()(f"It is {number}, as I said.")


def test_other_countries_numbers_need_their_country(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_mask(("US",))("ruf 030 901820 an") == "ruf 030 901820 an"
    assert load_mask(("DE",))("ruf 030 901820 an") == "ruf [phone] an"


@pytest.mark.parametrize("missing", ["phonenumbers", "detect_secrets.plugins.keyword"])
def test_without_the_extra_the_command_that_installs_it_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    load_mask.cache_clear()
    with pytest.raises(MissingExtra, match=r"pip install 'turnout\[redact\]'"):
        load_mask()
