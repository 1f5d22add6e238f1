"""Labelled requests come from files in either form, and a mistake in one is told with its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from turnout.errors import ConfigError
from turnout.insight.train.labels import phrases_of, read_labelled, rows_of

LONG = """\
text,target,acceptable,cost_usd,time,segment
How do I  reset it?,large,yes,0.01,2026-03-02T10:00:00+02:00,de
how do I reset it?,small,0,0.001,2026-03-02T07:59:00Z,de
How do I  reset it?,small,1,,2026-03-02T10:00:00+02:00,de
"""


def file_of(directory: Path, text: str, name: str = "l.csv") -> Path:
    file = directory / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_row_for_each_answer_becomes_a_row_for_each_request(tmp_path: Path) -> None:
    rows = rows_of(read_labelled(file_of(tmp_path, LONG)))
    assert rows.names == ("small", "large")  # the cheapest first
    assert rows.acceptable[0].tolist() == [1, 1]
    assert rows.acceptable[1, 0] == 0
    assert np.isnan(rows.acceptable[1, 1])
    assert np.isnan(rows.cost_usd[0, 0])
    assert rows.groups == ["how do i reset it?"] * 2  # the same words, whatever their case and spaces
    assert rows.times[1] < rows.times[0] == "2026-03-02T08:00:00.000000+00:00"


def test_a_row_for_each_request_says_the_same_in_every_kind_of_file(tmp_path: Path) -> None:
    records = [
        {"text": "a", "acceptable:small": 1.0, "acceptable:large": 0.4, "topic": "law", "group": "g"},
        {"text": "b", "acceptable:small": None, "acceptable:large": 1.0, "topic": "shop", "group": "g"},
    ]
    csv = "text,acceptable:small,acceptable:large,topic,group\na,1.0,0.4,law,g\nb,,1,shop,g\n"
    jsonl = '{"text":"a","acceptable:small":true,"acceptable:large":0.4,"topic":"law","group":"g"}\n'
    jsonl += '{"text":"b","acceptable:large":1,"topic":"shop","group":"g"}\n'
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "l.parquet")
    for file in (file_of(tmp_path, csv), file_of(tmp_path, jsonl, "l.jsonl"), tmp_path / "l.parquet"):
        rows = rows_of(read_labelled(file), ("large", "small"))
        assert rows.names == ("large", "small")
        np.testing.assert_array_equal(rows.acceptable, [[0, 1], [1, np.nan]])
        assert (rows.topics, rows.groups, rows.times) == (["law", "shop"], ["g", "g"], ["", ""])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("question\nWhy?\n", r"l\.csv: it holds no labels of requests\. Give the columns text, target"),
        ("text,target,acceptable\nWhy?,a,1\n,a,1\n", r"l\.csv:3: the text is missing"),
        ("text,target,acceptable\nWhy?,a,maybe\n", r"l\.csv:2: 'acceptable' is 'maybe'\. Write 1 or 0"),
        ("text,target,acceptable\nWhy?,a,7\n", r"l\.csv:2: 'acceptable' is '7'"),
        (
            "text,acceptable:a,cost_usd:a\nWhy?,1,-2\n",
            r"l\.csv:2: 'cost_usd:a' is '-2'\. Write a number that is not neg",
        ),
        ("text,target,acceptable,time\nWhy?,a,1,yesterday\n", r"l\.csv:2: 'time' is 'yesterday'\. Write ISO 8601"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read_labelled(file_of(tmp_path, text))


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_bytes(b"text,target,acceptable\n\xff\xfe,a,1\n")
    with pytest.raises(ConfigError, match=r"it cannot be read: 'utf-8' codec.*Save it as UTF-8"):
        read_labelled(tmp_path / "l.csv")
    with pytest.raises(ConfigError, match="it is no Parquet"):
        read_labelled(file_of(tmp_path, "text", "l.parquet"))


def test_targets_are_of_those_with_labels(tmp_path: Path) -> None:
    requests = read_labelled(file_of(tmp_path, "text,target,acceptable\nWhy?,a,1\nHow?,b,0\n"))
    assert rows_of(requests).names == ("b", "a")  # without costs the one that fails more often is taken for cheaper
    with pytest.raises(ConfigError, match=r"no answer of 'c' is labelled\. There are: a, b"):
        rows_of(requests, ("a", "c"))
    with pytest.raises(ConfigError, match="nothing to choose between"):
        rows_of(requests, ("a",))


def test_phrases_have_categories(tmp_path: Path) -> None:
    assert phrases_of(file_of(tmp_path, "text,category\nhi,chat\nsue,law\nhello,chat\n")) == {
        "chat": ["hi", "hello"],
        "law": ["sue"],
    }
    with pytest.raises(ConfigError, match=r"l\.csv:3: a phrase or its category is missing"):
        phrases_of(file_of(tmp_path, "text,category\nhi,chat\nsue,\n"))
