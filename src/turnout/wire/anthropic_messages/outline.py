"""What deciding needs to know of a Messages request, read straight from its body."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from turnout.errors import InvalidRequest
from turnout.types.dialect import Need
from turnout.types.request import LONGEST_NAME, Outline, Said
from turnout.wire.anthropic_messages.limits import ADVISORY
from turnout.wire.event_json import encode_json
from turnout.wire.fields import items, maybe, one_of, record, text, whole
from turnout.wire.openai_chat.limits import MAX_STOPS, MAX_TOOL_NAME
from turnout.wire.stand_in import stand_in

_ROLES: Final = ("user", "assistant", "system")
_TOOL_FIELDS: Final = ("allowed_callers", "defer_loading", "input_examples")
"""Fields of a tool that change what the model does, and that only this dialect has."""


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
    reading = _Reading(needs)
    if (system := body.get("system")) is not None:
        reading.turn("system", system, "system")
    for index, message in enumerate(messages):
        if type(message) is not dict:
            raise InvalidRequest(f"`messages[{index}]` must be an object.", param=f"messages[{index}]")
        role = one_of(_ROLES, message.get("role"), f"messages[{index}].role")
        reading.turn(role, message.get("content"), f"messages[{index}].content")
    if messages[-1].get("role") == "assistant":
        needs.add("field:last_message")  # the answer is to go on from it, which only this dialect does
    metadata = body.get("metadata")
    user = metadata.get("user_id") if type(metadata) is dict else None
    return Outline(
        said=tuple(reading.said),
        tools=len(body["tools"]) if body.get("tools") else 0,
        images=reading.images,
        max_tokens=maybe(whole, body.get("max_tokens"), "max_tokens"),
        needs=frozenset(needs),
        user=user[:LONGEST_NAME] if type(user) is str and user else None,
    )


class _Reading:
    """The turns so far."""

    __slots__ = ("_has_results", "_needs", "_results", "images", "said")

    def __init__(self, needs: set[str]) -> None:
        self._needs = needs
        self.said: list[Said] = []
        self.images = 0
        self._results: list[str] = []
        self._has_results = False

    def turn(self, role: str, content: Any, param: str) -> None:
        """Add a turn. What tools gave back is a turn of theirs, though it stands in one of the user's."""
        if type(content) is str:
            self.said.append(Said(role, content))
            return
        if type(content) is not list:
            raise InvalidRequest(f"`{param}` must be a string or a list of content blocks.", param=param)
        told: list[str] = []
        self._results, self._has_results = [], False
        for index, block in enumerate(content):
            self._block(record(block, f"{param}[{index}]"), f"{param}[{index}]", told)
        if self._has_results:
            self.said.append(Said("tool", "\n".join(self._results)))
        if told or not self._has_results:
            self.said.append(Said(role, "\n".join(told)))

    def _block(self, block: dict[str, Any], param: str, told: list[str]) -> None:
        kind = text(block.get("type"), f"{param}.type")
        if kind == "text":
            told.append(text(block.get("text"), f"{param}.text"))
            return
        read = _BLOCKS.get(kind)
        if read is not None:
            read(self, block, param, told)
        elif kind == "server_tool_use" or kind.endswith("_tool_result"):
            self._needs.add(Need.SERVER_TOOLS)
        else:
            self._needs.add(f"field:{kind[:64]}")

    def _image(self, block: dict[str, Any], param: str, told: list[str]) -> None:
        source = record(block.get("source"), f"{param}.source")
        self.images += 1
        self._needs.add(Need.IMAGES)
        match source.get("type"):
            case "base64":
                told.append(stand_in("image", text(source.get("data"), f"{param}.source.data")))
            case "url":
                self._needs.add(Need.IMAGE_URLS)
                told.append(text(source.get("url"), f"{param}.source.url"))
            case _:
                self._needs.add("field:file_id")

    def _document(self, block: dict[str, Any], param: str, told: list[str]) -> None:
        source = record(block.get("source"), f"{param}.source")
        kind = source.get("type")
        if kind == "text":
            told.append(text(source.get("data"), f"{param}.source.data"))
        elif kind == "base64":
            self._needs.add(Need.DOCUMENTS)
            told.append(stand_in("document", text(source.get("data"), f"{param}.source.data")))
        else:
            self._needs.update((Need.DOCUMENTS, "field:document.source"))
        if block.get("context"):
            self._needs.add("field:document.context")
        citations = block.get("citations")
        if type(citations) is dict and citations.get("enabled"):
            self._needs.add("field:citations")

    def _result(self, block: dict[str, Any], param: str, told: list[str]) -> None:
        del told
        self._has_results = True
        content = block.get("content")
        if type(content) is str:
            self._results.append(content)
        elif content is not None:
            for index, inner in enumerate(items(content, f"{param}.content")):
                inner_param = f"{param}.content[{index}]"
                if record(inner, inner_param).get("type") == "tool_result":
                    raise InvalidRequest(f"`{inner_param}` must not be a tool result itself.", param=inner_param)
                self._block(inner, inner_param, self._results)

    def _call(self, block: dict[str, Any], param: str, told: list[str]) -> None:
        arguments = encode_json(record(block.get("input"), f"{param}.input")).decode()
        told.append(f"{text(block.get('name'), f'{param}.name')}({arguments})")

    def _nothing(self, block: dict[str, Any], param: str, told: list[str]) -> None:
        """Reasoning: its own provider reads it, and a decision does not."""


