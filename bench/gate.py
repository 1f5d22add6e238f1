"""What a gate saves, on the real local model: `python -m bench.gate` prints tokens and milliseconds.

The model is asked for the capitals of countries, and to say something about them. Three quarters of its answers are
labelled, and calibrate both the gate and the judgement of whole answers. The other questions are asked twice by
streaming callers, one after the other: held to the end, and through the gate. The dearer model is a stand-in that keeps
the pace of one.

python -m bench.gate                     three to five minutes on two cores
python -m bench.gate --prefix 8 --json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final, NamedTuple

import msgspec
from openai import AsyncOpenAI
from rich.console import Console
from rich.table import Table

from turnout.cli.demo.answers import stock_answer
from turnout.cli.demo.gateway import running_gateway
from turnout.cli.demo.lookups import Lookup, lookups
from turnout.confidence.calibration import save_calibration
from turnout.errors import TurnoutError
from turnout.insight.aims import Error
from turnout.insight.calibrate import Calibrated, calibrate
from turnout.insight.labels import read_labels
from turnout.insight.query import decision as recorded
from turnout.ledger.location import database_file
from turnout.ledger.sqlite import SqliteStore
from turnout.testing.local_model import LOCAL_MODEL, running_local_model
from turnout.testing.simulated_model import SimulatedModel
from turnout.types.decision import Decision

AIM: Final = Error(alpha=0.25)
UNCERTIFIED: Final = 0.8
"""From where answers are kept where the labels certify nothing; said in the output."""
ASKED: Final[dict[str, Any]] = {"max_tokens": 48, "temperature": 0}
MEASURED_EVERY: Final = 4
"""Each fourth question is measured, the others are labelled."""
RECORD_LOOKS: Final = 3_000
CONFIG: Final = """
providers:
  local: {{dialect: openai, base_url: "{local}"}}
  other: {{dialect: openai, base_url: "{other}"}}
targets:
  small:  {{provider: local, model: {model}, price: {{input: 0.20, output: 0.20}}}}
  strong: {{provider: other, model: simulated-gpt-4o, simulated: true, price: {{input: 2.50, output: 10}}}}
routes:
  held:
    baseline: strong
    policy: {{cascade: [{{use: small, accept: {{confidence: {least}, by: whole.json}}}}, {{use: strong}}]}}
  gated:
    baseline: strong
    policy:
      cascade:
        - use: small
          accept:
            confidence: {least}
            by: whole.json
            gate: {{by: begun.json, release: {release}, stop: {stop}}}
        - use: strong
"""


class Streamed(NamedTuple):
    """A streamed answer as its caller saw it.

    Attributes:
        first_ms, all_ms: how long the first text took, and all of it.
        right: whether it is the local model's and right; None where it is not its.
        decision: the record.
    """

    first_ms: float
    all_ms: float
    right: bool | None
    decision: Decision

    @property
    def draft_ms(self) -> float:
        """When the local model's part was over."""
        return self.decision.attempts[0].latency_ms

    @property
    def drafted(self) -> int:
        """The tokens that the local model generated."""
        return self.decision.attempts[0].output_tokens


class Pair(NamedTuple):
    """The same question, held to the end and through the gate."""

    held: Streamed
    gated: Streamed

    @property
    def how(self) -> str:
        """What the gate did."""
        drafts = [each for each in self.gated.decision.considered if each.because.startswith("after ")]
        if not drafts:
            return "held"
        if self.gated.decision.target == "small" and drafts[0].chosen:
            return "released"
        return "stopped" if "<" in drafts[0].because else "held"

    @property
    def waited_ms(self) -> tuple[float, float]:
        """Until the first text, held and through the gate.

        Where the gate released, held as if that had kept the answer: its caller sees the first word with the last.
        """
        return self.held.draft_ms if self.how == "released" else self.held.first_ms, self.gated.first_ms

    @property
    def took_ms(self) -> tuple[float, float]:
        """Until the end, likewise."""
        return self.held.draft_ms if self.how == "released" else self.held.all_ms, self.gated.all_ms


def main() -> int:
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prefix", type=int, default=12, help="tokens after which the gate judges")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args()
    console = Console(stderr=True)
    try:
        with console.status("starting") as status:
            found, pairs = asyncio.run(_measured(given.prefix, status.update))
    except TurnoutError as error:
        console.print(f"[red]bench:[/] {error}", highlight=False)
        return 2
    told = figures(found, pairs)
    sys.stdout.write(json.dumps(told, indent=2) + "\n") if given.json else show(told, Console())
    return 0


async def _measured(prefix: int, step: Callable[[str], None]) -> tuple[Calibrated, list[Pair]]:
    directory = Path(tempfile.mkdtemp(prefix="turnout-gate-"))
    asked = list(enumerate(lookups()))
    with running_local_model(directory / "model.log") as model:
        labelled = [each for place, each in asked if place % MEASURED_EVERY]
        labels = await _labelled(model, labelled, directory / "labels.jsonl", step)
        step("calibrating")
        async with _gateway(directory, model, labels, prefix) as (found, address):
            measured = [each for place, each in asked if not place % MEASURED_EVERY]
            return found, await _asked(address, directory, measured, step)


async def _labelled(model: str, questions: Sequence[Lookup], file: Path, step: Callable[[str], None]) -> Path:
    rows = []
    async with AsyncOpenAI(base_url=model, api_key="bench", max_retries=0) as client:
        for place, each in enumerate(questions, 1):
            step(f"labelling {place} of {len(questions)}")
            rows.append(await _label(client, each))
    await asyncio.to_thread(file.write_bytes, b"\n".join(map(msgspec.json.encode, rows)))
    return file


