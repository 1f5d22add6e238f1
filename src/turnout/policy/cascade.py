"""A cascade: a cheap answer is held until it has been judged, and kept if it is sure enough; else the next one answers.

L. Chen, M. Zaharia, J. Zou, "FrugalGPT", TMLR 2024; where the threshold comes from: `turnout.confidence.threshold`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from turnout.policy.acceptance import Acceptance
from turnout.policy.base import Context, Policy, satisfied, union_of_targets
from turnout.types.candidate import Candidate, Considered, Judged, Outcome, Plan
from turnout.types.chat import Chat, Message, Text
from turnout.types.dialect import DialectName

KEPT: Final = "every later stage failed"
"""Why an answer that was not sure enough is given after all."""

_IMPROVE: Final = (
    "The answer above is a draft that may be wrong. Answer my question yourself: keep of the draft what is right, and "
    "do not mention that there was one."
)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage.

    Attributes:
        policy: who answers.
        accept: what its answer must reach to be kept; None keeps any, which is the last stage's way.
        draft: it is shown the answer that was not kept, to do better.
    """

    policy: Policy
    accept: Acceptance | None = None
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Cascade:
    """Asks stage after stage until an answer is sure enough.

    A stage that fails is passed over like one that is not sure. Where all later ones fail, the surest of the answers
    that were held is given after all: it is an answer, and the alternative is none.

    Attributes:
        stages: the cheapest first.
        at_most: the share of the requests that may be escalated; None for any.
        at: where they stand in the configuration, dotted.
    """

    stages: tuple[Stage, ...]
    at: str = ""
    at_most: float | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """Those of all stages. Whom a signal asks is not among them."""
        return union_of_targets(*(stage.policy for stage in self.stages))

    def decide(self, context: Context) -> Plan:
        """See `Policy`."""
        held: list[tuple[Outcome, Judged]] = []
        for stage in self.stages:
            outcome = yield from _answer(stage, context, held[-1][0] if held else None)
            if not satisfied(outcome) or outcome is None:
                continue
            unread = outcome.answer is None and outcome.signals is None  # vectors and the like are not judged
            if stage.accept is None or unread:
                return outcome
            judged = yield from stage.accept.judge(context, outcome)
            yield judged
            if judged.accepted:
                return outcome
            held.append((outcome, judged))
        if not held:
            return None
        surest, _ = max(held, key=lambda each: each[1].confidence or 0.0)
        yield Considered(f"answer of {surest.target}", chosen=True, because=KEPT)
        return surest


def _answer(stage: Stage, context: Context, rejected: Outcome | None) -> Plan:
    """The stage's own plan, its answers held where they will be judged."""
    plan = stage.policy.decide(context)
    ask = _with_draft(rejected) if stage.draft and rejected is not None else None
    reply: Outcome | None = None
    while True:
        try:
            step = plan.send(reply)
        except StopIteration as stop:
            accepted: Outcome | None = stop.value
            return accepted
        if isinstance(step, Candidate) and step.purpose == "answer":
            step = msgspec.structs.replace(
                step,
                hold=step.hold or (stage.accept is not None and context.dialect is not DialectName.OPENAI_EMBEDDINGS),
                wants=step.wants | (stage.accept.wants if stage.accept is not None else frozenset()),
                ask=step.ask or ask,
            )
        reply = yield step


def _with_draft(rejected: Outcome) -> Chat | None:
    """The question with the draft and what to do with it; None where the dialect alone can say what was asked."""
    asked, answer = rejected.asked, rejected.answer
    if asked is None or answer is None or asked.foreign or not answer.text:
        return None
    turns = (Message("assistant", (Text(answer.text),)), Message("user", (Text(_IMPROVE),)))
    return msgspec.structs.replace(asked, messages=(*asked.messages, *turns))
