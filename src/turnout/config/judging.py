"""What judges the answers of a cascade: signals, and the calibration that makes confidence of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from turnout.confidence.calibration import Calibration, load_calibration
from turnout.confidence.numbers import numpy
from turnout.confidence.prefix import PrefixSignal, prefix_of
from turnout.confidence.signal import Signal
from turnout.confidence.signals.agreement import Agreement
from turnout.confidence.signals.language import LanguageDiffers
from turnout.confidence.signals.request import REQUEST_VALUES
from turnout.confidence.signals.table import SIGNALS, Abilities, signal_named
from turnout.config.accepting import Accept, GateSpec
from turnout.config.values import did_you_mean
from turnout.errors import ArtefactError, ConfigError
from turnout.execution.scoring import scorers_of
from turnout.features.embeddings import embed_all, load_embeddings
from turnout.features.language import detect_language, load_language_model
from turnout.policy.acceptance import RAW_SIGNAL, Acceptance
from turnout.policy.gate import Gate
from turnout.providers.aiohttp_transport import AiohttpTransport

if TYPE_CHECKING:
    from turnout.config.compile_policy import Place


def _embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
    vectors: Sequence[Sequence[float]] = embed_all(list(texts)).tolist()
    return vectors


_ABILITIES: Final = Abilities(detect=detect_language, embed=_embed)


def acceptance(accept: Accept, place: Place, target: str = "", following: str = "") -> Acceptance:
    """What an answer must reach.

    Args:
        accept: as configured.
        place: where that stands.
        target: whose answer it is.
        following: who is asked if it is not kept.

    Raises:
        ConfigError: the calibration cannot be used, or asks for a signal that there is not.
        MissingExtra: the extra `learn` is not installed.
    """
    calibration = None
    if accept.by is not None:
        beside = following if accept.worth is not None else None
        calibration = place.learnt.calibration(target, beside) if place.learnt else _calibration(accept.by, place)
    if accept.worth is not None and calibration is not None and not calibration.tells_prices:
        told = "the calibration does not tell what a better answer costs, so `worth` cannot be judged by it."
        fix = "Make it from labels with the columns strong and strong_cost_usd: turnout calibrate ROUTE --by gain."
        raise ConfigError(told, fix=fix, key=f"{place.at}.by")
    if calibration is not None and calibration.prefix is not None:
        told = f"the calibration is of the first {calibration.prefix} tokens of an answer, and whole ones are judged."
        raise ConfigError(told, fix="Give it under `gate`, and one of whole answers here.", key=f"{place.at}.by")
    needed = calibration.inputs if calibration is not None else (RAW_SIGNAL,)
    signals = [name for name in needed if name not in REQUEST_VALUES]
    if unused := accept.signals.keys() - set(signals):
        raise ConfigError(
            f"nothing reads the signal '{min(unused)}'.",
            fix=f"The calibration reads: {', '.join(signals) or 'no signal'}.",
            key=f"{place.at}.signals",
        )
    made = tuple(_signals(signals, accept, place))
    try:
        scorers = scorers_of(made, place.services or AiohttpTransport())
    except ConfigError as error:
        raise ConfigError(error.problem, fix=error.fix, key=f"{place.at}.signals") from error
    gated = accept.gate is not None and place.learnt is None  # what is replayed has come to its end
    gate = _gate(accept.gate, place.inside("gate")) if gated and accept.gate is not None else None
    least = math.inf if accept.confidence is None else accept.confidence
    return Acceptance(least, made, calibration, scorers, accept.on_shift == "escalate", gate, worth=accept.worth)


def check_columns(names: Iterable[str], accept: Accept | None) -> None:
    """Check that the gateway can read what a calibration of that stage is to be fitted to.

    Args:
        names: of the labels' columns.
        accept: as configured.

    Raises:
        ConfigError: one is neither a signal nor a feature of the request.
    """
    known = {*REQUEST_VALUES, *SIGNALS, *(accept.signals if accept is not None else ())}
    for name in names:
        if prefix_of(name)[0] not in known:
            told = f"the labels have a column '{name}', which is neither a signal nor a feature of the request."
            fix = f"{did_you_mean(name, known)} Leave it out, or say under accept.signals what it is."
            raise ConfigError(told, fix=fix)


def _gate(gate: GateSpec, place: Place) -> Gate:
    """What settles an answer at its beginning. Raises `ConfigError` as `acceptance` does."""
    calibration = _calibration(gate.by, place)
    tokens = calibration.prefix
    if tokens is None:
        fix = "Make one with `turnout calibrate ROUTE --labels FILE --prefix 20`."
        raise ConfigError("the calibration is of whole answers, not of beginnings.", fix=fix, key=f"{place.at}.by")
    needed = [name for name in calibration.inputs if name not in REQUEST_VALUES]
    signals = tuple(_prefix_signal(name, tokens, place) for name in needed)
    return Gate(tokens=tokens, release=gate.release, stop=gate.stop, signals=signals, calibration=calibration)


def _prefix_signal(name: str, tokens: int, place: Place) -> PrefixSignal:
    kind, of = prefix_of(name)
    try:
        whole = signal_named(kind, abilities=_ABILITIES)
    except ConfigError as error:
        raise ConfigError(error.problem, fix=error.fix, key=f"{place.at}.by") from error
    if of != tokens or not whole.prefix or whole.calls:
        told = f"the calibration reads {name}, which the first {tokens} tokens of an answer do not tell."
        raise ConfigError(told, fix=f"Label with signals such as mean_logprob@{tokens}.", key=f"{place.at}.by")
    return PrefixSignal(whole=whole, tokens=tokens)


def _calibration(by: str, place: Place) -> Calibration:
    numpy()  # said now and not by the first request
    try:
        return load_calibration(place.directory / Path(by).expanduser())
    except ArtefactError as error:
        raise ConfigError(str(error), key=f"{place.at}.by") from error


def _signals(names: Iterable[str], accept: Accept, place: Place) -> Iterable[Signal]:
    for name in names:
        try:
            signal = signal_named(name, accept.signals.get(name), abilities=_ABILITIES)
        except ConfigError as error:
            raise ConfigError(error.problem, fix=error.fix, key=f"{place.at}.signals") from error
        if signal.target is not None and signal.target not in place.targets:
            told = f"the signal {name} asks '{signal.target}', and there is no target of that name."
            raise ConfigError(told, fix=did_you_mean(signal.target, place.targets), key=f"{place.at}.signals")
        _load_what_it_takes(signal)
        yield signal


def _load_what_it_takes(signal: Signal) -> None:
    """Load the tables that a signal reads: not while a request waits. Raises `MissingExtra`."""
    match signal:
        case LanguageDiffers():
            load_language_model()
        case Agreement(by="meaning"):
            load_embeddings()
