"""A feature flag decides which policy does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from turnout.policy.base import Context, Policy, union_of_targets
from turnout.policy.when import flag_words
from turnout.types.candidate import Considered, Declined, Plan


@dataclass(frozen=True, slots=True)
class ByFlag:
    """Hands over to the policy of the variant that the flag is for this request.

    Attributes:
        flag: the flag's name.
        uses: a policy for each variant.
        at: where it stands in the configuration, dotted.
        rest: the policy for every other variant; without one, those decline.
    """

    flag: str
    uses: Mapping[str, Policy]
    at: str = ""
    rest: Policy | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """Those of all variants."""
        return union_of_targets(*self.policies)

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Those of all variants."""
        return (*self.uses.values(), *([self.rest] if self.rest else []))

    def decide(self, context: Context) -> Plan:
        """See `Policy`."""
        value = context.conditions.flags[self.flag]
        policy = self.uses.get(value.variant, self.rest)
        yield Considered(f"flag:{self.flag}", policy is not None, flag_words(self.flag, value))
        if policy is None:
            yield Declined("flag", f"nothing_for_{value.variant}")
            return None
        return (yield from policy.decide(context))
