"""Looks at the ledger while a drill lasts, and until its target is back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from rich.console import Console

from turnout.cli.drill.admin_client import AdminClient, AdminFailed
from turnout.cli.drill.words import progress_words
from turnout.insight.drill import DrillVerdict, drill_verdict
from turnout.ledger.store import Store
from turnout.types.drill import Drill
from turnout.types.money import Price

_LOOK_S: Final = 0.5
_DRAINED_S: Final = 1.5
"""What has ended is in the ledger by then."""


def watched(
    client: AdminClient,
    store: Store,
    drill: Drill,
    prices: Mapping[str, Price | None],
    console: Console,
    settle_s: float,
) -> DrillVerdict:
    """Wait for the end of a drill and for its target's return, and give the verdict.

    Ctrl-C ends a drill that is under way; a second one ends the wait.

    Args:
        client: the gateway.
        store: its ledger.
        drill: which drill.
        prices: what the gateway's targets charge.
        console: where progress is shown.
        settle_s: how long the target's return is waited for, in seconds.
    """
    told = f"{drill.mode}, {drill.share:.0%} of calls, {drill.seconds:g} s"
    console.print(f"Taking away [bold]{', '.join(drill.targets)}[/]: {told}")
    ended = _while_it_lasts(client, store, drill, prices, console)
    verdict = drill_verdict(store, drill, ended, prices)
    waited_from = time.monotonic()
    with suppress(KeyboardInterrupt), console.status("") as status:
        while (waited := time.monotonic() - waited_from) < max(settle_s, _DRAINED_S):
            verdict = drill_verdict(store, drill, ended, prices)
            if waited > _DRAINED_S and _back(verdict):
                break
            status.update(f"Over. Waiting up to {settle_s:g} s for {', '.join(drill.targets)} to answer again ...")
            time.sleep(_LOOK_S)
    return verdict


def _while_it_lasts(
    client: AdminClient, store: Store, drill: Drill, prices: Mapping[str, Price | None], console: Console
) -> datetime:
    """When the drill was over."""
    try:
        with console.status("") as status:
            for now in _moments(client, drill):
                status.update(progress_words(drill_verdict(store, drill, now, prices), now))
    except KeyboardInterrupt:
        client.end()
        console.print("Ended before its time.")
        return datetime.now(UTC)
    except BaseException:
        with suppress(AdminFailed):
            client.end()
        raise
    return min(datetime.now(UTC), datetime.fromisoformat(drill.until))


def _moments(client: AdminClient, drill: Drill) -> Iterator[datetime]:
    """Now and again, until it is over or somebody has ended it."""
    while (now := datetime.now(UTC)) < datetime.fromisoformat(drill.until):
        running = client.running()
        if running is None or running.id != drill.id:
            return
        yield now
        time.sleep(_LOOK_S)


def _back(verdict: DrillVerdict) -> bool:
    """Whether all is as it was, or never was otherwise."""
    closed = verdict.breaker_opened_s is None or verdict.breaker_closed_s is not None
    return not verdict.drilled_attempts or (closed and verdict.recovered_s is not None)
