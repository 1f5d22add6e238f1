"""How budgets stand, for policies that read them."""

from __future__ import annotations

from collections.abc import Iterable

from turnout.policy.base import Context
from turnout.policy.route import Route
from turnout.tenancy.budgets import Budgets
from turnout.types.spend import BudgetState


async def read_budgets(budgets: Budgets | None, route: Route, context: Context) -> None:
    """Read the budgets that the request falls under, before the policy, which never waits, reads them."""
    if route.reads_budgets and budgets is not None:
        states = await budgets.states(context.caller, route.name, _providers(route, context))
        _note(states, context)


def glance_at_budgets(budgets: Budgets | None, route: Route, context: Context) -> None:
    """The same as last heard, where nothing can be waited for."""
    if route.reads_budgets and budgets is not None:
        states = budgets.glance(context.caller, route.name, _providers(route, context))
        _note(states, context)


def _note(states: Iterable[BudgetState], context: Context) -> None:
    """By name; of a budget that each of several providers has, the one that is used up most."""
    budgets = context.conditions.budgets
    for state in states:
        known = budgets.get(state.budget)
        if known is None or state.used > known.used:
            budgets[state.budget] = state


def _providers(route: Route, context: Context) -> list[str]:
    return list(dict.fromkeys(context.targets[target].provider for target in route.policy.targets))
