"""What a request asks for, in whatever dialect it came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from turnout.types.dialect import DialectName

_PROSE = ("system", "systemInstruction", "instructions", "messages", "contents", "input", "tools")
_NOT_PROSE = frozenset(
    {
        *("cache_control", "data", "file_data", "fileUri", "id", "image_url", "media_type", "mimeType", "role"),
        *("thoughtSignature", "type", "url"),
    }
)


class UnreadableRequestError(ValueError):
    """The provider would refuse the request: `param` is the field at fault."""

    def __init__(self, message: str, param: str | None = None) -> None:
        self.param = param
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call."""

    name: str
    schema: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request, as far as the answer depends on it.

    Attributes:
        dialect: the format that it came in.
        model: the model's name, fault included.
        body: the request itself.
        stream: server-sent events are wanted.
        text: the last text of the user.
        tools: what may be called.
        called: the name of the tool that must be called, "any" for one of them, or None.
        answers_tool: the last thing said is a tool's result, which is to be answered by text.
        schema: the JSON schema of the answer, or None for prose.
        max_tokens: the most that the answer may have, reasoning included; or None.
        stops: texts before which the answer stops.
        thinking: reasoning is wanted.
        top_logprobs: how many alternatives to report per token; None without log probabilities.
        choices: how many answers are wanted.
        include_usage: the stream is to end with the usage (OpenAI chat).
        cached: part of the prompt is to be reported as read from the cache.
    """

    dialect: DialectName
    model: str
    body: Mapping[str, Any]
    stream: bool = False
    text: str = ""
    tools: tuple[Tool, ...] = ()
    called: str | None = None
    answers_tool: bool = False
    schema: Any = None
    max_tokens: int | None = None
    stops: tuple[str, ...] = ()
    thinking: bool = False
    top_logprobs: int | None = None
    choices: int = 1
    include_usage: bool = False
    cached: bool = False
    input_tokens: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_tokens", prompt_tokens(self.body))

    @property
    def cached_tokens(self) -> int:
        """Half of the prompt (rounded down) where the request uses the cache, else none."""
        return self.input_tokens // 2 if self.cached else 0


def prompt_tokens(body: Mapping[str, Any]) -> int:
    """Tokens that this provider bills for a prompt: one, and one more for every four bytes (UTF-8) of its prose.

    Prose is every string in the instructions, the conversation and the tools, however the dialect calls them, but for
    what only labels or carries data: types, roles, ids, media.
    """
    parts = (body.get(key) for key in _PROSE)
    return 1 + sum(len(text.encode("utf-8", "surrogatepass")) for part in parts for text in _prose(part)) // 4


def _prose(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if key not in _NOT_PROSE:
                yield from _prose(each)
    elif isinstance(value, list):
        for each in value:
            yield from _prose(each)


def text_of(content: Any) -> str:
    """The text of a message's content: a string, or blocks of which some have `text`."""
    if isinstance(content, str):
        return content
    return "\n".join(str(block["text"]) for block in items(content) if isinstance(block, Mapping) and "text" in block)


def last_user_text(messages: Iterable[Any]) -> str:
    """The text of the last message of the user that has any."""
    texts = (text_of(each.get("content")) for each in messages if isinstance(each, Mapping) and _is_user(each))
    return next((text for text in reversed(list(texts)) if text), "")


def _is_user(message: Mapping[str, Any]) -> bool:
    return message.get("role") == "user"


def required(body: Mapping[str, Any], name: str, kind: type, message: str) -> Any:
    """The field `name` of the request.

    Raises:
        UnreadableRequestError: it is missing or of another type.
    """
    value = body.get(name)
    if not isinstance(value, kind):
        raise UnreadableRequestError(message, name)
    return value


def whole_number(body: Mapping[str, Any], *names: str) -> int | None:
    """The first of these fields that is given.

    Raises:
        UnreadableRequestError: it is not a whole number, or not above 0.
    """
    name = next((each for each in names if body.get(each) is not None), None)
    if name is None:
        return None
    value = body[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UnreadableRequestError(f"Invalid type for {name!r}: expected a whole number.", name)
    return value


def texts(value: Any) -> tuple[str, ...]:
    """The strings of a list, or the one string that stands for such a list."""
    return (value,) if isinstance(value, str) else tuple(each for each in items(value) if isinstance(each, str))


def items(value: Any) -> list[Any]:
    """`value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def mentions(value: Any, key: str) -> bool:
    """Whether the key is used anywhere inside."""
    if isinstance(value, Mapping):
        return value.get(key) is not None or any(mentions(each, key) for each in value.values())
    return isinstance(value, list) and any(mentions(each, key) for each in value)
