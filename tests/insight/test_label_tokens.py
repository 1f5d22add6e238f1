"""Signals of labelled answers, reckoned of their tokens: the same as those that judge answers later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from turnout.errors import ConfigError
from turnout.insight.labels import read_labels


def told(token: str, logprob: float) -> dict[str, Any]:
    """A token as OpenAI's dialect tells it."""
    others = [{"token": token, "logprob": logprob}, {"token": "?", "logprob": logprob - 2}]
    return {"token": token, "logprob": logprob, "top_logprobs": others}


def written(tmp_path: Path, *logprobs: Any, **columns: Any) -> Path:
    file = tmp_path / "labels.jsonl"
    rows = [{"acceptable": 1, "tokens": 7, "logprobs": each, **columns} for each in logprobs]
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


def columns(file: Path, prefix: int | None = None) -> dict[str, list[float]]:
    read = read_labels(file, prefix).labelled.columns
    return {name: [round(value, 6) for value in values] for name, values in read.items()}


def test_numbers_alone_give_the_signals_that_need_no_more(tmp_path: Path) -> None:
    assert columns(written(tmp_path, [-1.0, -3.0], [0.0, -0.5])) == {
        "mean_logprob": [-2.0, -0.25],
        "min_logprob": [-3.0, -0.5],
        "quantile_logprob": [-2.8, -0.45],
        "tokens": [7.0, 7.0],
    }


def test_what_openai_tells_gives_all_of_them(tmp_path: Path) -> None:
    read = columns(written(tmp_path, [told("«", -2.0), told("Yes", 0.0)]))
    assert read["first_token"] == [1.0]
    assert read["logprob_margin"] == [2.0]
    assert read["token_entropy"][0] > 0


def test_the_first_tokens_are_columns_of_their_own_and_shorter_answers_are_left_out(tmp_path: Path) -> None:
    file = written(tmp_path, [-1.0, -3.0, -9.0], [-1.0], mean_logprob=-4.0)
    assert columns(file, 2) == {
        "mean_logprob@2": [-2.0],
        "min_logprob@2": [-3.0],
        "quantile_logprob@2": [-2.8],
        "tokens": [7.0],
    }


def test_a_column_that_is_given_is_not_reckoned_again(tmp_path: Path) -> None:
    file = written(tmp_path, [-1.0, -3.0], **{"mean_logprob": -4.0, "mean_logprob@2": -5.0})
    assert columns(file)["mean_logprob"] == [-4.0]
    assert columns(file, 2)["mean_logprob@2"] == [-5.0]


def test_a_csv_file_has_the_tokens_as_json(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text('acceptable,logprobs\n1,"[-1, -3]"\n0,"[-2]"\n')
    assert columns(file)["min_logprob"] == [-3.0, -2.0]


@pytest.mark.parametrize("wrong", ["many", {"a": 1}, ["x"], [{"token": "a"}], 5])
def test_tokens_of_another_form_are_told_with_their_line(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(ConfigError, match=r"labels\.jsonl:2: 'logprobs' cannot be read"):
        read_labels(written(tmp_path, [-1.0], wrong))


def test_labels_that_say_nothing_of_the_beginning_are_told_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"first 20 tokens.*mean_logprob@20"):
        read_labels(written(tmp_path, [-1.0]), 20)
