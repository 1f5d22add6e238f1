"""What deciding needs to know of a Chat Completions request, read straight from its body."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from turnout.errors import InvalidRequest
from turnout.types.dialect import Need
from turnout.types.request import LONGEST_NAME, Outline, Said
from turnout.wire.fields import items, maybe, record, text, whole
from turnout.wire.openai_chat.limits import ADVISORY
from turnout.wire.stand_in import stand_in

_ROLES: Final = MappingProxyType(
    {"user": "user", "assistant": "assistant", "system": "system", "developer": "system", "tool": "tool"}
)
_UNREASONED: Final = (None, "none")
_ASKED: Final = frozenset({"user", "tool"})
_READ_INTO: Final = frozenset({"role", "content", "tool_call_id"})
"""Fields of a message that are either read with every message or say nothing to a decision."""


def outline(body: dict[str, Any]) -> Outline:
    """Read what deciding needs.

    Raises:
        InvalidRequest: the body is not a request of this dialect.
    """
    messages = body.get("messages")
    if type(messages) is not list or not messages:
        raise InvalidRequest("`messages` must be a list with at least one message.", param="messages")
    needs: set[str] = set()
    for field, value in body.items():
        if value is not None and (read := _FIELDS.get(field, _unknown)) is not None:
            needs.update(read(field, value))
    said, images = _said(messages, needs)
    if body.get("reasoning_effort") not in _UNREASONED:
        needs.update(_at_odds_with_reasoning(body))
    user = body.get("user") or body.get("safety_identifier")
    return Outline(
        said=tuple(said),
        tools=len(body["tools"]) if body.get("tools") else 0,
        images=images,
        max_tokens=_max_tokens(body),
        needs=frozenset(needs),
        user=user[:LONGEST_NAME] if type(user) is str else None,
    )


def _max_tokens(body: dict[str, Any]) -> int | None:
    """Where both are told it depends on the server which one counts: the one that allows more. Below 1 is no bound."""
    newer = maybe(whole, body.get("max_completion_tokens"), "max_completion_tokens")
    older = maybe(whole, body.get("max_tokens"), "max_tokens")
    if newer is None or older is None:
        return older if newer is None else newer
    return max(newer, older, key=lambda most: (most < 1, most))


def _said(messages: list[Any], needs: set[str]) -> tuple[list[Said], int]:
    """Every turn, and the number of images."""
    said: list[Said] = []
    images = 0
    first = last = None
    for index, message in enumerate(messages):
        if type(message) is not dict:
            raise InvalidRequest(f"`messages[{index}]` must be an object.", param=f"messages[{index}]")
        role = message.get("role")
        if type(role) is not str:
            raise InvalidRequest(f"`messages[{index}].role` must be a string.", param=f"messages[{index}].role")
        content = message.get("content")
        if type(content) is str and message.keys() <= _READ_INTO:
            told = content
        else:
            turn = _Turn(f"messages[{index}]", needs)
            told = turn.read(message, content)
            images += turn.images
        spoken = _ROLES.get(role)
        if spoken is None:
            needs.add("field:role")
            spoken = "user"
        if spoken != "system":
            first, last = first or spoken, spoken
        said.append(Said(spoken, told))
    if first not in _ASKED:
        needs.add("field:first_message")
    if last not in _ASKED:
        needs.add("field:last_message")
    return said, images


class _Turn:
    """A message that is more than a text."""

    __slots__ = ("_needs", "_param", "_told", "images")

    def __init__(self, param: str, needs: set[str]) -> None:
        self._param = param
        self._needs = needs
        self._told: list[str] = []
        self.images = 0

    def read(self, message: dict[str, Any], content: Any) -> str:
        """The message's text; its needs are added."""
        if type(content) is str:
            self._told.append(content)
        elif content is not None:
            self._parts(content)
        for field in ("name", "function_call"):
            if message.get(field) is not None:
                self._needs.add(f"field:{field}")
        if message.get("audio") is not None:
            self._needs.add(Need.AUDIO)
        if message.get("refusal") is not None:
            self._told.append(text(message["refusal"], f"{self._param}.refusal"))
        if message.get("tool_calls") is not None:
            self._calls(items(message["tool_calls"], f"{self._param}.tool_calls"))
        return "\n".join(self._told)

    def _parts(self, content: Any) -> None:
        if type(content) is not list:
            raise InvalidRequest(
                f"`{self._param}.content` must be a string or a list of parts.", param=f"{self._param}.content"
            )
        for index, part in enumerate(content):
            param = f"{self._param}.content[{index}]"
            self._part(record(part, param), param)

    def _part(self, part: dict[str, Any], param: str) -> None:
        match part.get("type"):
            case "text":
                self._told.append(text(part.get("text"), f"{param}.text"))
            case "refusal":
                self._told.append(text(part.get("refusal"), f"{param}.refusal"))
            case "image_url":
                self._image(part.get("image_url"), f"{param}.image_url")
            case "file":
                self._file(record(part.get("file"), f"{param}.file"))
            case "input_audio":
                self._needs.add(Need.AUDIO)
            case kind:
                self._needs.add(f"field:{text(kind, f'{param}.type')[:64]}")

    def _image(self, image: Any, param: str) -> None:
        url = text(record(image, param).get("url"), f"{param}.url")
        self.images += 1
        self._needs.add(Need.IMAGES)
        if url.startswith("data:"):
            self._told.append(stand_in("image", url[url.find(",") + 1 :]))
        else:
            self._needs.add(Need.IMAGE_URLS)
            self._told.append(url)

    def _file(self, file: dict[str, Any]) -> None:
        self._needs.add(Need.DOCUMENTS)
        data = file.get("file_data")
        if type(data) is not str:
            self._needs.add("field:file_id")
            return
        if data.startswith("data:") and not data.startswith(("data:application/pdf", "data:text/")):
            self._needs.add("field:file")
        self._told.append(stand_in("document", data[data.find(",") + 1 :]))

    def _calls(self, calls: list[Any]) -> None:
        for index, call in enumerate(calls):
            param = f"{self._param}.tool_calls[{index}]"
            function = record(call, param).get("function")
            if type(function) is not dict:
                self._needs.add("field:tool_calls")
                continue
            name = text(function.get("name"), f"{param}.function.name")
            self._told.append(f"{name}({text(function.get('arguments'), f'{param}.function.arguments')})")


