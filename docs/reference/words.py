"""The meaning of each member of the code's enumerations, where the code itself has no room for a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from turnout.testing.fault_provider.verb import Stage
from turnout.types.dialect import Need
from turnout.types.failure import FailureKind

NEEDS: Final[Mapping[Need, str]] = MappingProxyType(
    {
        Need.AUDIO: "spoken input or output",
        Need.DOCUMENTS: "files such as a PDF in the conversation",
        Need.HIGH_TEMPERATURE: "a `temperature` above 1",
        Need.IMAGES: "images in the conversation",
        Need.IMAGE_URLS: "images given by their address instead of their data",
        Need.JSON_OBJECT: "an answer that is some JSON object",
        Need.JSON_SCHEMA: "an answer that fits a JSON schema",
        Need.LOGIT_BIAS: "weights on single tokens",
        Need.LOGPROBS: "the probabilities of the answer's tokens",
        Need.ONE_CALL: "one tool call at a time (`parallel_tool_calls: false`, `disable_parallel_tool_use: true`)",
        Need.MANY_CHOICES: "several answers to one question (`n`)",
        Need.PENALTIES: "frequency and presence penalties",
        Need.REASONING: "reasoning before the answer (thinking)",
        Need.SEED: "sampling that can be repeated",
        Need.SERVER_TOOLS: "tools that the provider runs itself, which no two dialects have alike",
        Need.STOP: "stop sequences",
        Need.TOOLS: "function tools",
        Need.TOP_K: "sampling from the k likeliest tokens",
    }
)
FAILURES: Final[Mapping[FailureKind, str]] = MappingProxyType(
    {
        FailureKind.CONNECT_FAILED: "refused, no such host, or TLS failed",
        FailureKind.CONNECT_TIMEOUT: "no connection within `connect`",
        FailureKind.CONNECTION_LOST: "the connection broke before the answer was complete",
        FailureKind.FIRST_TOKEN_TIMEOUT: "nothing meaningful within `first_token`",
        FailureKind.IDLE_TIMEOUT: "silence in the middle of a stream for `idle`",
        FailureKind.ANSWER_TIMEOUT: "no whole answer within `answer`",
        FailureKind.DEADLINE: "the request's `total` passed",
        FailureKind.TRUNCATED: "the stream ended without a finish signal",
        FailureKind.NOT_AN_ANSWER: "status 200 and no answer: HTML, nothing, an error as JSON",
        FailureKind.MALFORMED: "an event or a body that is not of the dialect",
        FailureKind.ERROR_EVENT: "an error event within a stream",
        FailureKind.SERVER_ERROR: "status 408, 409, 5xx",
        FailureKind.OVERLOADED: "status 503, 529, or an overload told in a stream",
        FailureKind.RATE_LIMITED: "status 429",
        FailureKind.QUOTA_EXHAUSTED: "our account has no money or quota left",
        FailureKind.AUTHENTICATION: "status 401, 403: our key is not accepted",
        FailureKind.BAD_REQUEST: "status 400, 422 and the other 4xx",
        FailureKind.CONTEXT_LENGTH: "the input is too long for this model",
        FailureKind.CONTENT_POLICY: "the provider's content filter",
        FailureKind.NOT_FOUND: "status 404: no such model",
        FailureKind.REDIRECTED: "status 3xx: a redirect is never followed",
        FailureKind.CANCELLED: "the caller left",
        FailureKind.STOPPING: "the gateway stops, and its drain limit has passed",
    }
)
BREAKER: Final = MappingProxyType(
    {
        "consecutive": "It opens after so many failures in a row,",
        "ratio": "or when this share of the calls failed,",
        "minimum": "of at least so many calls",
        "window": "within so many seconds.",
        "cooldown": "It stays open for so many seconds; then one call probes the target.",
    }
)
RETRIES: Final = MappingProxyType(
    {
        "attempts": "At most so many attempts at one target, the first included.",
        "base": "The scale of the pause in seconds: drawn at random, doubling with each attempt.",
        "longest": "No pause is longer, in seconds; a provider that asks for more is not asked again.",
    }
)
STAGES: Final = MappingProxyType(
    {
        Stage.CONNECTION: "The port and the connection",
        Stage.ANSWER: "What is said",
        Stage.RESPONSE: "Something else is said instead",
        Stage.EVENT: "The events of the body",
        Stage.TIME: "When it comes, and whether",
        Stage.BYTES: "The bytes of the body",
        Stage.HEAD: "The head and the framing",
    }
)
