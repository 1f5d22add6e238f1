"""The language of verbs."""

from __future__ import annotations

import pytest

from turnout.testing import VERBS, FaultSyntaxError
from turnout.testing.fault_provider import Fault


def test_a_fault_is_verbs_joined_by_plus() -> None:
    fault = Fault.parse(" usage(absent) + stall_after(5, s=0.5)+wrong_content_length(+5) ")
    assert fault.find("usage") == ("absent",)
    assert fault.find("stall_after") == (5, 0.5)
    assert fault.find("wrong_content_length") == (5,)
    assert fault.find("cut_after") is None


def test_verbs_act_in_the_order_of_the_table_and_not_of_the_text() -> None:
    def names(text: str) -> list[str]:
        return [verb.name for verb, _ in Fault.parse(text).calls]

    written = ["slice", "eof_after(3)", "tokens(9)", "no_done", "many_headers(1)"]
    wanted = ["tokens", "no_done", "eof_after", "slice", "many_headers"]
    assert names("+".join(written)) == wanted
    assert names("+".join(reversed(written))) == wanted


def test_defaults_are_filled_in() -> None:
    assert Fault.parse("status(503)").find("status") == (503, "", "")
    assert Fault.parse("close_keepalive_after").find("close_keepalive_after") == (1, "idle")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stal_after(5)", "unknown verb 'stal_after', did you mean 'stall_after'?"),
        ("xyzzy", "unknown verb 'xyzzy'; known are healthy, refuse"),
        ("stall_after", "stall_after: n is missing; write stall_after(n, s=inf)"),
        ("stall_after(soon)", "stall_after: n must be a whole number, not 'soon'"),
        ("drip(slowly)", "drip: ms must be a number, not 'slowly'"),
        ("usage(never)", "usage: when must be absent or each or end or cumulative, not 'never'"),
        ("crlf(1)", "crlf: no place for '1'; write crlf"),
        ("status(503, retry=2)", "status: no place for 'retry=2'"),
        ("status(503, code=500)", "status: no place for 'code=500'"),
        ("status(503", "cannot read 'status(503'; write verb(argument, ...)+verb"),
        ("flap(1, 0)", "flap: up must be at least 0.01, not 0"),
        ("drip(nan)", "drip: ms must be at least -inf, not nan"),
        ("slice+", "cannot read ''"),
        ("", "cannot read ''"),
    ],
)
def test_what_is_written_wrong_is_answered_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(FaultSyntaxError) as raised:
        Fault.parse(text)
    assert said in str(raised.value)


def test_an_argument_may_hold_an_equals_sign() -> None:
    assert Fault.parse("wrong_ctype(text/plain; charset=latin-1)").find("wrong_ctype") == (
        "text/plain; charset=latin-1",
    )


def test_a_models_name_holds_a_fault_after_its_marker() -> None:
    assert Fault.of_model("gpt-4o") is None
    named = Fault.of_model("gpt-4o/fault:cut_after(2)")
    assert named is not None
    assert str(named) == "cut_after(2)"


def test_flap_acts_while_it_is_down() -> None:
    fault = Fault.parse("flap(2, 3)+status(503)")
    assert [fault.is_down(at) for at in (0, 1.9, 2, 4.9, 5, 7.1)] == [True, True, False, False, True, False]
    assert Fault.parse("status(503)").is_down(1e6)


def test_every_verb_says_what_it_means_on_one_line() -> None:
    for name, verb in VERBS.items():
        assert verb.name == name
        assert verb.meaning.endswith(".")
        assert "\n" not in verb.meaning
        assert verb.signature.startswith(name)


def test_every_verb_of_the_catalogue_exists() -> None:
    catalogue = """refuse rst_on_accept rst_after_request rst_after_n_tokens hang_headers delay_headers
        delay_first_token stall_after drip eof_after cut_after no_done double_done data_after_done no_finish
        sse_error_at json_error_200 html_200 sse_empty wrong_ctype status flap bad_json_at bad_utf8_at slice crlf cr
        comments data_colon_comment ping_events big_event big_body gzip gzip_bomb bad_gzip wrong_content_length
        cl_and_te many_headers slow_header_bytes redirect usage tool_args content_filter context_length
        over_max_tokens close_keepalive_after half_close tokens healthy"""
    assert set(catalogue.split()) <= set(VERBS)
