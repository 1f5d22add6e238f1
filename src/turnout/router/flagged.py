"""Feature flags that somebody else evaluates: asked for on the way of a request."""

from __future__ import annotations

from turnout.policy.base import Context
from turnout.policy.route import Route
from turnout.state.flag_board import FlagBoard


async def ask_ahead(board: FlagBoard, route: Route, context: Context) -> None:
    """Ask for the flags that somebody else evaluates, before the policy, which never waits, reads them."""
    flags = board.abroad(route.flags)
    if flags and board.source is not None:
        board.hear(context.conditions.flags, await board.source.ask(flags, context.caller))


def ask_ahead_now(board: FlagBoard, route: Route, context: Context) -> None:
    """The same, where there is no event loop."""
    flags = board.abroad(route.flags)
    if flags and board.source is not None:
        board.hear(context.conditions.flags, board.source.ask_now(flags, context.caller))
