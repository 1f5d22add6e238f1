"""Cascades are measured as they would be used: fitted to some prompts, and counted on others."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.judging import judging_us
from bench.quality import agreement
from bench.quality.agreement import RUNS, STRONG
from bench.quality.cascades import costs, losing, measured, picture
from bench.quality.held import SIGNALS, Answers, split
from bench.quality.promises import guarantee, shift
from turnout.insight.aims import Unseen

PROMPTS = 500
PAIR = ("small", "large")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models' answers to made-up questions; half of the questions are long, and the small model errs in those."""
    directory = tmp_path_factory.mktemp("data")
    draws = np.random.default_rng(0)
    ids = [f"q{place}" for place in range(PROMPTS)]
    long = draws.random(PROMPTS) < 0.5
    sure = draws.beta(4, 1.2, PROMPTS)
    prompts = {
        "qid": ids,
        "prompt": [f"{place} " + "why " * (200 if long[place] else 10 + place % 7) for place in range(PROMPTS)],
        "dataset": ["mmlu" if place % 2 else "medmcqa" for place in range(PROMPTS - 50)] + ["gsm8k"] * 50,
    }
    models = {
        "small": (draws.random(PROMPTS) < sure, np.log(sure), 0.0001),
        "large": (draws.random(PROMPTS) < 0.92, np.full(PROMPTS, -np.inf), 0.001),
    }
    told: dict[str, list[object]] = {
        name: [] for name in ("qid", "model", "correct", "confidence_logprob", "output_tokens", "cost_usd")
    }
    for model, (correct, logprob, price) in models.items():
        told["qid"] += ids[::-1]  # in another order than the prompts
        told["model"] += [model] * PROMPTS
        told["correct"] += [int(each) for each in correct[::-1]]
        told["confidence_logprob"] += list(logprob[::-1])
        told["output_tokens"] += [1] * PROMPTS
        told["cost_usd"] += [price * (10 if each else 1) for each in long[::-1]]
    pq.write_table(pa.table(prompts), directory / "cascade_logprob_prompts.parquet")
    pq.write_table(pa.table(told), directory / "cascade_logprob_outcomes.parquet")
    return directory


@pytest.fixture(scope="module")
def answers(data: Path) -> Answers:
    return Answers(data)


def table(printed: str) -> list[list[str]]:
    """The cells of the tables' bodies."""
    lines = [line for line in printed.splitlines() if line.startswith("| ") and "---" not in line]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]


def test_each_answer_stands_beside_its_own_prompt(answers: Answers) -> None:
    labels = answers.labels(*PAIR)
    long = labels.labelled.columns["chars"] > 400
    assert set(labels.strong_cost_usd[long]) == {0.01}
    assert set(labels.strong_cost_usd[~long]) == {0.001}
    certain = answers.labels("large", "small").labelled.columns["mean_logprob"]
    assert set(certain) == {-30.0}, "no logarithm of 0"


def test_a_prompt_is_on_one_side_of_a_split(answers: Answers) -> None:
    labels = answers.labels(*PAIR, SIGNALS)
    first, second = split(labels, 100, 0)
    assert (len(first), len(second)) == (100, PROMPTS - 100)
    assert not set(first.labelled.groups) & set(second.labelled.groups)
    assert len(split(labels, 0.5, 1)[0]) == PROMPTS / 2


def test_a_run_says_what_a_threshold_came_to(answers: Answers) -> None:
    labels = answers.labels(*PAIR)
    none = measured(Unseen(np.zeros(len(labels)), labels), 1.0)
    assert (none.quality, none.escalated, none.missed) == (1.0, 1.0, False)
    assert none.cost == pytest.approx(1.1), "the small model's answers are thrown away"
    all_kept = measured(Unseen(np.zeros(len(labels)), labels), 0.0)
    assert all_kept.cost == pytest.approx(0.1)
    assert all_kept.missed
    assert all_kept.clearly


def test_by_gain_a_cascade_is_the_cheapest(answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    costs(answers, 1, [PAIR])
    _, *body = table(capsys.readouterr().out)
    cost = {by: float(cells[0]) for _, by, *cells in body}
    assert list(cost) == ["raw confidence", "calibrated confidence", "gain"]
    assert cost["gain"] < cost["calibrated confidence"]


def test_what_each_order_recovers_for_its_money_is_drawn(answers: Answers, tmp_path: Path) -> None:
    picture(answers, tmp_path / "c.svg", PAIR, seeds=1)
    drawn = (tmp_path / "c.svg").read_text()
    assert drawn.count("<polyline") == 4
    assert "calibrated confidence" in drawn


def test_a_cascade_that_loses_money_stands_out(answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    losing(answers, [PAIR, ("large", "small")], [0.02])
    _, pays, loses = table(capsys.readouterr().out)
    assert pays[1] == "1 : 10.0"
    assert "**" not in pays[2]
    assert loses[2].startswith("**")


def test_what_is_certified_holds_where_the_naive_threshold_does_not(
    answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    guarantee(answers, 20, [PAIR], [200])
    _, *body = table(capsys.readouterr().out)
    broken = [[float(cell.partition(" ")[0]) for cell in cells[3:]] for cells in body]
    certified, naive = zip(*broken, strict=True)
    assert len(body) == 6
    assert np.mean(certified) <= 10
    assert np.mean(naive) > 30


def test_where_a_shift_is_noticed_is_told(answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    shift(answers, [PAIR])
    _, *body = table(capsys.readouterr().out)
    assert [cells[1:3] for cells in body][:2] == [["mmlu", "mmlu"], ["mmlu", "medmcqa"]]
    assert len(body) == 6


def test_judging_an_answer_is_measured() -> None:
    assert 0 < judging_us() < 5_000, "100 on a quiet machine"


def test_the_more_samples_agree_the_fewer_are_escalated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draws = np.random.default_rng(3)
    knows = draws.random(200) < 0.6
    rows: list[dict[str, object]] = []
    for model, how in (STRONG, *RUNS):
        for place in range(200)[::-1]:
            said = [str(place) if knows[place] else str(draws.integers(1_000, 1_004)) for _ in range(20)]
            told = [str(place)] if model == STRONG[0] else said
            rows.append({"model": model, "run": how, "row": place, "gold": f" {place}.0", "samples": json.dumps(told)})
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "mot_cascade_samples.parquet")
    agreement.run(argparse.Namespace(data=tmp_path, seeds=3))
    _, *body = table(capsys.readouterr().out)
    assert len(body) == len(RUNS)
    for _, right, *shares, sure in body:
        one, *_, most = (float(share.rstrip("%")) for share in shares)
        assert right == f"{knows.mean():.1%}"
        assert one > most
        assert most == pytest.approx(100 * (1 - knows.mean()), abs=5)
        assert sure.startswith("0.0% of")