async def _asked(address: str, directory: Path, questions: Sequence[Lookup], step: Callable[[str], None]) -> list[Pair]:
    pairs = []
    for place, each in enumerate(questions, 1):
        step(f"asking {place} of {len(questions)}")
        pairs.append(await _pair(address, directory, each, first="held" if place % 2 else "gated"))
    return pairs


async def _label(client: AsyncOpenAI, lookup: Lookup) -> dict[str, Any]:
    told = await client.chat.completions.create(model=LOCAL_MODEL, messages=_said(lookup), logprobs=True, **ASKED)
    choice = told.choices[0]
    return {
        "acceptable": int(lookup.rightly(choice.message.content or "")),
        "logprobs": [each.logprob for each in (choice.logprobs.content if choice.logprobs else None) or ()],
    }


@asynccontextmanager
async def _gateway(directory: Path, model: str, labels: Path, prefix: int) -> AsyncIterator[tuple[Calibrated, str]]:
    whole = calibrate(read_labels(labels), AIM, target="small")
    found = calibrate(read_labels(labels, prefix), AIM, target="small")
    save_calibration(directory / "whole.json", whole.calibration)
    save_calibration(directory / "begun.json", found.calibration)
    release = found.chosen.threshold if found.holds else UNCERTIFIED
    async with SimulatedModel(stock_answer) as strong:
        written = CONFIG.format(
            local=model,
            other=strong.base_url,
            model=LOCAL_MODEL,
            least=whole.chosen.threshold if whole.holds else UNCERTIFIED,
            release=release,
            stop=min(found.stop or 0.0, release, 0.99),
        )
        (directory / "turnout.yaml").write_text(written, "utf-8")
        async with running_gateway(directory / "turnout.yaml", directory) as address:
            yield found, address


async def _pair(address: str, directory: Path, lookup: Lookup, *, first: str) -> Pair:
    """Ask both routes, taking turns at being first, so that neither always has the warm cache."""
    order = (first, "gated" if first == "held" else "held")
    got = {route: await _streamed(address, directory, route, lookup) for route in order}
    return Pair(got["held"], got["gated"])


async def _streamed(address: str, directory: Path, route: str, lookup: Lookup) -> Streamed:
    async with AsyncOpenAI(base_url=f"{address}/v1", api_key="bench", max_retries=0) as client:
        began, first, text = time.perf_counter(), None, ""
        stream = await client.chat.completions.create(model=route, messages=_said(lookup), stream=True, **ASKED)
        async for chunk in stream:
            said = chunk.choices[0].delta.content or "" if chunk.choices else ""
            if said and first is None:
                first = time.perf_counter()
            text += said
        over = time.perf_counter()
        decision = await _record(directory, stream.response.headers["x-turnout-decision"])
    right = lookup.rightly(text) if decision.target == "small" else None
    return Streamed(((first or over) - began) * 1e3, (over - began) * 1e3, right, decision)


async def _record(directory: Path, decision_id: str) -> Decision:
    """The decision, once it has come from the journal into the ledger."""
    with closing(SqliteStore(database_file(directory))) as store:
        for _ in range(RECORD_LOOKS):
            if (found := recorded(store, decision_id)) is not None:
                return found
            await asyncio.sleep(0.02)
    raise TurnoutError(f"decision {decision_id} is not in the ledger")


def _said(lookup: Lookup) -> list[Any]:
    return [{"role": "user", "content": f"{lookup.question} Tell me something about it."}]


def figures(found: Calibrated, pairs: Sequence[Pair]) -> dict[str, Any]:
    """What it came to, by what the gate did; milliseconds are medians, tokens means."""
    kinds = {how: [pair for pair in pairs if pair.how == how] for how in ("released", "stopped", "held")}
    return {
        "promise": found.promise,
        "certified": found.holds,
        "prefix": found.calibration.prefix,
        "by": {how: _figures(some) for how, some in kinds.items() if some},
        "all": _figures(pairs),
    }


def _figures(pairs: Iterable[Pair]) -> dict[str, Any]:
    some = list(pairs)
    held, gated = [pair.held for pair in some], [pair.gated for pair in some]
    own = [each.right for each in gated if each.right is not None]
    return {
        "requests": len(some),
        "first_ms": [round(median(each)) for each in zip(*(pair.waited_ms for pair in some), strict=True)],
        "all_ms": [round(median(each)) for each in zip(*(pair.took_ms for pair in some), strict=True)],
        "draft_tokens": [round(fmean(each.drafted for each in mode), 1) for mode in (held, gated)],
        "kept_by": [sum(each.decision.target == "small" for each in mode) for mode in (held, gated)],
        "wrong_of_kept": round(1 - sum(own) / len(own), 3) if own else None,
    }


def show(told: dict[str, Any], console: Console) -> None:
    """As a table: each cell held to the end → through the gate."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("after the first tokens", "requests", "ms to first text", "ms to the end", "draft tokens", "kept"):
        table.add_column(title, justify="left" if title.startswith("after") else "right")
    for how, row in [*told["by"].items(), ("all", told["all"])]:
        cells = (" → ".join(map(str, row[name])) for name in ("first_ms", "all_ms", "draft_tokens", "kept_by"))
        table.add_row(how, str(row["requests"]), *cells)
    console.print(told["promise"])
    console.print(table)
    wrong = told["by"].get("released", {}).get("wrong_of_kept")
    if wrong is not None:
        console.print(f"Of the released answers {wrong:.0%} are wrong.")
    console.print(
        "Each cell: held to the end → through the gate; of what was released, as if held it had been kept too."
    )


if __name__ == "__main__":
    sys.exit(main())
