"""The table of admin operations as an OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import msgspec

from turnout.server.admin.operation import Operation

PARAMETER: Final = re.compile(r"\{(\w+)\}")
_SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "One of `server.admin_keys`."},
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same, in another header."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "turnout_session",
        "description": "Of `POST /admin/session`.",
    },
}
_REFUSALS: Final[Mapping[int, str]] = {
    400: "The request cannot be understood.",
    401: "No key, or an unknown one.",
    403: "The key's role does not cover this.",
    413: "The body is too large.",
}


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was not served.

    Attributes:
        kind: the stable machine-readable name of the error.
        message: what is wrong and what helps, in words.
        param: the field at fault, if one is.
    """

    kind: str
    message: str
    param: str | None = None


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """An error's answer."""

    error: Refusal


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the operations."""
    types = [each for operation in operations for each in (operation.takes, operation.gives) if each is not None]
    _, components = msgspec.json.schema_components([*types, Refused], ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "turnout admin",
            "version": version("turnout"),
            "description": "For whoever runs the gateway. `x-needs-role` tells which role an operation takes, "
            "and `x-may-be-bound` whether keys that are bound to a tenant may ask for it.",
        },
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SECURITY},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    refusals = {**({401: _REFUSALS[401], 403: _REFUSALS[403]} if operation.needs else {}), **operation.refuses}
    if operation.takes is not None:
        refusals |= {400: _REFUSALS[400], 413: _REFUSALS[413]}
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": f"{operation.method.lower()}{PARAMETER.sub('', operation.path).replace('/', '_')}".rstrip("_"),
        "responses": {
            str(operation.status): {"description": "Done.", "content": _json(operation.gives)},
            **{
                str(status): {"description": why, "content": _json(Refused)} for status, why in sorted(refusals.items())
            },
        },
        "security": [{name: []} for name in _SECURITY] if operation.needs else [],
    }
    if operation.needs:
        described["x-needs-role"] = operation.needs.value
        described["x-may-be-bound"] = operation.of_tenants
    if parameters := PARAMETER.findall(operation.path):
        described["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters
        ]
    if operation.takes is not None:
        described["requestBody"] = {"required": True, "content": _json(operation.takes)}
    return described


def _json(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    return {"application/json": {"schema": schema}}
