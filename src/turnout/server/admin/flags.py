"""Feature flags by `/admin`: what they are, and their change at run time."""

from __future__ import annotations

from turnout.config.build import ConfiguredRouter
from turnout.errors import InvalidRequest
from turnout.server.admin.access import Role
from turnout.server.admin.operation import Answered, Asked, Operation
from turnout.state.flags import FlagFile
from turnout.types.clock import Clock
from turnout.types.flag import Flag, Setting
from turnout.types.flag_change import FlagChange, FlagState, changed


class Flags:
    """The operations.

    Args:
        router: whose flags.
        file: where changes are kept, for all workers.
        clock: for the time of a change.
    """

    def __init__(self, router: ConfiguredRouter, file: FlagFile, clock: Clock) -> None:
        self._router = router
        self._file = file
        self._clock = clock

    def operations(self) -> list[Operation]:
        """What can be asked."""
        unknown = {404: "There is no such flag."}
        return [
            Operation(
                method="GET",
                path="/admin/flags",
                needs=Role.VIEWER,
                summary="Every feature flag, with what is set now and what the configuration says.",
                answer=self._list,
                gives=list[FlagState],
            ),
            Operation(
                method="GET",
                path="/admin/flags/{name}",
                needs=Role.VIEWER,
                summary="One feature flag.",
                answer=self._show,
                gives=FlagState,
                refuses=unknown,
            ),
            Operation(
                method="POST",
                path="/admin/flags/{name}",
                needs=Role.ADMIN,
                summary="Change a feature flag: its mode, its share, its lists, its times, or kill it. "
                "Every worker follows within a second.",
                answer=self._change,
                takes=FlagChange,
                gives=FlagState,
                refuses=unknown,
            ),
            Operation(
                method="DELETE",
                path="/admin/flags/{name}",
                needs=Role.ADMIN,
                summary="Forget what was changed of a feature flag: it is as the configuration says.",
                answer=self._reset,
                gives=FlagState,
                refuses=unknown,
            ),
        ]

    async def _list(self, _: Asked) -> Answered:
        set_now = self._file.read()
        flags = self._router.parts.flags.flags.values()
        return Answered(body=[self._state(flag, set_now.get(flag.name)) for flag in flags])

    async def _show(self, asked: Asked) -> Answered:
        flag = self._named(asked)
        return Answered(body=self._state(flag, self._file.read().get(flag.name)))

    async def _change(self, asked: Asked) -> Answered:
        flag, change, now = self._named(asked), asked.body, self._clock.now()
        after = self._file.change(flag.name, lambda before: changed(flag, before or flag.setting, change, now))
        return Answered(body=self._state(flag, after))

    async def _reset(self, asked: Asked) -> Answered:
        flag = self._named(asked)
        return Answered(body=self._state(flag, self._file.change(flag.name, lambda _: None)))

    def _state(self, flag: Flag, setting: Setting | None) -> FlagState:
        routes = self._router.parts.routes
        named = {name: routes.find(name) for name in self._router.loaded.config.routes}
        used = [name for name, route in named.items() if route is not None and flag.name in route.flags]
        return FlagState.of(flag, setting or flag.setting, used)

    def _named(self, asked: Asked) -> Flag:
        name, flags = asked.path["name"], self._router.parts.flags.flags
        if name not in flags:
            known = f"There are: {', '.join(flags)}." if flags else "The configuration declares none."
            refused = InvalidRequest(f"There is no flag '{name}'. {known}", param="name")
            refused.status = 404
            raise refused
        return flags[name]
