"""Who may call, and under which limits: what of the server's configuration changes while it runs."""

from __future__ import annotations

from turnout.config.check import is_loopback
from turnout.config.load import LoadedConfig
from turnout.errors import ConfigError
from turnout.server.auth import Keys
from turnout.server.room import Room
from turnout.tenancy.directory import Directory


class Admission:
    """What the endpoints ask before and while they serve a request.

    Args:
        loaded: the configuration.
        host: the address that is listened at.

    Attributes:
        host: the address that is listened at.
        directory: knows tenants and their keys; None until the router is open.
        keys: who may call.
        limits: what a request may not exceed.
        room: for how many requests there is room, and who gets it.
        heartbeat_s: after how many seconds of silence a stream is sent a comment.
        notice_s, drain_s: how the server stops (`server.notice`, `server.drain`).
        draining: it is stopping: no further request should come here.

    Raises:
        ConfigError: whoever reaches the address could call.
    """

    def __init__(self, loaded: LoadedConfig, host: str) -> None:
        self.draining = False
        self.directory: Directory | None = None
        self.host = host
        self.renew(loaded)
        self.room = Room(lambda: self.limits)

    def renew(self, loaded: LoadedConfig) -> None:
        """Another configuration takes effect. Raises `ConfigError` as the class does, and changes nothing then."""
        server = loaded.config.server
        tenants = loaded.config.tenants is not None
        if not is_loopback(self.host) and not server.keys and not tenants:
            raise ConfigError(
                f"listening on {self.host} without server.keys or tenants would let everybody spend your money.",
                fix="Add keys to the configuration, or listen on 127.0.0.1.",
                file=loaded.file,
                key="server.keys",
            )
        self.keys = Keys(server.callers, self.directory, tenants=tenants)
        self.limits = server.limits
        self.heartbeat_s = server.heartbeat
        self.notice_s = server.notice
        self.drain_s = server.drain