_BLOCKS: Final = MappingProxyType(
    {
        "image": _Reading._image,  # noqa: SLF001 - the class's own table
        "document": _Reading._document,  # noqa: SLF001
        "tool_result": _Reading._result,  # noqa: SLF001
        "tool_use": _Reading._call,  # noqa: SLF001
        "thinking": _Reading._nothing,  # noqa: SLF001
        "redacted_thinking": _Reading._nothing,  # noqa: SLF001
    }
)


def _unknown(field: str, value: Any) -> Iterable[str]:
    if (advisory := ADVISORY.get(field)) is not None and advisory.allows(value):
        return ()
    return (f"field:{field[:64]}",)


def _tools(field: str, value: Any) -> Iterable[str]:
    for index, tool in enumerate(items(value, field)):
        yield Need.TOOLS
        told = record(tool, f"tools[{index}]")
        if told.get("type") not in (None, "custom"):
            yield Need.SERVER_TOOLS
        name = told.get("name")
        if type(name) is str and len(name) > MAX_TOOL_NAME:
            yield "field:tools.name"
        yield from (f"field:tools.{key}" for key in _TOOL_FIELDS if told.get(key))


def _tool_choice(field: str, value: Any) -> Iterable[str]:
    return (Need.ONE_CALL,) if record(value, field).get("disable_parallel_tool_use") is True else ()


def _thinking(field: str, value: Any) -> Iterable[str]:
    match value:
        case {"type": "disabled"}:
            return ()
        case {"type": "enabled" | "adaptive"}:
            return (Need.REASONING,)
    return (Need.REASONING, f"field:{field}")


def _output_config(field: str, value: Any) -> Iterable[str]:
    for key, told in record(value, field).items():
        if told is None:
            continue
        if key == "effort":
            yield Need.REASONING
        elif key == "format":
            yield from _format(f"{field}.{key}", told)
        else:
            yield f"field:{field}.{key[:64]}"


def _format(field: str, value: Any) -> Iterable[str]:
    known = type(value) is dict and value.get("type") == "json_schema"
    return (Need.JSON_SCHEMA,) if known else (f"field:{field}",)


def _metadata(field: str, value: Any) -> Iterable[str]:
    return tuple(f"field:{field}.{key[:64]}" for key, told in record(value, field).items() if told and key != "user_id")


def _stops(field: str, value: Any) -> Iterable[str]:
    if value:
        yield Need.STOP
    if type(value) is list and len(value) > MAX_STOPS:
        yield f"field:{field}"


_FIELDS: Final[Mapping[str, Callable[[str, Any], Iterable[str]] | None]] = MappingProxyType(
    {
        **dict.fromkeys(("model", "messages", "max_tokens", "system", "temperature", "top_p", "stream")),
        "metadata": _metadata,
        "output_config": _output_config,
        "output_format": _format,
        "stop_sequences": _stops,
        "thinking": _thinking,
        "tool_choice": _tool_choice,
        "tools": _tools,
        "top_k": lambda *_: (Need.TOP_K,),
    }
)
"""What each field of a request asks for; None where it is nothing that a target could lack."""
