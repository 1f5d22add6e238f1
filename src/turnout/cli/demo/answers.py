"""What the simulated models say: stock answers, picked by words of the question."""

from __future__ import annotations

from functools import cache
from importlib import resources

import yaml


def stock_answer(question: str) -> str:
    """The first answer of answers.yaml one of whose words the question holds, else the last."""
    asked = question.casefold()
    answers = _answers()
    fitting = (answer for words, answer in answers if any(word in asked for word in words))
    return next(fitting, answers[-1][1])


@cache
def _answers() -> tuple[tuple[tuple[str, ...], str], ...]:
    text = resources.files("turnout.cli.demo").joinpath("answers.yaml").read_text("utf-8")
    return tuple((tuple(entry["words"]), entry["answer"]) for entry in yaml.safe_load(text))
