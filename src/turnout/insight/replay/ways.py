"""What a policy would have done with a recorded request: each way it might, where the record does not say which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, NoReturn, Protocol

import msgspec

from turnout.features.language import detect_language
from turnout.insight.replay.heard import Heard, Hearing, Lists
from turnout.insight.replay.past import Past, failure
from turnout.policy.base import Context, NotKnown
from turnout.policy.cascade import Cascade
from turnout.policy.classifier.policy import Classify
from turnout.policy.filters import BREAKER_OPEN
from turnout.policy.route import Route
from turnout.policy.within import within
from turnout.types.candidate import Candidate, Considered, Dropped, Judged, Outcome, Step, Unread
from turnout.types.conditions import Conditions
from turnout.types.dialect import DialectName
from turnout.types.flag import OBSERVED, Flag, FlagRead, FlagValue
from turnout.types.health import HealthRead, TargetHealth
from turnout.types.request import Caller, Outline, Said
from turnout.types.spend import BudgetState
from turnout.types.target import Target
from turnout.types.tenant import Tenant

MOST_WAYS: Final = 16
"""A request that might go more ways might go any."""

_turns: Final = msgspec.json.Decoder(list[tuple[str, str]])
AS_IT_WAS: Final = "as it was"
"""Why a request goes the way it went, where its policy is still the same and reads what is not recorded."""

_BRANCHES: Final = ("list", "judgement")


class Routes(Protocol):
    """Finds the route of the name that a caller asked for."""

    def find(self, name: str) -> Route | None:
        """The route of `name`, or None if there is none."""
        ...


@dataclass(frozen=True, kw_only=True)
class World:
    """Another configuration, and what else its policies read.

    Attributes:
        routes: its routes.
        targets: its targets.
        lists: the phrase lists of each configuration that is known, by route and policy version.
        tenants: who is known now.
        flags: its feature flags.
        read_flags: what it makes of a flag that a decision did not read.
        usual: what the calls of the period say of each target, for decisions that did not look at it.
    """

    routes: Routes
    targets: Mapping[str, Target]
    lists: Mapping[tuple[str, str], Lists] = field(default_factory=dict)
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    flags: Mapping[str, Flag] = field(default_factory=dict)
    read_flags: Callable[[Caller, datetime, float], FlagRead] | None = None
    usual: Mapping[str, TargetHealth] = field(default_factory=dict)


class Way(NamedTuple):
    """One way that a request might have gone.

    Attributes:
        path: the targets that would have been called, in order.
        target: whose answer would have been given; None for nobody's.
        rule: the rule that decided.
        because: what made it so.
        chosen: every rule and branch that decided.
        held: those of the path whose answer was judged.
        escalated: an answer was not kept.
        fell_back: a target failed, or its breaker was open.
    """

    path: tuple[str, ...]
    target: str | None
    rule: str | None = None
    because: str = ""
    chosen: tuple[str, ...] = ()
    held: frozenset[str] = frozenset()
    escalated: bool = False
    fell_back: bool = False


class Found(NamedTuple):
    """What was found for a request: one way, or several and what nobody recorded that would tell which."""

    ways: list[Way]
    unknown: frozenset[str] = frozenset()


class _Headers(dict[str, str]):
    def get(self, name: str, default: object = None) -> str:  # noqa: ARG002 - as a dict's
        raise NotKnown(f"header:{name}")


class _Budgets(dict[str, BudgetState]):
    def values(self) -> NoReturn:
        raise NotKnown("budget")


_BUDGETS: Final = _Budgets()
_HEADERS: Final = _Headers()


class Replayer:
    """Decides the requests of one route again.

    Args:
        route: the route.
        world: what its policy reads besides.
    """

    def __init__(self, route: Route, world: World) -> None:
        self.route = route
        self._world = world
        self._hearings: dict[str, Hearing] = {}
        policies = list(within(route.policy))
        self._learnt = frozenset(_artefacts(policies))
        self._reads_text = any(isinstance(each, Classify) for each in policies)

    def ways(self, past: Past, said: str | None = None) -> Found:
        """Every way that the request might have gone.

        Args:
            past: its record.
            said: every turn of it as the ledger keeps them, where it does.
        """
        same = past.policy_version == self.route.policy_version and past.artefact in {None, *self._learnt}
        try:
            context, heard = self._context(past, said, same=same)
            return self._explore(context, heard, past, same=same)
        except NotKnown as unknown:
            if same:  # policies are pure: whatever it was, it decided as it did
                return Found([as_it_was(past)])
            anybody = [Way((name,), name) for name in self.route.policy.targets]
            return Found(anybody, frozenset({_kind(unknown.what)}))

    def _explore(self, context: Context, heard: Mapping[str, str], past: Past, *, same: bool) -> Found:
        left: list[dict[str, bool]] = [{}]
        found: dict[tuple[object, ...], Way] = {}
        unknown: set[str] = set()
        while left:
            assumed = left.pop()
            try:
                way = _drive(self.route, _assuming(context, heard, assumed), past, assumed, same=same)
            except NotKnown as asked:
                if same or _kind(asked.what) not in _BRANCHES or len(left) + len(found) >= MOST_WAYS:
                    raise
                unknown.add(_kind(asked.what))
                left += [{**assumed, asked.what: True}, {**assumed, asked.what: False}]
            else:
                found.setdefault((way.path, way.target, way.escalated), way)
        ways = list(found.values())
        return Found(ways, frozenset(unknown) if len(ways) > 1 else frozenset())

    def _context(self, past: Past, said: str | None, *, same: bool) -> tuple[Context, Mapping[str, str]]:
        route, world, features, read = self.route, self._world, past.features, past.conditions
        if features is None:
            raise NotKnown("features")
        heard = self._heard(past, said, same=same)
        caller, now = self._caller(past), datetime.fromisoformat(past.time)
        draw = 0.0 if read.draw is None else read.draw
        health = HealthRead(lambda name: world.usual.get(name) or TargetHealth())
        health.update(read.health)
        text = _query(said) if self._reads_text or (route.reads_language and not same) else None
        if route.reads_language and features.language is None and not same:
            if text is None:
                raise NotKnown("language")
            features = msgspec.structs.replace(features, language=detect_language(text))
        context = Context(
            features=features,
            dialect=DialectName(past.dialect),
            caller=caller,
            conditions=Conditions(
                now=now,
                draw=draw,
                breakers=read.breakers,
                health=health,
                flags=self._flags(past, caller, now, draw),
                standing=read.standing,
                budgets=_BUDGETS,
            ),
            targets=world.targets,
            query=text,
            stream=past.stream,
            latency_budget_s=caller.latency_budget_s or route.latency_budget_s,
        )
        return context, heard

    def _heard(self, past: Past, said: str | None, *, same: bool) -> Mapping[str, str]:
        matches: Mapping[str, str] = past.features.matches if past.features is not None else {}
        if same:
            return matches
        hearing = self._hearings.get(past.policy_version)
        if hearing is None:
            then = self._world.lists.get((past.route, past.policy_version))
            hearing = self._hearings[past.policy_version] = Hearing(then, self.route.lists)
        return hearing.heard(matches, lambda: _query(said))

    def _caller(self, past: Past) -> Caller:
        budget, tenant = past.conditions.latency_budget_s, self._world.tenants.get(past.tenant)
        return Caller(
            user=past.user,
            source=past.source,
            tenant=past.tenant,
            project=past.project,
            key=past.key,
            tier=tenant.tier if tenant is not None else None,
            tags=past.tags,
            latency_budget_s=None if budget == self.route.latency_budget_s else budget,
            headers=_HEADERS,
        )

    def _flags(self, past: Past, caller: Caller, now: datetime, draw: float) -> FlagRead:
        """The flags as the request saw them; those that it did not see, as this configuration has them."""
        world = self._world
        look = world.read_flags(caller, now, draw) if world.read_flags is not None else None
        if look is None or not self.route.flags:
            return look or Conditions(now=now).flags
        for name, seen in past.flags.items():
            flag, why = world.flags.get(name), past.conditions.flags.get(name, "recorded")
            variant = seen.removeprefix(OBSERVED)
            if flag is not None and variant in flag.variants:
                observed = seen != variant
                look[name] = FlagValue(flag.default if observed else variant, variant, why, observed)
        return look


def as_it_was(past: Past) -> Way:
    """The way that the request went."""
    chosen = tuple(step.name for step in past.steps() if step.chosen)
    return Way(past.path(), past.target, past.rule, AS_IT_WAS, chosen)


def _artefacts(policies: Sequence[object]) -> list[str]:
    cascades = (each for each in policies if isinstance(each, Cascade))
    judges = (stage.accept.calibration for cascade in cascades for stage in cascade.stages if stage.accept)
    models = (each.model.id for each in policies if isinstance(each, Classify))
    return [*(judge.id for judge in judges if judge is not None), *models]


def _query(said: str | None) -> str | None:
    """The last thing that the user said."""
    return None if said is None else Outline(said=tuple(Said(*turn) for turn in _turns.decode(said))).query


def _kind(what: str) -> str:
    return what.partition(":")[0]


def _assuming(context: Context, heard: Mapping[str, str], assumed: Mapping[str, bool]) -> Context:
    """The context, with what is assumed of phrase lists."""
    if heard is context.features.matches:
        return context
    if assumed and isinstance(heard, Heard):
        heard = heard.assuming(
            {name.partition(":")[2]: holds for name, holds in assumed.items() if _kind(name) == "list"}
        )
    return msgspec.structs.replace(context, features=msgspec.structs.replace(context.features, matches=heard))


class _Drive:
    """A plan under way, told what is recorded."""

    def __init__(self, past: Past, assumed: Mapping[str, bool], *, same: bool) -> None:
        self.past, self._assumed, self._same = past, assumed, same
        self._drops = past.drops() if past.dropped else {}
        self.path: list[str] = []
        self.held: set[str] = set()
        self.chosen: list[str] = []
        self.because = ""
        self.rules: dict[str, str | None] = {}
        self.first: Candidate | None = None
        self.ended = self.escalated = self.fell_back = self._rejected = False

    def answer(self, step: Step) -> Outcome | None:
        """What the plan is told."""
        match step:
            case Candidate(purpose="answer"):
                return self._called(step)
            case Considered():
                if step.chosen:
                    self.chosen.append(step.name)
                    self.because = step.because
            case Dropped():
                pending = self._drops.get(step.target)
                if pending and step.reason in pending:
                    pending.remove(step.reason)
                self.fell_back = self.fell_back or step.reason == BREAKER_OPEN
            case Judged():
                self._rejected = not step.accepted
                self.because = step.because
            case Unread():
                return Outcome(target=step.target, answered=self._kept(step.target))
            case _:
                pass
        return None

    def _called(self, step: Candidate) -> Outcome:
        self.first = self.first or step
        self.rules[step.target] = step.rule
        pending = self._drops.get(step.target)
        if pending:
            self.fell_back = self.fell_back or pending[0] == BREAKER_OPEN
            return Outcome(target=step.target, dropped=pending.pop(0))
        fate = self.past.fate(step.target, same_policy=self._same)
        self.ended = fate == "ended"
        if self.ended and not any(call.target == step.target for call in self.past.calls):
            return Outcome(target=step.target, dropped="not_called")
        self.escalated = self.escalated or self._rejected
        self.path.append(step.target)
        if step.hold:
            self.held.add(step.target)
        if fate == "silent":
            return Outcome(target=step.target, dropped="silent")
        if fate in {"failed", "ended"}:
            self.fell_back = self.fell_back or fate == "failed"
            return Outcome(target=step.target, failure=failure(step.target, self.past))
        read = (self.past.read_of(step.target) if fate else {}) if step.hold else None
        return Outcome(target=step.target, answered=True, signals=read)

    def _kept(self, target: str) -> bool:
        """Whether an answer that cannot be judged again is kept."""
        kept = self.past.verdict(target, same_policy=self._same)
        kept = self._assumed.get(f"judgement:{target}") if kept is None else kept
        if kept is None:
            raise NotKnown(f"judgement:{target}")
        return kept


def _drive(route: Route, context: Context, past: Past, assumed: Mapping[str, bool], *, same: bool) -> Way:
    drive = _Drive(past, assumed, same=same)
    plan = route.policy.decide(context)
    reply: Outcome | None = None
    accepted: Outcome | None = None
    while True:
        try:
            step = plan.send(reply)
        except StopIteration as stop:
            accepted = stop.value
            break
        reply = drive.answer(step)
        if drive.ended:
            plan.close()
            break
    target = accepted.target if accepted is not None and not drive.ended else None
    return Way(
        path=tuple(drive.path),
        target=target,
        rule=drive.rules[target] if target is not None else drive.first.rule if drive.first else None,
        because=drive.because,
        chosen=tuple(drive.chosen),
        held=frozenset(drive.held),
        escalated=drive.escalated,
        fell_back=drive.fell_back,
    )
