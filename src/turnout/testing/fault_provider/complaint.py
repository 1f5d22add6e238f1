"""Errors as providers put them, by HTTP status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SERVER_ERROR = 500

# status: OpenAI's type, OpenAI's code, Anthropic's type, what is said
_BY_STATUS: dict[int, tuple[str, str | None, str, str]] = {
    400: ("invalid_request_error", None, "invalid_request_error", "The request cannot be served as it is."),
    401: ("invalid_request_error", "invalid_api_key", "authentication_error", "Incorrect API key provided."),
    402: ("insufficient_quota", "insufficient_quota", "billing_error", "There is no credit left."),
    403: ("invalid_request_error", None, "permission_error", "The key may not use this model."),
    404: ("invalid_request_error", "model_not_found", "not_found_error", "The model does not exist."),
    408: ("server_error", None, "timeout_error", "The request took too long."),
    413: ("invalid_request_error", None, "request_too_large", "The request is too large."),
    422: ("invalid_request_error", None, "invalid_request_error", "The request cannot be processed."),
    429: ("requests", "rate_limit_exceeded", "rate_limit_error", "Rate limit reached for requests."),
    500: ("server_error", None, "api_error", "The server had an error while processing the request."),
    503: ("server_error", None, "overloaded_error", "The engine is currently overloaded."),
    504: ("server_error", None, "timeout_error", "The gateway timed out."),
    529: ("server_error", "overloaded", "overloaded_error", "Overloaded"),
}


_GOOGLE = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error of the provider. `code` takes the place of the usual code, and of Anthropic's type."""

    status: int
    message: str = ""
    code: str = ""
    param: str | None = None

    @property
    def _usual(self) -> tuple[str, str | None, str, str]:
        return _BY_STATUS.get(self.status) or _BY_STATUS[SERVER_ERROR if self.status >= SERVER_ERROR else 400]

    @property
    def said(self) -> str:
        """The message for people."""
        return self.message or self._usual[3]

    @property
    def openai(self) -> dict[str, Any]:
        """OpenAI's envelope."""
        kind, code, _, _ = self._usual
        kind = self.code if self.code == "insufficient_quota" else kind
        error = {"message": self.said, "type": kind, "param": self.param, "code": self.code or code}
        return {"error": error}

    @property
    def google(self) -> dict[str, Any]:
        """Google's envelope. A `code` of theirs (`API_KEY_INVALID`) is the reason of a detail."""
        usual = _GOOGLE.get(self.status) or ("INTERNAL" if self.status >= SERVER_ERROR else "INVALID_ARGUMENT")
        error: dict[str, Any] = {"code": self.status, "message": self.said, "status": usual}
        if self.code.isupper():
            error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": self.code}]
        return {"error": error}

    def anthropic(self, request_id: str) -> dict[str, Any]:
        """Anthropic's envelope."""
        kind = self.code or self._usual[2]
        return {"type": "error", "error": {"type": kind, "message": self.said}, "request_id": request_id}
