"""The bytes of the measurement: a chat request, an answer, a stream, and the routes turnout is given."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

MODEL = "mock-small"
KEY = "bench-gateway-key-0123456789abcdef"
GUARDED = "guarded"
"""A request that is not streamed and has somewhere to fall back to: its call is streamed and put together."""
STREAM_EVENTS = 300
"""Events in one stream, the role chunk, the finish, the usage and `[DONE]` included: a middling answer."""

_SENTENCE = "We ordered twelve crates of seedlings for the greenhouse and three arrived with broken lids. "
_ANSWER = "Thank you for telling us. Three new lids leave the nursery tomorrow; you need send nothing back. "
_USAGE = {"prompt_tokens": 231, "completion_tokens": 96, "total_tokens": 327}


def prompt(characters: int) -> str:
    """A customer's letter of exactly `characters` characters, which none of the phrase lists matches."""
    return (_SENTENCE * (characters // len(_SENTENCE) + 1))[:characters]


def chat_request(route: str, *, stream: bool) -> bytes:
    """The body that every contestant is sent: about 1 KB, asking for `route`."""
    body: dict[str, Any] = {
        "model": route,
        "messages": [
            {"role": "system", "content": "You answer the letters of a nursery for plants, briefly."},
            {"role": "user", "content": prompt(800)},
        ],
        "temperature": 0.2,
        "max_tokens": 200,
    }
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body, separators=(",", ":")).encode()


def chat_answer() -> bytes:
    """The fixed unary answer of the mock provider, about 600 bytes."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": _ANSWER * 3, "refusal": None},
        "logprobs": None,
        "finish_reason": "stop",
    }
    return _compact(_envelope("chat.completion", [choice]) | {"usage": _USAGE, "system_fingerprint": "fp_bench"})


def chat_events() -> list[bytes]:
    """The fixed stream of the mock provider: `STREAM_EVENTS` server-sent events, ending with `[DONE]`."""
    role = _delta({"role": "assistant", "content": ""})
    tokens = [_delta({"content": f" token{index:03d}"}) for index in range(STREAM_EVENTS - 4)]
    finish = _delta({}, finish="stop")
    usage = _envelope("chat.completion.chunk", []) | {"usage": _USAGE}
    chunks = [_compact(chunk) for chunk in (role, *tokens, finish, usage)]
    return [b"data: " + chunk + b"\n\n" for chunk in (*chunks, b"[DONE]")]


def phrase_lists() -> dict[str, list[str]]:
    """Three lists of 200 distinct two- and three-word phrases, none of which `prompt` contains."""
    firsts = (
        "reset",
        "change",
        "cancel",
        "renew",
        "dispute",
        "escalate",
        "refund",
        "explain",
        "upgrade",
        "close",
    )
    middles = ("my", "the", "an", "our")
    lasts = (
        *("password", "invoice", "subscription", "account", "contract", "delivery", "chargeback", "warranty"),
        *(
            "opening hours",
            "billing address",
            "payment method",
            "return label",
            "tax number",
            "data export",
            "plan",
        ),
    )
    phrases = [" ".join(words) for words in product(firsts, middles, lasts)]
    return {name: phrases[start::3] for start, name in enumerate(("faq", "complex", "escalation"))}


def rules_policy(*targets: str) -> dict[str, Any]:
    """A rules policy that tries all three lists before its last rule takes the request."""
    use = list(targets)
    return {
        "rules": [
            {"name": "escalate", "when": {"matches": "escalation"}, "use": use},
            {"name": "complex", "when": {"matches": "complex"}, "use": use},
            {"name": "faq", "when": {"matches": "faq", "tokens": {"max": 2000}}, "use": use},
            {"name": "rest", "use": use},
        ]
    }


def gateway_config(upstreams: dict[str, str], *, keys: bool) -> dict[str, Any]:
    """Turnout's configuration (JSON is YAML): one provider, target and rules route for each workload.

    Args:
        upstreams: the mock provider's base URL by workload; the workload's name becomes the route. Where one streams,
            the route `GUARDED` is a chain of two targets of it.
        keys: whether callers must show a gateway key.
    """
    price = {"input": 0.60, "output": 0.60}
    config: dict[str, Any] = {
        "providers": {
            name: {"dialect": "openai", "base_url": f"{url}/v1", "api_key": "bench"} for name, url in upstreams.items()
        },
        "targets": {f"{name}-small": {"provider": name, "model": MODEL, "price": price} for name in upstreams},
        "routes": {name: {"lists": phrase_lists(), "policy": rules_policy(f"{name}-small")} for name in upstreams},
    }
    if "stream" in upstreams:
        config["targets"]["spare"] = {"provider": "stream", "model": MODEL, "price": price}
        config["routes"][GUARDED] = {"lists": phrase_lists(), "policy": rules_policy("stream-small", "spare")}
    return config | ({"server": {"keys": [KEY]}} if keys else {})


def _envelope(kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": "chatcmpl-bench", "object": kind, "created": 1700000000, "model": MODEL, "choices": choices}


def _delta(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    return _envelope("chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": finish}])


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
