"""The CSV files that providers' consoles export: read by their columns, and told where they make no sense."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from turnout.errors import ConfigError
from turnout.insight.bill import Bill, Billed, Key, family, merged, read_bill

ANTHROPIC_USAGE = """\
usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,\
usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,\
web_search_count,inference_geo,speed
2026-11-01,claude-haiku-4-5-20251001,gateway,Default,standard,≤ 200k,1000,200,30,4000,500,0,global,
2026-11-01,claude-haiku-4-5-20251001,laptop,Default,standard,≤ 200k,7,0,0,0,3,0,global,
2026-11-02 00:00,claude-3-5-sonnet-20241022,gateway,Default,standard,≤ 200k,10,0,0,0,20,0,global,
"""
ANTHROPIC_COST = """\
Usage Date UTC,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type
2026-11-01,Claude Haiku 4.5,Default,gateway,message,≤ 200k,input_no_cache,0.19,0.19,token
2026-11-01,Claude Haiku 4.5,Default,gateway,message,≤ 200k,input_cache_read,0.04,0.40,token
2026-11-02,Claude 3.5 Sonnet 2024-10-22,Default,gateway,message,≤ 200k,output,"1,200.50",1200.50,token
2026-11-02,,Default,gateway,message,,,0.10,0.10,web_search
"""
OPENAI_USAGE = """\
start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,\
input_tokens,output_tokens,input_cached_tokens
1761955200,1761955260,2025-11-01T00:00:00+00:00,2025-11-01T00:01:00+00:00,p,3.0,,key_1,gpt-4o-2024-08-06,,7162,1419,1280
1761955260,1761955320,2025-11-01T00:01:00+00:00,2025-11-01T00:02:00+00:00,p,1.0,,key_2,gpt-4o-2024-08-06,,38,1,0
1762041600,1762128000,2025-11-02T00:00:00+00:00,2025-11-03T00:00:00+00:00,,,,,,,,,
"""
OPENAI_COST = """\
start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,project_id
1761955200,1762041600,2025-11-01T00:00:00+00:00,2025-11-02,0.0038359800000000000000,usd,,,"gpt-4o-2024-08-06, input",p
1761955200,1762041600,2025-11-01T00:00:00+00:00,2025-11-02,0.001,usd,,,"priority | gpt-4o-2024-08-06, cached input",p
1761955200,1762041600,2025-11-01T00:00:00+00:00,2025-11-02,0.02,usd,,,web search tool calls,p
1762041600,1762128000,2025-11-02T00:00:00+00:00,2025-11-03,,,,,,
"""
OLD_OPENAI = "timestamp;model;n_requests;n_context_tokens_total;n_generated_tokens_total\n2026/3/2;gpt-4;5;2000;400\n"


def a_file(tmp_path: Path, text: str, name: str = "bill.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def read(tmp_path: Path, text: str, **only: str) -> Bill:
    return read_bill(a_file(tmp_path, text), only=only)


def test_anthropic_counts_the_cache_on_top_of_the_input(tmp_path: Path) -> None:
    bill = read(tmp_path, ANTHROPIC_USAGE)
    assert (bill.issuer, bill.first, bill.last) == ("anthropic", date(2026, 11, 1), date(2026, 11, 2))
    assert bill.lines == {
        Key(date(2026, 11, 1), "claude-haiku-4-5"): Billed(input_tokens=5237, cached_tokens=4000, output_tokens=503),
        Key(date(2026, 11, 2), "claude-sonnet-3-5"): Billed(input_tokens=10, cached_tokens=0, output_tokens=20),
    }


def test_anthropic_rounds_each_line_of_its_costs_to_the_cent(tmp_path: Path) -> None:
    lines = read(tmp_path, ANTHROPIC_COST).lines
    haiku = lines[Key(date(2026, 11, 1), "claude-haiku-4-5")]
    assert haiku == Billed(cost_usd=Decimal("0.23"), cached_usd=Decimal("0.04"), rounding_usd=Decimal("0.010"))
    assert lines[Key(date(2026, 11, 2), "claude-sonnet-3-5")].cost_usd == Decimal("1200.50")
    assert lines[Key(date(2026, 11, 2), "web_search")].cost_usd == Decimal("0.10")


def test_openai_counts_the_cache_as_a_part_of_the_input_by_the_minute(tmp_path: Path) -> None:
    bill = read(tmp_path, OPENAI_USAGE)
    whole = Billed(requests=4, input_tokens=7200, cached_tokens=1280, output_tokens=1420)
    assert bill.lines == {Key(date(2025, 11, 1), "gpt-4o"): whole}
    assert bill.last == date(2025, 11, 2)  # a day without use is a day of the bill


def test_openai_names_a_model_within_a_line_item(tmp_path: Path) -> None:
    bill = read(tmp_path, OPENAI_COST)
    gpt = bill.lines[Key(date(2025, 11, 1), "gpt-4o")]
    assert (gpt.cost_usd, gpt.cached_usd) == (Decimal("0.00483598"), Decimal("0.001"))
    assert bill.lines[Key(date(2025, 11, 1), "web-search-tool-calls")].cost_usd == Decimal("0.02")


def test_older_columns_other_delimiters_and_a_spreadsheets_days_are_read(tmp_path: Path) -> None:
    whole = Billed(requests=5, input_tokens=2000, output_tokens=400)
    assert read(tmp_path, "\ufeff" + OLD_OPENAI + "\n").lines == {Key(date(2026, 3, 2), "gpt-4"): whole}


def test_only_some_lines_are_read(tmp_path: Path) -> None:
    bill = read(tmp_path, ANTHROPIC_USAGE, api_key="laptop")
    assert [billed.tokens for billed in bill.lines.values()] == [10]
    with pytest.raises(ConfigError, match=r"bill\.csv:1: there is no column 'apikey'\. There are: usage_date_utc"):
        read(tmp_path, ANTHROPIC_USAGE, apikey="laptop")
    with pytest.raises(ConfigError, match=r"bill\.csv: it has no line to compare\. .* --only"):
        read(tmp_path, ANTHROPIC_USAGE, api_key="nobody")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it has no line to compare"),
        ("day,model\n2026-11-01,gpt-4\n", r"1: no column has tokens or a cost \(.*it has day, model\. Export"),
        ("model,cost\ngpt-4,1\n", r"1: no column has a day"),
        ("day,cost\n2026-11-01,1\n", r"1: no column has a model"),
        ("day,model,cost\n11/1/26,gpt-4,1\n", r"2: '11/1/26' is no day; days are written 2026-11-05"),
        ("day,model,cost\n2026-11-01,gpt-4,1\n2026-11-01,gpt-4,much\n", r"3: 'much' is no number"),
        ("day,model,cost\n2026-11-01,gpt-4,inf\n", r"2: 'inf' is no number"),
        ("day,model,input_tokens\n2026-11-01,gpt-4,1e999999999\n", r"2: '1e999999999' is no number"),
        ("day,model,cost\n2026-11-01,,1\n", r"2: it does not say which model .* not by model or line item"),
        ("day,model,cost,currency\n2026-11-01,gpt-4,1,EUR\n", r"2: the amount is in EUR"),
    ],
)
def test_what_makes_no_sense_is_told_with_file_line_and_fix(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=rf"bill\.csv:? ?{told}"):
        read(tmp_path, text)


def test_what_is_no_text_or_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    with pytest.raises(ConfigError, match="it cannot be read: No such file"):
        read_bill(path)
    path.write_bytes(b"\xff\xfe\x00d\x00a")
    with pytest.raises(ConfigError, match="it is no CSV in UTF-8"):
        read_bill(path)


def test_costs_and_tokens_of_two_files_make_one_bill(tmp_path: Path) -> None:
    bill = merged([read(tmp_path, ANTHROPIC_USAGE), read(tmp_path, ANTHROPIC_COST)])
    haiku = bill.lines[Key(date(2026, 11, 1), "claude-haiku-4-5")]
    assert (haiku.tokens, haiku.cost_usd) == (5740, Decimal("0.23"))


def test_files_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    cost = read(tmp_path, ANTHROPIC_COST)
    with pytest.raises(ConfigError, match=r"two of the bills have 2026-11-01\. Give each day once"):
        merged([cost, cost])
    with pytest.raises(ConfigError, match="of different providers"):
        merged([cost, read(tmp_path, OPENAI_COST)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Claude Sonnet 3.5", "claude-3-5-sonnet-20241022"),
        ("Claude Opus 4.1", "anthropic/claude-opus-4-1@20250805"),
        ("claude-3-5-haiku-latest", "Claude Haiku 3.5"),
        ("gpt-4o-2024-08-06", "openai/GPT-4o"),
    ],
)
def test_one_model_has_one_name(one: str, other: str) -> None:
    assert family(one) == family(other)


def test_different_models_have_different_names() -> None:
    assert len({family(name) for name in ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4-0613", "claude-opus-4")}) == 5