def _at_odds_with_reasoning(body: dict[str, Any]) -> Iterable[str]:
    """A model of the other dialect that reasons cannot be made to call a tool, nor be cooled."""
    choice = body.get("tool_choice")
    if choice == "required" or type(choice) is dict:
        yield "field:tool_choice"
    if body.get("temperature") not in (None, 1):
        yield "field:temperature"


def _unknown(field: str, value: Any) -> Iterable[str]:
    if (advisory := ADVISORY.get(field)) is not None and advisory.allows(value):
        return ()
    return (f"field:{field[:64]}",)


def _need(need: Need) -> Callable[[str, Any], Iterable[str]]:
    """A field that asks for something unless it is false, zero or empty."""
    return lambda _, value: (need,) if value else ()


def _tools(field: str, value: Any) -> Iterable[str]:
    tools = items(value, field)
    foreign = any(type(tool) is not dict or type(tool.get("function")) is not dict for tool in tools)
    return ((Need.TOOLS, "field:tools") if foreign else (Need.TOOLS,)) if tools else ()


def _tool_choice(field: str, value: Any) -> Iterable[str]:
    named = type(value) is dict and type(value.get("function")) is dict
    return () if named or type(value) is str else (f"field:{field}",)


def _temperature(_: str, value: Any) -> Iterable[str]:
    return (Need.HIGH_TEMPERATURE,) if type(value) in (int, float) and value > 1 else ()


def _stop(field: str, value: Any) -> Iterable[str]:
    """Anthropic refuses a stop sequence that is all white space."""
    stops = value if type(value) is list else [value]
    if stops:
        yield Need.STOP
    if any(type(stop) is str and not stop.strip() for stop in stops):
        yield f"field:{field}"


def _response_format(field: str, value: Any) -> Iterable[str]:
    match value:
        case {"type": "text"}:
            return ()
        case {"type": "json_object"}:
            return (Need.JSON_OBJECT,)
        case {"type": "json_schema"}:
            return (Need.JSON_SCHEMA,)
    return (f"field:{field}",)


def _choices(_: str, value: Any) -> Iterable[str]:
    return () if value == 1 else (Need.MANY_CHOICES,)


def _modalities(field: str, value: Any) -> Iterable[str]:
    return (Need.AUDIO,) if type(value) is list and "audio" in value else _unknown(field, value)


def _effort(_: str, value: Any) -> Iterable[str]:
    return () if value == "none" else (Need.REASONING,)


_FIELDS: Final[Mapping[str, Callable[[str, Any], Iterable[str]] | None]] = MappingProxyType(
    {
        **dict.fromkeys(("model", "messages", "max_tokens", "max_completion_tokens", "top_p", "user")),
        **dict.fromkeys(("stream", "stream_options", "safety_identifier")),
        "audio": _need(Need.AUDIO),
        "frequency_penalty": _need(Need.PENALTIES),
        "logit_bias": _need(Need.LOGIT_BIAS),
        "logprobs": _need(Need.LOGPROBS),
        "modalities": _modalities,
        "n": _choices,
        "parallel_tool_calls": lambda _, value: (Need.ONE_CALL,) if value is False else (),
        "presence_penalty": _need(Need.PENALTIES),
        "reasoning_effort": _effort,
        "response_format": _response_format,
        "seed": lambda *_: (Need.SEED,),
        "stop": _stop,
        "temperature": _temperature,
        "tool_choice": _tool_choice,
        "tools": _tools,
        "top_logprobs": _need(Need.LOGPROBS),
    }
)
"""What each field of a request asks for; None where it is nothing that a target could lack."""
