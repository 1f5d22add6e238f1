"""What whoever runs the gateway can do about failed calls that only they can mend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from turnout.types.decision import Attempt, Decision
from turnout.types.failure import FailureKind

_FIXES: Final[Mapping[str, str]] = {
    FailureKind.AUTHENTICATION: "the provider refuses the key: look at {key} and its variable (turnout config show)",
    FailureKind.CONNECT_FAILED: "nobody answers there: is it up, and is {url} right? (turnout config show)",
    FailureKind.CONNECT_TIMEOUT: "nobody answers there: is it reachable from here, and is {url} right?",
    FailureKind.NOT_FOUND: "the provider knows no such model or path: look at {model} and {url}",
    FailureKind.QUOTA_EXHAUSTED: "the account at the provider has nothing left: top it up, or raise its limit",
    FailureKind.REDIRECTED: "the address redirects, which is not followed: write where it leads to at {url}",
}


def fixes(decision: Decision) -> Iterator[tuple[str, str]]:
    """Targets and what to do about them, each once; none where waiting helps, or a drill took the call."""
    failed = [each for each in decision.attempts if each.outcome == "failed" and each.drilled is None]
    return iter(dict.fromkeys((each.target, _fix(each)) for each in failed if each.error_class in _FIXES))


def _fix(attempt: Attempt) -> str:
    provider = f"providers.{attempt.provider}"
    fix = _FIXES[attempt.error_class or ""]
    return fix.format(key=f"{provider}.api_key", url=f"{provider}.base_url", model=f"targets.{attempt.target}.model")
