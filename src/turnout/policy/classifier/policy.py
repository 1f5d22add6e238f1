"""A classifier: each target's chance, cost and latency are predicted, and one is chosen before any call.

That the gain of the dearer target is what to predict: I. Ong et al., "RouteLLM: Learning to Route LLMs with
Preference Data", ICLR 2025, and `docs/quality.md` for how much it matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from turnout.policy.base import Context, NotKnown, Policy, union_of_targets
from turnout.policy.classifier.choice import NEAR, Choice, Option
from turnout.policy.classifier.model import Classifier, Expected, Prediction
from turnout.policy.expected_cost import expected_cost
from turnout.types.candidate import Considered, Declined, Plan, Predicted

NAME: Final = "classifier"


@dataclass(frozen=True, slots=True)
class Classify:
    """Hands over to the policy of the target or category that is chosen.

    Declines where the request is like none that the model was trained on, and where the choice is too near to another:
    the next policy decides.

    Attributes:
        model: what predicts.
        among: the policy of each of the model's names that may be chosen, the cheapest first.
        choice: how one is chosen.
        at: where it stands in the configuration, dotted.
    """

    model: Classifier
    among: Mapping[str, Policy]
    choice: Choice
    at: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        """Those of all that may be chosen."""
        return union_of_targets(*self.among.values())

    def decide(self, context: Context) -> Plan:
        """See `Policy`."""
        if context.query is None:
            raise NotKnown("text")
        prediction = self.model.predict(context.features, context.query)
        options = self._options(prediction, context)
        yield Predicted(artefact=self.model.id, signals=_signals(options))
        if prediction.declined:
            yield Declined(NAME, prediction.declined)
            return None
        chosen = self.choice.of(options)
        for option in options:
            yield Considered(option.name, option is chosen, _told(option, likely=self.model.of == "categories"))
        if chosen is None:
            yield Declined(NAME, NEAR)
            return None
        return (yield from self.among[chosen.name].decide(context))

    def _options(self, prediction: Prediction, context: Context) -> list[Option]:
        """What may be chosen, the cheapest first; where a price is unknown, in the order of the configuration."""
        expected = prediction.of
        options = [
            _option(name, expected[name], policy.targets[0], context)
            for name, policy in self.among.items()
            if name in expected
        ]
        if all(option.cost_usd is not None for option in options):
            options.sort(key=lambda option: option.cost_usd or 0.0)
        return options


def _option(name: str, expected: Expected, target: str, context: Context) -> Option:
    """What choosing `name` comes to, by the first target of its policy."""
    return Option(
        name=name,
        chance=expected.chance,
        cost_usd=expected_cost(target, context, expected.output_tokens),
        latency_ms=context.predicted_ms(target) or expected.latency_ms,
    )


def _signals(options: list[Option]) -> dict[str, float]:
    """What was predicted, for the record."""
    signals = {}
    for option in options:
        signals[f"{option.name}.chance"] = round(option.chance, 4)
        if option.cost_usd is not None:
            signals[f"{option.name}.cost_usd"] = round(option.cost_usd, 9)
        if option.latency_ms is not None:
            signals[f"{option.name}.latency_ms"] = round(option.latency_ms, 1)
    return signals


def _told(option: Option, *, likely: bool) -> str:
    told = [f"{'likely' if likely else 'acceptable'} {option.chance:.2f}"]
    if option.cost_usd is not None:
        told.append(f"about ${option.cost_usd:.6f}")
    if option.latency_ms is not None:
        told.append(f"{option.latency_ms:.0f} ms")
    return ", ".join(told)
