"""Parts of an item's content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from turnout.errors import InvalidRequest
from turnout.types.chat import Document, Image, Part, Refusal, Text
from turnout.wire.fields import maybe, record, text
from turnout.wire.openai_chat.content import FILE_NAME, data_url, decode_file, url_of

_AUTO: Final = "auto"


def decode_content(content: Any, param: str) -> tuple[Part, ...]:
    """A string or a list of parts. Parts that only this dialect knows are left out: they are needs.

    Raises:
        InvalidRequest: it is neither.
    """
    if isinstance(content, str):
        return (Text(content),)
    if not isinstance(content, list):
        raise InvalidRequest(f"`{param}` must be a string or a list of parts.", param=param)
    parts = (_decode_part(record(part, f"{param}[{index}]"), f"{param}[{index}]") for index, part in enumerate(content))
    return tuple(part for part in parts if part is not None)


def decode_texts(content: Any, param: str) -> tuple[Text, ...]:
    """The same where only text may stand.

    Raises:
        InvalidRequest: it is something else, or not only text.
    """
    parts = decode_content(content, param)
    texts = tuple(part for part in parts if isinstance(part, Text))
    if len(texts) < (1 if isinstance(content, str) else len(content)):
        raise InvalidRequest(f"`{param}` may only have parts of the type 'input_text'.", param=param)
    return texts


def _decode_part(part: dict[str, Any], param: str) -> Part | None:
    match part.get("type"):
        case "input_text" | "output_text":
            return Text(text(part.get("text"), f"{param}.text"))
        case "refusal":
            return Refusal(text(part.get("refusal"), f"{param}.refusal"))
        case "input_image":
            return _decode_image(part, param)
        case "input_file":
            return decode_file(part, param, None)
        case kind:
            text(kind, f"{param}.type")
            return None


def _decode_image(part: dict[str, Any], param: str) -> Image | None:
    if part.get("image_url") is None:
        return None
    url = text(part["image_url"], f"{param}.image_url")
    detail = maybe(text, part.get("detail"), f"{param}.detail")
    closely = None if detail == _AUTO else detail
    if not url.startswith("data:"):
        return Image(url=url, detail=closely)
    media_type, data = data_url(url, f"{param}.image_url")
    return Image(media_type=media_type, data=data, detail=closely)


def encode_content(parts: Sequence[Part]) -> str | list[dict[str, Any]]:
    """The content of what somebody asks or a tool gave back: a string where it is one text."""
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    encoded = (_encode_part(part) for part in parts)
    return [part for part in encoded if part is not None]


def _encode_part(part: Part) -> dict[str, Any] | None:
    match part:
        case Text(said) | Refusal(said):
            return {"type": "input_text", "text": said}
        case Image():
            return {"type": "input_image", "image_url": url_of(part), "detail": part.detail or _AUTO}
        case Document(text=str(said)):
            # The dialect's files are PDFs; a plain text is a text.
            return {"type": "input_text", "text": f"{part.name}\n\n{said}" if part.name else said}
        case Document(url=str(url)):
            return {"type": "input_file", "file_url": url}
        case Document():
            return {"type": "input_file", "filename": part.name or FILE_NAME, "file_data": url_of(part)}
    return None
