"""The list of models: one healthy, and one for each verb that needs no argument."""

from __future__ import annotations

from typing import Any

import msgspec

from turnout.testing.fault_provider.fault import MARKER
from turnout.testing.fault_provider.script import Script
from turnout.testing.fault_provider.table import VERBS

_CREATED = 1_767_225_600  # 2026-01-01, so that the list never changes
_CREATED_AT = "2026-01-01T00:00:00Z"


def models(*, for_anthropic: bool) -> Script:
    """The list in the form of the caller's dialect."""
    names = [MARKER + verb.name for verb in VERBS.values() if all(arg.default is not None for arg in verb.args)]
    listed = _anthropic(names) if for_anthropic else _openai(names)
    return Script.document(msgspec.json.encode(listed))


def _openai(names: list[str]) -> dict[str, Any]:
    data = [{"id": name, "object": "model", "created": _CREATED, "owned_by": "fault-provider"} for name in names]
    return {"object": "list", "data": data}


def _anthropic(names: list[str]) -> dict[str, Any]:
    data = [
        {
            "type": "model",
            "id": name,
            "display_name": name,
            "created_at": _CREATED_AT,
            "lifecycle": "active",
        }
        for name in names
    ]
    return {"data": data, "has_more": False, "first_id": names[0], "last_id": names[-1]}
