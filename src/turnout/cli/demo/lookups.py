"""Questions whose answers can be checked: what the demo's cascade is calibrated on.

The real local model answers each of them; whether it is right is known, and how likely it held its tokens to be it
says itself. From both, the code behind `turnout calibrate` makes a calibration and a threshold.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from turnout.confidence.calibration import save_calibration
from turnout.errors import MissingExtra
from turnout.features.tokens import estimate_tokens
from turnout.insight.aims import Error
from turnout.insight.calibrate import Calibrated, calibrate
from turnout.insight.labels import read_labels
from turnout.testing.local_model import LOCAL_MODEL

AIM: Final = Error(alpha=0.25)
"""What some hundred labels of a model of this size can certify; with more labels it could be less."""
LOOKUP: Final[dict[str, Any]] = {"max_tokens": 16, "temperature": 0}
"""How these questions are asked, when the model is measured and when it is used."""
ROUTE: Final = "contracts"
CALIBRATION: Final = f"calibrations/{ROUTE}.json"


class Lookup(msgspec.Struct, frozen=True):
    """A question with its answer.

    Attributes:
        question: what is asked.
        right: texts one of which a right answer has in it.
    """

    question: str
    right: tuple[str, ...]

    def rightly(self, answer: str) -> bool:
        """Whether an answer is right."""
        said = answer.casefold()
        return any(each.casefold() in said for each in self.right)


class Labelling(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking them all.

    Attributes:
        file: the labels, as `turnout calibrate --labels` reads them.
        labels: how many.
        right: how many answers were.
    """

    file: Path
    labels: int
    right: int


def lookups() -> list[Lookup]:
    """Those that come with the demo: the capitals of countries."""
    text = resources.files("turnout.cli.demo").joinpath("capitals.csv").read_text("utf-8")
    return [
        Lookup(f"What is the capital of {row['country']}?", tuple(row["capital"].split("|")))
        for row in csv.DictReader(text.splitlines())
    ]


async def label(model: str, questions: Iterable[Lookup], file: Path) -> Labelling:
    """Ask the model at the address `model`, and write down how sure it was, and whether it was right.

    One after the other: others have questions as well.

    Raises:
        MissingExtra: the OpenAI SDK is not installed.
    """
    try:
        from openai import AsyncOpenAI
    except ImportError:
        raise MissingExtra("the demo", "demo") from None

    async def row(client: AsyncOpenAI, lookup: Lookup) -> dict[str, Any]:
        told = await client.chat.completions.create(
            model=LOCAL_MODEL, messages=[{"role": "user", "content": lookup.question}], logprobs=True, **LOOKUP
        )
        choice = told.choices[0]
        return {
            "question": lookup.question,
            "answer": choice.message.content,
            "acceptable": int(lookup.rightly(choice.message.content or "")),
            "tokens": estimate_tokens(lookup.question),
            "logprobs": [each.logprob for each in (choice.logprobs.content if choice.logprobs else None) or ()],
        }

    async with AsyncOpenAI(base_url=model, api_key="demo", max_retries=0) as client:
        rows = [await row(client, each) for each in questions]
    await asyncio.to_thread(file.write_bytes, b"\n".join(map(msgspec.json.encode, rows)) + b"\n")
    return Labelling(file=file, labels=len(rows), right=sum(each["acceptable"] for each in rows))


def calibrated(labelling: Labelling, config: Path) -> Calibrated:
    """Fit a calibration to the labels, and where it promises anything, have the route `contracts` judge by it.

    Raises:
        ArtefactError: there are too few labels, or only of one kind.
        MissingExtra: the extra `learn` is not installed.
    """
    found = calibrate(read_labels(labelling.file), AIM, target="small", provenance={"route": ROUTE})
    if not found.holds:
        return found
    path = config.parent / CALIBRATION
    path.parent.mkdir(exist_ok=True)
    accept = {"confidence": found.chosen.threshold, "promise": found.promise}
    found = msgspec.structs.replace(found, calibration=save_calibration(path, found.calibration, accept))
    written = yaml.safe_load(config.read_text("utf-8"))
    stage = written["routes"][ROUTE]["policy"]["cascade"][0]
    stage["accept"] = {"confidence": found.chosen.threshold, "by": CALIBRATION}
    config.write_text(yaml.safe_dump(written, sort_keys=False, allow_unicode=True), "utf-8")
    return found
