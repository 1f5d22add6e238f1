"""One decision as a story: what was asked, what was ruled out, what was tried, what came of it and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from turnout.cli.decision_fixes import fixes
from turnout.cli.decision_words import OUTCOME_STYLES, drop_reason, plain, saved
from turnout.insight.amount_words import milliseconds, usd
from turnout.types.decision import Attempt, Decision
from turnout.types.features import Features
from turnout.types.feedback import Feedback

_BASELINE_UNKNOWN = "this route has no baseline"


def story(decision: Decision, said: Sequence[Feedback] = (), shadows: Sequence[Decision] = ()) -> RenderableType:
    """The whole story of one request, in the order in which it happened.

    Args:
        decision: its record.
        said: what was said of the answer since, oldest first.
        shadows: what others said to the same request, oldest first.
    """
    return Group(*_parts(decision), *_shadows(shadows), *_feedback(decision, said))


_NO_CALLS = {
    "hit": "none: the route's cache had the answer",
    "replay": "none: the answer was recorded under the same idempotency key",
}


def _parts(decision: Decision) -> Iterator[RenderableType]:
    yield Text.assemble("Decision ", (plain(decision.id), "bold"))
    yield Text.assemble("  ", (_ending(decision), OUTCOME_STYLES.get(decision.outcome, "")))
    yield _facts(_asked(decision))
    if decision.considered:
        yield _title("Rules")
        yield _rules(decision)
    if decision.dropped:
        yield _title("Dropped before any call")
        yield _facts([(dropped.target, drop_reason(dropped.reason)) for dropped in decision.dropped])
    yield _title("Calls")
    yield _attempts(decision) if decision.attempts else Text(f"  {_NO_CALLS.get(decision.cache or '', 'none')}")
    if to_do := list(fixes(decision)):
        yield _title("What helps")
        yield _facts(to_do)
    yield _title("Cost")
    yield _facts(_costs(decision))
    yield _title("Why")
    yield _facts(_why(decision))


def _ending(decision: Decision) -> str:
    target = plain(decision.target or "nobody")
    took = f"after {milliseconds(decision.latency_ms)}"
    error = f" ({plain(decision.error)})" if decision.error else ""
    return {
        "answered": f"answered by {target} {took}",
        "partial": f"broke off {took} while {target} was answering{error}",
        "failed": f"failed {took}: nobody gave an answer{error}",
        "refused": f"refused {took}: the request itself was at fault{error}",
        "cancelled": f"cancelled {took}: the caller left",
        "interrupted": "interrupted: the process ended before the outcome was recorded; tokens and cost are estimates",
    }[decision.outcome]


def _asked(decision: Decision) -> Iterator[tuple[str, str]]:
    asked_as = "" if decision.model == decision.route else f", asked for as {decision.model}"
    manner = "streamed" if decision.stream else "not streamed"
    yield "time", decision.time.replace("T", " ")
    yield "route", f"{decision.route}{asked_as} ({decision.dialect}, {manner})"
    who = {"tenant": decision.tenant, "project": decision.project, "user": decision.user, "source": decision.source}
    yield "who", _listed(who)
    if decision.tags:
        yield "tags", _listed(decision.tags)
    if decision.sdk_retry:
        yield "retry", f"number {decision.sdk_retry} of the caller's SDK"
    if features := decision.features:
        yield (
            "question",
            f"{features.chars} characters, about {features.tokens} tokens; {features.context_tokens} in all",
        )
        yield "features", _features(features)
        for name, phrase in features.matches.items():
            yield "matches", f"{name}: “{phrase}”"
    if decision.query_hash:
        yield "hash", decision.query_hash


def _features(features: Features) -> str:
    return _listed(
        {
            "turns": features.turns,
            "tools": features.tools or None,
            "images": features.images or None,
            "max_tokens": features.max_tokens,
            "language": features.language,
            "needs": ", ".join(features.needs) or None,
        }
    )


def _rules(decision: Decision) -> RenderableType:
    table = _grid()
    for considered in decision.considered:
        mark = Text("decided", "green") if considered.chosen else Text("passed", "dim")
        table.add_row(Text(plain(considered.name)), mark, Text(plain(considered.because)))
    return Padding(table, (0, 0, 0, 2), expand=False)


def _attempts(decision: Decision) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("start", "target", "outcome"):
        table.add_column(title)
    for title in ("first token", "took", "tokens in", "out", "cost"):
        table.add_column(title, justify="right")
    table.add_column("price")
    for attempt in decision.attempts:
        table.add_row(*_attempt(decision, attempt))
    return Padding(table, (0, 0, 0, 2), expand=False)


def _attempt(decision: Decision, attempt: Attempt) -> Iterator[Text]:
    about = "~" if attempt.estimated else ""
    cached = f" ({attempt.cached_tokens} cached)" if attempt.cached_tokens else ""
    yield Text(_offset(decision.time, attempt.started))
    yield Text(plain(attempt.target) + (" (judge)" if attempt.purpose == "judge" else ""), "bold")
    yield Text(_attempt_outcome(attempt), OUTCOME_STYLES.get(attempt.outcome, ""))
    yield Text(milliseconds(attempt.first_token_ms))
    yield Text(milliseconds(attempt.latency_ms))
    yield Text(f"{about}{attempt.input_tokens}{cached}")
    yield Text(f"{about}{attempt.output_tokens}")
    yield Text(about + usd(attempt.cost_usd))
    yield Text(plain(attempt.price_version or "–"), "dim")


def _attempt_outcome(attempt: Attempt) -> str:
    said = [
        attempt.error_class and attempt.error_class.replace("_", " "),
        f"status {attempt.status}" if attempt.status and attempt.outcome == "failed" else None,
        attempt.finish and f"finish {attempt.finish}",
        attempt.model,
        "a hedge" if attempt.hedge else None,
        attempt.drilled and "an outage drill",
    ]
    details = ", ".join(plain(detail) for detail in said if detail)
    return attempt.outcome + (f" ({details})" if details else "")


def _offset(admitted: str, started: str) -> str:
    """How long after the admission an attempt was started."""
    try:
        elapsed = datetime.fromisoformat(started) - datetime.fromisoformat(admitted)
    except (ValueError, TypeError):
        return plain(started)
    return f"+{milliseconds(max(0.0, elapsed.total_seconds() * 1000))}" if elapsed else "+0 ms"


def _costs(decision: Decision) -> Iterator[tuple[str, str]]:
    yield "total", usd(decision.cost_usd, "unknown: a target has no known price")
    if decision.router_cost_usd:
        yield "routing", f"{usd(decision.router_cost_usd)} of it for failed, discarded and judging calls"
    yield "baseline", usd(decision.baseline_cost_usd, _BASELINE_UNKNOWN if decision.target else "no answer to compare")
    amount = saved(decision)
    if amount is not None and decision.baseline_cost_usd:
        yield "saved", f"{usd(amount)} ({amount / decision.baseline_cost_usd:.0%})"


def _why(decision: Decision) -> Iterator[tuple[str, str]]:
    yield "reason", decision.reason or "not recorded"
    if decision.confidence is not None:
        yield "confidence", f"{decision.confidence:.2f}"
    yield from ((name, _plain(value)) for name, value in _conditions(decision).items() if value not in ({}, [], None))
    yield "turnout", f"{milliseconds(decision.overhead_ms)} of its own"
    if decision.policy_version or decision.config_version:
        versions = {"policy": decision.policy_version or None, "configuration": decision.config_version or None}
        yield "versions", _listed(versions)


def _conditions(decision: Decision) -> Mapping[str, object]:
    """What else was read; of a flag its variant, and why."""
    read = dict(decision.conditions)
    if decision.flags:
        reasons = read.get("flags")
        why = reasons if isinstance(reasons, dict) else {}
        read["flags"] = {name: f"{variant} ({why.get(name, '')})" for name, variant in decision.flags.items()}
    if "would_have" in read:
        read["would have been"] = read.pop("would_have")
    return read


def _feedback(decision: Decision, said: Sequence[Feedback]) -> Iterator[RenderableType]:
    if not said:
        return
    counts = "" if decision.feedback is None else f": {decision.feedback:.2f}"
    yield _title(f"Feedback{counts}")
    yield _facts((each.time.replace("T", " "), _opinion(each)) for each in said)


def _shadows(shadows: Sequence[Decision]) -> Iterator[RenderableType]:
    if shadows:
        yield _title("Asked beside it")
        yield _facts((each.target or "nobody", f"{_ending(each)}, {usd(each.cost_usd)}") for each in shadows)


def _opinion(said: Feedback) -> str:
    kind = None if said.kind == "feedback" else said.kind
    score = None if said.score is None else f"{said.score:g}"
    told = {"kind": kind, "score": score, "label": said.label, "by": said.judge or said.user}
    return _listed(told) + (f": {said.comment}" if said.comment else "")


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None) or "–"


def _title(text: str) -> RenderableType:
    return Text(f"\n{text}", "bold")


def _facts(facts: Iterable[tuple[str, str]]) -> RenderableType:
    table = _grid()
    for name, value in facts:
        table.add_row(Text(plain(name), "dim"), Text(plain(value)))
    return Padding(table, (0, 0, 0, 2), expand=False)


def _grid() -> Table:
    return Table.grid(padding=(0, 2))


def _plain(value: object) -> str:
    """`{"mid": "open"}` as "mid open"."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return str(value)
