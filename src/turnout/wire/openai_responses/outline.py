"""What deciding needs to know of a Responses request, read straight from its body."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from turnout.errors import InvalidRequest
from turnout.types.dialect import Need
from turnout.types.request import LONGEST_NAME, Outline, Said
from turnout.wire.fields import items, maybe, one_of, record, text, truth, whole
from turnout.wire.openai_responses.limits import ADVISORY, ENCRYPTED, LOGPROBS
from turnout.wire.stand_in import stand_in

_ROLES: Final = MappingProxyType({"user": "user", "assistant": "assistant", "system": "system", "developer": "system"})
_ASKED: Final = frozenset({"user", "tool"})
_FUNCTION: Final = "function"
_SILENT: Final = "reasoning"
_CUSTOM: Final = "custom"


def outline(body: dict[str, Any]) -> Outline:
    """Read what deciding needs. A request may do without `input`: the provider may hold the conversation.

    Raises:
        InvalidRequest: the body is not a request of this dialect.
    """
    needs: set[str] = set()
    for field, value in body.items():
        if value is not None and (read := _FIELDS.get(field, _unknown)) is not None:
            needs.update(read(field, value))
    reading = _Reading(needs)
    if (instructions := body.get("instructions")) is not None:
        reading.said.append(Said("system", text(instructions, "instructions")))
    reading.read(body.get("input"))
    if type(body.get("reasoning")) is dict and Need.REASONING in needs:
        needs.update(_at_odds_with_reasoning(body))
    user = body.get("safety_identifier") or body.get("user")
    return Outline(
        said=tuple(reading.said),
        tools=len(body["tools"]) if body.get("tools") else 0,
        images=reading.images,
        max_tokens=maybe(whole, body.get("max_output_tokens"), "max_output_tokens"),
        needs=frozenset(needs),
        user=user[:LONGEST_NAME] if type(user) is str else None,
    )


class _Reading:
    """The turns so far."""

    __slots__ = ("_needs", "images", "said")

    def __init__(self, needs: set[str]) -> None:
        self._needs = needs
        self.said: list[Said] = []
        self.images = 0

    def read(self, told: Any) -> None:
        """Read `input`. Who speaks first and last matters where the conversation is all that the provider knows."""
        if type(told) is str:
            self.said.append(Said("user", told))
            return
        if told is not None and type(told) is not list:
            raise InvalidRequest("`input` must be a string or a list of items.", param="input")
        speakers = [speaker for speaker in map(self._item, told or [], range(len(told or []))) if speaker != "system"]
        if not speakers or speakers[0] not in _ASKED:
            self._needs.add("field:first_message")
        if not speakers or speakers[-1] not in _ASKED:
            self._needs.add("field:last_message")

    def _item(self, item: Any, index: int) -> str:
        """Add a turn, and return whose it is."""
        param = f"input[{index}]"
        if type(item) is not dict:
            raise InvalidRequest(f"`{param}` must be an object.", param=param)
        match item.get("type"):
            case None | "message":
                role = _ROLES[one_of(tuple(_ROLES), item.get("role"), f"{param}.role")]
                self.said.append(Said(role, self._content(item.get("content"), f"{param}.content")))
                return role
            case "function_call":
                self._foreign(item)
                name, arguments = text(item.get("name"), f"{param}.name"), item.get("arguments")
                self.said.append(Said("assistant", f"{name}({text(arguments, f'{param}.arguments')})"))
                return "assistant"
            case "function_call_output":
                self._foreign(item)
                self.said.append(Said("tool", self._content(item.get("output"), f"{param}.output")))
                return "tool"
            case kind:
                if text(kind, f"{param}.type") != _SILENT:
                    self._needs.add(f"field:{kind[:64]}")
                return "assistant"

    def _foreign(self, item: dict[str, Any]) -> None:
        """What only this dialect knows of a call: a namespace, or a program of the provider's as its caller."""
        if item.get("namespace") is not None:
            self._needs.add("field:namespace")
        caller = item.get("caller")
        if type(caller) is dict and caller.get("type") != "direct":
            self._needs.add("field:caller")

    def _content(self, content: Any, param: str) -> str:
        if type(content) is str:
            return content
        if type(content) is not list:
            raise InvalidRequest(f"`{param}` must be a string or a list of parts.", param=param)
        told: list[str] = []
        for index, part in enumerate(content):
            self._part(record(part, f"{param}[{index}]"), f"{param}[{index}]", told)
        return "\n".join(told)

    def _part(self, part: dict[str, Any], param: str, told: list[str]) -> None:
        match part.get("type"):
            case "input_text" | "output_text":
                told.append(text(part.get("text"), f"{param}.text"))
            case "refusal":
                told.append(text(part.get("refusal"), f"{param}.refusal"))
            case "input_image":
                self._image(part, param, told)
            case "input_file":
                self._file(part, param, told)
            case "input_audio":
                self._needs.add(Need.AUDIO)
            case kind:
                self._needs.add(f"field:{text(kind, f'{param}.type')[:64]}")

    def _image(self, part: dict[str, Any], param: str, told: list[str]) -> None:
        self.images += 1
        self._needs.add(Need.IMAGES)
        if part.get("image_url") is None:
            self._needs.add("field:file_id")
            return
        url = text(part["image_url"], f"{param}.image_url")
        if url.startswith("data:"):
            told.append(stand_in("image", url[url.find(",") + 1 :]))
        else:
            self._needs.add(Need.IMAGE_URLS)
            told.append(url)

    def _file(self, part: dict[str, Any], param: str, told: list[str]) -> None:
        self._needs.add(Need.DOCUMENTS)
        if part.get("file_data") is None:
            self._needs.add("field:file_id" if part.get("file_url") is None else "field:file_url")
            return
        data = text(part["file_data"], f"{param}.file_data")
        if data.startswith("data:") and not data.startswith(("data:application/pdf", "data:text/")):
            self._needs.add("field:file")
        told.append(stand_in("document", data[data.find(",") + 1 :]))


