"""When do two answers say the same? When they have one normal form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, Literal

from turnout.confidence.signals.canonical import canonical, read_strict
from turnout.types.chat import Answer, ToolCall

By = Literal["auto", "number", "choice", "json", "text"]

_FENCE: Final = "```"
_MARKED: Final = re.compile(r"####|\\boxed\s*\{|\b(?:final\s+)?answer(?:\s+is)?\s*:|\banswer\s+is\b", re.IGNORECASE)
"""What stands before the answer proper, after the reasoning that led to it."""
_NUMBER: Final = re.compile(r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\w])|(?<![\w.])[-+]?\.\d+(?![\w])")
_ONLY_NUMBER: Final = re.compile(r"\W*?([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\W*")
_CHOICE: Final = re.compile(r"\W*([A-J])(?:\W*|[).:]\W?.*)", re.DOTALL)
_ANY_CHOICE: Final = re.compile(r"(?<![\w'’])([A-J])(?![\w'’])")
_SIGNS: Final = str.maketrans({"−": "-", "–": "-", "$": "", "€": "", "£": "", "*": "", "_": " "})
_NOT_A_WORD: Final = re.compile(r"[\W_]+")


def normal_form(text: str, by: By = "auto") -> str:
    r"""What an answer comes down to.

    Args:
        text: the answer.
        by: what it is to be read as: a number, a choice (A to J), JSON, or a text of which case, punctuation and
            spaces do not matter. By default, as the first of JSON, choice and number that it is, and else as a text;
            where it marks its result (`#### 42`, `\boxed{42}`, "The answer is 42"), by the result.

    Returns:
        A text that is the same for answers that say the same. An answer that is not what `by` says is read as a text.
    """
    for reader in _READERS[by]:
        found = reader(text)
        if found is not None:
            return found
    return _as_text(text)


def normal_answer(answer: Answer, by: By = "auto") -> str:
    """The same of an answer that may call tools: its calls, each with its arguments in one form, and its text."""
    calls = [f"{part.name}({_as_json(part.arguments) or part.arguments})" for part in _calls(answer)]
    text = answer.text
    return " ".join([*calls, normal_form(text, by)]) if text.strip() or not calls else " ".join(calls)


def _calls(answer: Answer) -> list[ToolCall]:
    return [part for part in answer.parts if isinstance(part, ToolCall)]


def _as_json(text: str) -> str | None:
    inner = text.strip()
    if inner.startswith(_FENCE) and inner.endswith(_FENCE):
        inner = inner.removesuffix(_FENCE).partition("\n")[2].strip()
    if not inner.startswith(("{", "[")):
        return None
    try:
        return "json:" + canonical(read_strict(inner))
    except (ValueError, RecursionError):
        return None


def _as_choice(text: str) -> str | None:
    found = _CHOICE.fullmatch(_result(text))
    return f"choice:{found[1]}" if found else None


def _as_number(text: str) -> str | None:
    found = _ONLY_NUMBER.fullmatch(_result(text).translate(_SIGNS))
    return _number(found[1]) if found else None


def _as_any_choice(text: str) -> str | None:
    found = _ANY_CHOICE.findall(_result(text)) or _ANY_CHOICE.findall(text)
    return f"choice:{found[-1]}" if found else None


def _as_last_number(text: str) -> str | None:
    found = _NUMBER.findall(_result(text).translate(_SIGNS)) or _NUMBER.findall(text.translate(_SIGNS))
    return _number(found[-1]) if found else None


def _as_text(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _result(text)).casefold())
    return "text:" + _NOT_A_WORD.sub(" ", folded).strip()


def _result(text: str) -> str:
    """What follows the last mark, on its line; the whole text without one."""
    marks = list(_MARKED.finditer(text))
    if not marks:
        return text
    rest = text[marks[-1].end() :].strip()
    return rest.partition("\n")[0].rstrip("} ") if rest else text


def _number(written: str) -> str:
    value = Decimal(written.replace(",", ""))
    return f"number:{value.normalize() + 0:f}"


_READERS: Final[Mapping[By, tuple[Callable[[str], str | None], ...]]] = {
    "auto": (_as_json, _as_choice, _as_number),
    "json": (_as_json,),
    "choice": (_as_choice, _as_any_choice),
    "number": (_as_number, _as_last_number),
    "text": (),
}
