"""The cheapest of several targets that would all do."""

from __future__ import annotations

import math
from dataclasses import dataclass

from turnout.policy.base import Context
from turnout.policy.expected_cost import expected_cost
from turnout.policy.in_order import Where, in_order
from turnout.types.candidate import Considered, Plan


@dataclass(frozen=True, slots=True)
class Cheapest:
    """Asks the target whose answer to this request will cost least, and after it the others, the cheapest first.

    Which is cheapest depends on the request: long prompts and long answers weigh the two prices differently. Targets
    whose price is unknown come last; of equals, the first in the configuration. What cannot serve the request at all is
    dropped as everywhere.

    Attributes:
        targets: two or more.
        where: where it stands.
    """

    targets: tuple[str, ...]
    where: Where

    def decide(self, context: Context) -> Plan:
        """See `Policy`."""
        costs = {target: expected_cost(target, context) for target in self.targets}
        order = sorted(self.targets, key=lambda target: math.inf if (usd := costs[target]) is None else usd)
        for target, usd in costs.items():
            yield Considered(target, target == order[0], cost_words(usd))
        return (yield from in_order(order, "cheapest", self.where))


def cost_words(usd: float | None) -> str:
    """An expected cost, for the record."""
    return "its price is unknown" if usd is None else f"about ${usd:.6f}"
