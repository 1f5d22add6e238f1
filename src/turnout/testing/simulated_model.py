"""A stand-in for a frontier model where no key for one is at hand: it answers without a model, and says so."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Self

import msgspec
from aiohttp import web

LABEL: Final = "[simulated frontier model]"
"""Every answer begins with it."""

_CHARS_PER_TOKEN: Final = 4


class SimulatedModel:
    """An OpenAI-compatible server on this machine whose answers come from a function, at a model's pace.

    It can be stopped and started again at the same address, which is what an outage looks like to its callers.
    The same question is answered with the same words after the same time.

    Args:
        answer: the answer to what the user said last; the label is put before it.
        first_token_s: about how long it is silent first, in seconds.
        tokens_per_s: how fast it then speaks.
    """

    def __init__(self, answer: Callable[[str], str], *, first_token_s: float = 0.4, tokens_per_s: float = 90.0) -> None:
        self._answer = answer
        self._first_token_s = first_token_s
        self._token_s = 1 / tokens_per_s
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def base_url(self) -> str:
        """What the OpenAI SDK would be given."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def start(self) -> None:
        """Listen: on a free port at first, on the same one ever after."""
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        # An outage is sudden: nobody is waited for.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Hang up on everybody, and refuse connections from now on."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        reply = _Reply(msgspec.json.decode(await request.read()), self._answer)
        # Between four and six fifths of the usual silence, always the same for the same words.
        await asyncio.sleep(self._first_token_s * (0.8 + 0.4 * (zlib.crc32(reply.asked.encode()) % 1000) / 1000))
        if not reply.streamed:
            await asyncio.sleep(self._token_s * len(reply.tokens))
            return web.Response(body=reply.whole(), content_type="application/json")
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        async for event in reply.events(self._token_s):
            await response.write(b"data: " + event + b"\n\n")
        return response


class _Reply:
    """One answer in the OpenAI chat dialect, whole or in events."""

    def __init__(self, body: dict[str, Any], answer: Callable[[str], str]) -> None:
        self.asked = next((_text(said) for said in reversed(body["messages"]) if said["role"] == "user"), "")
        self.streamed = bool(body.get("stream"))
        self._with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        text = f"{LABEL} {answer(self.asked)}"
        tokens = [text[at : at + _CHARS_PER_TOKEN] for at in range(0, len(text), _CHARS_PER_TOKEN)]
        limit = body.get("max_completion_tokens") or body.get("max_tokens") or len(tokens)
        self.tokens = tokens[:limit]
        self._finish = "stop" if len(tokens) <= limit else "length"
        read = sum(len(_text(said)) // _CHARS_PER_TOKEN + 4 for said in body["messages"])
        self._usage = {
            "prompt_tokens": read,
            "completion_tokens": len(self.tokens),
            "total_tokens": read + len(self.tokens),
        }
        self._frame = {
            "id": f"chatcmpl-simulated-{time.time_ns():x}",
            "created": int(time.time()),
            "model": body.get("model", "simulated"),
        }

    def whole(self) -> bytes:
        message = {"role": "assistant", "content": "".join(self.tokens), "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish}
        answer = {**self._frame, "object": "chat.completion", "choices": [choice], "usage": self._usage}
        return msgspec.json.encode(answer)

    async def events(self, token_s: float) -> AsyncIterator[bytes]:
        yield self._chunk({"role": "assistant", "content": ""})
        for token in self.tokens:
            yield self._chunk({"content": token})
            await asyncio.sleep(token_s)
        yield self._chunk({}, self._finish)
        if self._with_usage:
            yield msgspec.json.encode(
                {**self._frame, "object": "chat.completion.chunk", "choices": [], "usage": self._usage}
            )
        yield b"[DONE]"

    def _chunk(self, delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return msgspec.json.encode({**self._frame, "object": "chat.completion.chunk", "choices": [choice]})


def _text(said: dict[str, Any]) -> str:
    content = said.get("content") or ""
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)
