"""Labels come from files of three kinds and from the ledger, and a mistake in one is told with its line."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ledger import samples
from tests.ledger.test_sqlite import append
from turnout.errors import ConfigError
from turnout.insight.labels import labels_of, read_labels
from turnout.insight.query import Filter
from turnout.ledger.sqlite import SqliteStore
from turnout.types.features import Features

ROWS = [
    {"group": "a", "prompt": "Why?", "mean_logprob": -0.1, "acceptable": 1, "strong": 1, "cost_usd": 0.1},
    {"group": "a", "prompt": "How?", "mean_logprob": -math.inf, "acceptable": 0, "strong": 1, "cost_usd": 0.2},
]


def test_every_kind_of_file_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text(
        "group,prompt,mean_logprob,acceptable,strong,cost_usd\na,Why?,-0.1,1,yes,0.1\na,How?,-inf,0,True,0.2\n"
    )
    (tmp_path / "l.jsonl").write_text(
        '{"group":"a","prompt":"Why?","mean_logprob":-0.1,"acceptable":1,"strong":true,"cost_usd":0.1}\n\n'
        '{"group":"a","prompt":"How?","mean_logprob":-1e400,"acceptable":false,"strong":1,"cost_usd":0.2}\n'.replace(
            "-1e400", '"-inf"'
        )
    )
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "l.parquet")
    for kind in ("csv", "jsonl", "parquet"):
        labels = read_labels(tmp_path / f"l.{kind}")
        assert list(labels.labelled.columns) == ["mean_logprob"]
        assert labels.labelled.columns["mean_logprob"][0] == -0.1
        assert np.isfinite(labels.labelled.columns["mean_logprob"]).all()
        assert labels.labelled.acceptable.tolist() == [1, 0]
        assert labels.labelled.strong.tolist() == [1, 1]
        assert labels.labelled.groups == ["a", "a"]
        assert labels.cost_usd.tolist() == [0.1, 0.2]
        assert not labels.priced


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mean_logprob\n-1\n", r"l\.csv: it has no column 'acceptable'"),
        ("acceptable\n1\n", r"l\.csv: it has no signal"),
        ("mean_logprob,acceptable\n-1,1\n-2,maybe\n", r"l\.csv:3: 'acceptable' is 'maybe'\. Write 1 or 0"),
        ("mean_logprob,acceptable\n-1,1\nhigh,0\n", r"l\.csv:3: 'mean_logprob' is 'high'"),
        ("mean_logprob,acceptable\n", r"there is no row in it"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "l.csv"
    file.write_text(text)
    with pytest.raises(ConfigError, match=told):
        read_labels(file)


def test_a_file_of_another_kind_or_of_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must end in \.csv, \.jsonl, \.parquet"):
        read_labels(tmp_path / "labels.xlsx")
    with pytest.raises(ConfigError, match="No such file"):
        read_labels(tmp_path / "labels.csv")
    (tmp_path / "l.jsonl").write_text('{"acceptable": 1, "x": 2}\n[1]\n')
    with pytest.raises(ConfigError, match=r"l\.jsonl:2: it is not a JSON object"):
        read_labels(tmp_path / "l.jsonl")


def test_of_the_ledger_those_count_that_were_judged_given_and_scored(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "turnout.db")
    features = Features(chars=40, tokens=10, context_tokens=10)
    signals = {"mean_logprob": -0.1, "cheap.chance": 0.8, "cheap.cost_usd": 0.01}
    judged = {"target": "cheap", "confidence": 0.9, "signals": signals, "features": features}
    append(
        store,
        samples.a_decision(route="contracts", query_hash="a", feedback=1.0, **judged),
        samples.a_decision(route="contracts", query_hash="b", feedback=0.2, **judged),
        samples.a_decision(route="contracts", feedback=None, **judged),
        samples.a_decision(route="contracts", feedback=1.0, **{**judged, "target": "strong", "confidence": None}),
        samples.a_decision(route="other", feedback=1.0, **judged),
    )
    labels = labels_of(store, Filter(route="contracts"), "cheap")
    assert sorted(zip(labels.labelled.groups, labels.labelled.acceptable, strict=True)) == [("a", 1), ("b", 0)]
    assert labels.labelled.columns["tokens"].tolist() == [10, 10]
    assert "mean_logprob" in labels.labelled.columns
    assert not any("." in name for name in labels.labelled.columns), "what a classifier expected is no signal"
    with pytest.raises(ConfigError, match=r"no judged answer of other has been scored yet"):
        labels_of(store, Filter(route="contracts"), "other")
