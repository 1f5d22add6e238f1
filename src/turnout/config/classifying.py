"""From what the configuration says of a classifier to what chooses by it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from turnout.config.policies import ClassifierSettings
from turnout.config.values import did_you_mean
from turnout.errors import ArtefactError, ConfigError
from turnout.policy.classifier.choice import BestValue, Cheapest, Choice, Likeliest
from turnout.policy.classifier.model import Classifier, load_classifier

if TYPE_CHECKING:
    from turnout.config.compile_policy import Place

EXAMPLE: Final = "`at_least: 0.8`, `gain: 0.1` or `utility: {answer: 0.02}`"


def classifier_of(given: ClassifierSettings, place: Place) -> Classifier:
    """The classifier, read from its file.

    Raises:
        ConfigError: it cannot be used, or does not know what it is to choose among.
        MissingExtra: what it computes with is not installed.
    """
    try:
        model = load_classifier(place.directory / Path(given.by).expanduser())
    except ArtefactError as error:
        raise ConfigError(str(error), key=f"{place.at}.by") from error
    unknown = next((name for name in given.among if name not in model.names), None)
    if unknown is not None:
        told = f"the classifier knows nothing of '{unknown}'."
        raise ConfigError(told, fix=did_you_mean(unknown, model.names), key=f"{place.at}.among.{unknown}")
    return model


def choice_of(given: ClassifierSettings, model: Classifier, place: Place) -> Choice:
    """How one of its targets or categories is chosen.

    Raises:
        ConfigError: nothing says how, or what is said is not for what the classifier predicts.
    """
    if model.of == "categories":
        if given.utility is not None or given.gain is not None:
            raise ConfigError(
                "this classifier tells categories, which have no value and no gain.",
                fix="Remove it; `at_least` says how probable the chosen category must be.",
                key=f"{place.at}.{'gain' if given.utility is None else 'utility'}",
            )
        return Likeliest(given.at_least or 0.0, given.margin)
    if given.utility is not None:
        return BestValue(given.utility.answer, given.utility.second, given.margin)
    if given.at_least is None and given.gain is None:
        raise ConfigError("nothing says how it is to choose.", fix=f"Give {EXAMPLE}.", key=place.at)
    return Cheapest(given.at_least, given.gain or 0.0, given.margin)
