"""What the judging of a route's answers adds up to: how many were escalated, and whether they still are what they were.

Policies are pure, so this is kept beside them: read before a decision, and told of the judgements after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from turnout.confidence.shift_watch import ShiftWatch
from turnout.confidence.signals.request import request_values
from turnout.policy.base import Policy
from turnout.policy.cascade import Cascade
from turnout.policy.escalation_budget import EscalationBudget
from turnout.policy.within import within
from turnout.types.candidate import Judged
from turnout.types.features import Features
from turnout.types.judging import Standing


class Judgements:
    """Of one route, in one process.

    Args:
        budget: how many escalations are allowed; None for any.
        watches: of each calibration that judges, by its id.
    """

    def __init__(self, budget: EscalationBudget | None, watches: Mapping[str, ShiftWatch]) -> None:
        self._budget = budget
        self._watches = watches

    def read(self) -> Standing:
        """How it stands."""
        return Standing(
            keep_from=self._budget.keep_from if self._budget else None,
            spent=self._budget.spent if self._budget else False,
            shifted={each: watch.shifted for each, watch in self._watches.items() if watch.shifted},
        )

    def note(self, judged: Iterable[Judged], features: Features) -> None:
        """A request's answers were judged."""
        judged = tuple(judged)
        begun = {each.target for each in judged if each.prefix is not None}
        for each in judged:
            if self._budget is not None and each.settled:
                self._budget.note(each.rank, escalated=not each.accepted)
            watch = self._watches.get(each.artefact or "")
            of_all = each.prefix is not None or each.target not in begun  # those that a gate left over are others
            if watch is not None and of_all:
                watch.note({**request_values(features), **each.signals})


def judgements_of(policy: Policy) -> Judgements | None:
    """What is to be kept beside a policy; None where nothing is judged under a bound or by a calibration.

    Of several cascades within one route the tightest bound holds for all.
    """
    found = [each for each in within(policy) if isinstance(each, Cascade)]
    bounds = [cascade.at_most for cascade in found if cascade.at_most is not None]
    accepts = [stage.accept for cascade in found for stage in cascade.stages if stage.accept is not None]
    judges = [each.calibration for each in accepts] + [each.gate.calibration for each in accepts if each.gate]
    watches = {each.id: ShiftWatch(each.window) for each in judges if each is not None}
    if not bounds and not watches:
        return None
    return Judgements(EscalationBudget(min(bounds)) if bounds else None, watches)
