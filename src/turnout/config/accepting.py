"""When a cascade keeps an answer, as configured."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from turnout.config.values import Section, Wrong


class GateSpec(Section):
    """What settles a streamed answer already at its beginning."""

    by: str = Field(
        min_length=1,
        description="The calibration of beginnings: a file of `turnout calibrate --prefix`, relative to this one. It "
        "says after how many tokens.",
    )
    release: float = Field(gt=0, description="The least confidence from which the stream flows; above 1 for never.")
    stop: float = Field(
        0.0, ge=0, lt=1, description="The confidence below which the answer is stopped, and the next stage asked."
    )

    @model_validator(mode="after")
    def _in_order(self) -> GateSpec:
        if self.stop > self.release:
            raise Wrong(
                f"`stop` ({self.stop:g}) is above `release` ({self.release:g}).", "Stop below what is released."
            )
        return self


class Accept(Section):
    """When a held answer is kept: from a `confidence` on, or unless a better one is `worth` its price.

    Without `by`, confidence is the mean probability of the answer's tokens, which says how sure the model was and not
    how often it is right.
    """

    confidence: float | None = Field(
        None, gt=0, le=1, description="The least confidence, above 0 and at most 1, that keeps the answer."
    )
    worth: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Instead of `confidence`: what one more acceptable answer may cost, in USD. An answer is kept "
        "where the next stage adds them at a higher price: what it is expected to cost, over how much likelier its "
        "answer is to be acceptable.",
    )
    by: str | None = Field(
        None,
        min_length=1,
        description="The calibration that makes confidence of an answer's signals: a file of `turnout calibrate`, "
        "relative to this one.",
    )
    gate: GateSpec | None = Field(
        None,
        description="What settles a streamed answer by its first tokens, so that its caller need not wait for all.",
    )
    on_shift: Literal["carry_on", "escalate"] = Field(
        "carry_on",
        description="What happens once the traffic is another than what the calibration was fitted on; its promise "
        "holds no more either way.",
    )
    signals: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Settings of signals, by their names (`judge: {target: gpt-4o}`)."
    )

    @model_validator(mode="after")
    def _one_bar(self) -> Accept:
        if (self.confidence is None) is (self.worth is None):
            raise Wrong(
                "it takes one of `confidence` and `worth`.",
                "Write {confidence: 0.85}, or {worth: 0.01, by: calibrations/ROUTE.json}.",
            )
        if self.worth is not None and self.by is None:
            raise Wrong(
                "`worth` needs `by`: what a better answer costs is told by a calibration.",
                "Make one: turnout calibrate ROUTE --labels FILE --quality-loss 0.02 --by gain.",
            )
        if self.worth is not None and self.gate is not None:
            raise Wrong("`gate` goes with `confidence`, and not with `worth`.", "Remove one of them.")
        return self
