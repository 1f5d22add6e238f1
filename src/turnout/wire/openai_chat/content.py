"""Parts of a message's content."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any, Final

from turnout.errors import InvalidRequest
from turnout.types.chat import Document, Image, Part, Refusal, Text
from turnout.wire.fields import items, maybe, record, text

_DATA_URL: Final = re.compile(r"data:([^;,]*)(?:;[^,]*)?;base64,", re.IGNORECASE)
FILE_NAME: Final = "document.pdf"
"""The name of a file that has none: this dialect asks for one."""


def decode_content(content: Any, param: str) -> tuple[Part, ...]:
    """A string or a list of parts. Parts that only this dialect knows are left out: they are needs.

    Raises:
        InvalidRequest: it is neither.
    """
    if isinstance(content, str):
        return (Text(content),)
    if not isinstance(content, list):
        raise InvalidRequest(f"`{param}` must be a string or a list of parts.", param=param)
    parts = (_decode_part(part, f"{param}[{index}]") for index, part in enumerate(content))
    return tuple(part for part in parts if part is not None)


def decode_texts(content: Any, param: str) -> tuple[Text, ...]:
    """The same where only text may stand.

    Raises:
        InvalidRequest: it is something else, or not only text.
    """
    if isinstance(content, str):
        return (Text(content),)
    parts = decode_content(items(content, param), param)
    texts = tuple(part for part in parts if isinstance(part, Text))
    if len(texts) < len(content):
        raise InvalidRequest(f"`{param}` may only have parts of the type 'text'.", param=param)
    return texts


def _decode_part(part: Any, param: str) -> Part | None:
    told = record(part, param)
    cache = maybe(record, told.get("cache_control"), f"{param}.cache_control")
    match told.get("type"):
        case "text":
            return Text(text(told.get("text"), f"{param}.text"), cache=cache)
        case "refusal":
            return Refusal(text(told.get("refusal"), f"{param}.refusal"))
        case "image_url":
            return _decode_image(record(told.get("image_url"), f"{param}.image_url"), f"{param}.image_url", cache)
        case "file":
            return decode_file(record(told.get("file"), f"{param}.file"), f"{param}.file", cache)
        case kind:
            text(kind, f"{param}.type")
            return None


def _decode_image(image: dict[str, Any], param: str, cache: dict[str, Any] | None) -> Image:
    url = text(image.get("url"), f"{param}.url")
    detail = maybe(text, image.get("detail"), f"{param}.detail")
    if not url.startswith("data:"):
        return Image(url=url, detail=detail, cache=cache)
    media_type, data = data_url(url, f"{param}.url")
    return Image(media_type=media_type, data=data, detail=detail, cache=cache)


def decode_file(file: dict[str, Any], param: str, cache: dict[str, Any] | None) -> Document | None:
    """A file from its `file_data` and `filename`; None where it is only named.

    Raises:
        InvalidRequest: the data is not what it is said to be.
    """
    if file.get("file_data") is None:
        return None
    url = text(file["file_data"], f"{param}.file_data")
    name = maybe(text, file.get("filename"), f"{param}.filename")
    # Without a type it is bare base64, which servers take for what most files are.
    media_type, data = data_url(url, f"{param}.file_data") if url.startswith("data:") else ("application/pdf", url)
    if not media_type.startswith("text/"):
        return Document(media_type=media_type, data=data, name=name, cache=cache)
    try:
        return Document(media_type=media_type, text=base64.b64decode(data).decode(), name=name, cache=cache)
    except (binascii.Error, ValueError):
        raise InvalidRequest(f"`{param}.file_data` must be base64 of UTF-8.", param=f"{param}.file_data") from None


def data_url(url: str, param: str) -> tuple[str, str]:
    """The media type of a data URL, and its data in base64.

    Raises:
        InvalidRequest: it is none.
    """
    head = _DATA_URL.match(url)
    if head is None:
        raise InvalidRequest(f"`{param}` must be a data URL in base64, as in 'data:image/png;base64,...'.", param=param)
    return head[1].lower(), url[head.end() :]


def encode_content(parts: Sequence[Part]) -> str | list[dict[str, Any]]:
    """The content of a message: a string where it is one text."""
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    encoded = (_encode_part(part) for part in parts)
    return [part for part in encoded if part is not None]


def _encode_part(part: Part) -> dict[str, Any] | None:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Refusal():
            return {"type": "text", "text": part.text}
        case Image():
            detail = {"detail": part.detail} if part.detail else {}
            return {"type": "image_url", "image_url": {"url": url_of(part), **detail}}
        case Document(text=str(said)):
            # The dialect's files are PDFs; a plain text is a text.
            return {"type": "text", "text": f"{part.name}\n\n{said}" if part.name else said}
        case Document(data=str()):
            return {"type": "file", "file": {"filename": part.name or FILE_NAME, "file_data": url_of(part)}}
    return None


def url_of(part: Image | Document) -> str:
    """Its address, or its data as a URL."""
    return part.url or f"data:{part.media_type};base64,{part.data}"