def _at_odds_with_reasoning(body: dict[str, Any]) -> Iterable[str]:
    """A model of Anthropic's that reasons cannot be made to call a tool, nor be cooled."""
    choice = body.get("tool_choice")
    if choice == "required" or type(choice) is dict:
        yield "field:tool_choice"
    if body.get("temperature") not in (None, 1):
        yield "field:temperature"


def _unknown(field: str, value: Any) -> Iterable[str]:
    if (advisory := ADVISORY.get(field)) is not None and advisory.allows(value):
        return ()
    return (f"field:{field[:64]}",)


def _background(field: str, value: Any) -> Iterable[str]:
    """An answer that is to be fetched later would need a place to fetch it from, and turnout keeps none."""
    if truth(value, field):
        raise InvalidRequest("`background` must be false: the answer is waited for, or streamed.", param=field)
    return ()


def _tools(field: str, value: Any) -> Iterable[str]:
    for index, tool in enumerate(items(value, field)):
        yield Need.TOOLS
        kind = text(record(tool, f"tools[{index}]").get("type"), f"tools[{index}].type")
        if kind == _CUSTOM:
            yield "field:tools"
        elif kind != _FUNCTION:
            yield Need.SERVER_TOOLS
        yield from (f"field:tools.{key}" for key in ("allowed_callers", "defer_loading") if tool.get(key))


def _tool_choice(field: str, value: Any) -> Iterable[str]:
    named = type(value) is dict and value.get("type") == _FUNCTION
    return () if named or type(value) is str else (f"field:{field}",)


def _temperature(_: str, value: Any) -> Iterable[str]:
    return (Need.HIGH_TEMPERATURE,) if type(value) in (int, float) and value > 1 else ()


def _text(field: str, value: Any) -> Iterable[str]:
    for key, told in record(value, field).items():
        if key == "format" and told is not None:
            yield from _format(f"{field}.{key}", told)
        elif told is not None and (key, told) != ("verbosity", "medium"):
            yield f"field:{field}.{key[:64]}"


def _format(field: str, value: Any) -> Iterable[str]:
    match value:
        case {"type": "text"}:
            return ()
        case {"type": "json_object"}:
            return (Need.JSON_OBJECT,)
        case {"type": "json_schema"}:
            return (Need.JSON_SCHEMA,)
    return (f"field:{field}",)


def _reasoning(field: str, value: Any) -> Iterable[str]:
    for key, told in record(value, field).items():
        if key == "effort" and told not in (None, "none"):
            yield Need.REASONING
        elif told is not None and (key, told) not in _NO_MATTER and key not in ("effort", *_SHOWN):
            yield f"field:{field}.{key[:64]}"


_SHOWN: Final = ("summary", "generate_summary")
_NO_MATTER: Final = (("context", "auto"), ("mode", "standard"))


def _include(field: str, value: Any) -> Iterable[str]:
    for word in items(value, field):
        if word == LOGPROBS:
            yield Need.LOGPROBS
        elif word != ENCRYPTED:
            yield f"field:{field}"


_FIELDS: Final[Mapping[str, Callable[[str, Any], Iterable[str]] | None]] = MappingProxyType(
    {
        **dict.fromkeys(("model", "input", "instructions", "max_output_tokens", "top_p", "user", "safety_identifier")),
        **dict.fromkeys(("stream", "stream_options", "parallel_tool_calls")),
        "background": _background,
        "include": _include,
        "reasoning": _reasoning,
        "temperature": _temperature,
        "text": _text,
        "tool_choice": _tool_choice,
        "tools": _tools,
        "top_logprobs": lambda _, value: (Need.LOGPROBS,) if value else (),
    }
)
"""What each field of a request asks for; None where it is nothing that a target could lack."""
