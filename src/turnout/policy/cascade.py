"""A cascade: a cheap answer is held until it has been judged, and kept if it is sure enough; else the next one answers.

L. Chen, M. Zaharia, J. Zou, "FrugalGPT", TMLR 2024; where the threshold comes from: `turnout.confidence.threshold`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from turnout.policy.acceptance import Acceptance
from turnout.policy.base import Context, Policy, satisfied, union_of_targets
from turnout.types.candidate import Candidate, Considered, Judged, Outcome, Plan, ReadOn, Step, Stop
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
    that were held is given after all: it is an answer, and the alternative is none. Where none was held to its end, the
    last that was stopped at its beginning is asked again.

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
        held: list[_Verdict] = []
        stopped: Policy | None = None
        for stage in self.stages:
            outcome = yield from _answer(stage, context, held[-1].answer if held else None)
            if not satisfied(outcome) or outcome is None:
                continue
            unread = outcome.answer is None and outcome.signals is None  # vectors and the like are not judged
            if stage.accept is None or unread:
                return outcome
            verdict = yield from _judge(stage.accept, context, outcome)
            if verdict.judged.accepted:
                return verdict.answer
            if verdict.answer is None:
                stopped = stage.policy
            else:
                held.append(verdict)
        if not held:
            return (yield from stopped.decide(context)) if stopped is not None else None
        surest = max(held, key=lambda each: each.judged.confidence or 0.0).answer
        yield Considered(f"answer of {surest.target if surest else ''}", chosen=True, because=KEPT)
        return surest


class _Verdict(NamedTuple):
    """An answer and what was thought of it; no answer where its beginning was all there was."""

    answer: Outcome | None
    judged: Judged


def _judge(accept: Acceptance, context: Context, outcome: Outcome) -> Generator[Step, Outcome | None, _Verdict]:
    """Judge an answer, where it is streamed already by its beginning."""
    if not outcome.whole and accept.gate is not None:
        begun = accept.judge_beginning(accept.gate, context, outcome)
        yield begun
        if begun.accepted:
            return _Verdict(outcome, begun)
        if begun.settled:
            yield Stop(outcome)
            return _Verdict(None, begun)
        rest = yield ReadOn(outcome)
        if rest is None or not satisfied(rest):
            return _Verdict(None, begun)
        outcome = rest
    judged = yield from accept.judge(context, outcome)
    yield judged
    return _Verdict(outcome, judged)


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
            step = _as_judged(step, stage.accept, context)
            step = msgspec.structs.replace(step, ask=step.ask or ask)
        reply = yield step


def _as_judged(step: Candidate, accept: Acceptance | None, context: Context) -> Candidate:
    """A candidate whose answer is held for what judges it."""
    if accept is None:
        return step
    if context.dialect is DialectName.OPENAI_EMBEDDINGS:
        return msgspec.structs.replace(step, wants=step.wants | accept.wants)
    gate = accept.gate.tokens if accept.gate is not None and context.stream and not step.hold else step.gate
    return msgspec.structs.replace(step, hold=True, gate=gate, wants=step.wants | accept.wants)


def _with_draft(rejected: Outcome) -> Chat | None:
    """The question with the draft and what to do with it; None where the dialect alone can say what was asked."""
    asked, answer = rejected.asked, rejected.answer
    if asked is None or answer is None or asked.foreign or not answer.text:
        return None
    turns = (Message("assistant", (Text(answer.text),)), Message("user", (Text(_IMPROVE),)))
    return msgspec.structs.replace(asked, messages=(*asked.messages, *turns))
