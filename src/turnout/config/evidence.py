"""What is found out about answers, as a route writes it: `evidence: {judge: {target: opus, daily_usd: 5}}`."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from turnout.confidence.signals.judge import RUBRIC, Judge
from turnout.confidence.signals.normal import By
from turnout.confidence.signals.table import signal_named
from turnout.config.shares import ShareOfRequests
from turnout.config.values import Section, TargetName, Wrong
from turnout.policy.evidence import Checking, Evidence, Judging

Check = Literal["truncated", "refused", "empty", "schema_invalid", "tools_invalid"]
_ALL: Final[tuple[Check, ...]] = ("truncated", "refused", "empty", "schema_invalid", "tools_invalid")


class JudgeConfig(Section):
    """A model grades a share of the answers by a rubric. It is not told who wrote them; chance decides their order."""

    target: TargetName = Field(description="Who grades.")
    share: ShareOfRequests = Field(
        0.02,
        description="Of the route's requests that were answered. Where a shadow was asked too, both answers are graded "
        "together.",
    )
    daily_usd: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)] = Field(
        description="The most that it may cost in a day (UTC), in USD."
    )
    rubric: str = Field(RUBRIC, min_length=1, description="What a good answer is like.")
    max_tokens: int = Field(300, ge=16, description="The most tokens that a judgement may have.")
    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(
        0.0, description="Of the judgement; null for a model that takes none."
    )


class AgreementConfig(Section):
    """Whether the answer says what a strong target says to the same: of requests that have a shadow of it."""

    with_: TargetName = Field(alias="with", description="The strong target; one of the route's shadows.")
    by: By = Field("auto", description="What answers are compared by.")


class ChecksConfig(Section):
    """Whether answers have the form that they should. It asks nobody, and costs nothing but a little time."""

    of: list[Check] = Field(default_factory=lambda: [*_ALL], min_length=1, description="What is checked for.")
    share: ShareOfRequests = Field(0.1, description="Of the route's requests that were answered.")


class EvidenceConfig(Section):
    """How good answers are, found out beside the traffic and recorded with its kind."""

    judge: JudgeConfig | None = Field(None, description="Grades by a model.")
    agreement: AgreementConfig | None = Field(None, description="Agreement with a strong target.")
    checks: ChecksConfig | None = Field(None, description="Checks of form.")

    @model_validator(mode="after")
    def _something(self) -> EvidenceConfig:
        if self.judge is None and self.agreement is None and self.checks is None:
            raise Wrong("it asks for nothing.", "Write judge, agreement or checks, or leave `evidence` out.")
        return self

    def compiled(self) -> Evidence:
        """What it means."""
        judge, agreement, checks = self.judge, self.agreement, self.checks
        return Evidence(
            judging=_judging(judge) if judge is not None else None,
            agreeing=(agreement.with_, agreement.by) if agreement is not None else None,
            checking=Checking(tuple(map(signal_named, checks.of)), checks.share) if checks is not None else None,
        )


def _judging(given: JudgeConfig) -> Judging:
    judge = Judge(
        name="judge",
        target=given.target,
        rubric=given.rubric,
        max_tokens=given.max_tokens,
        temperature=given.temperature,
    )
    return Judging(judge, given.share, given.daily_usd)
