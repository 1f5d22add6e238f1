"""What the pages are shown from, and who may see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from turnout.config.build import ConfiguredRouter
from turnout.ledger.store import Store


class SignIn(Protocol):
    """Begins a browser's session."""

    def __call__(self, key: str, *, secure: bool) -> str:
        """The value of `set-cookie` for whoever has the key. Raises `Unauthenticated` where nobody has it."""
        ...


class SignOut(Protocol):
    """Ends a browser's session."""

    def __call__(self, *, secure: bool) -> str:
        """The value of `set-cookie` that makes a browser forget it."""
        ...


class House(NamedTuple):
    """What the pages are handed.

    Attributes:
        router: the running router: its configuration and breakers.
        store: the ledger.
        authorise: raises `Unauthenticated` or `PermissionDenied` for headers of somebody who may not look.
        sign_in, sign_out: begin and end a browser's session.
    """

    router: ConfiguredRouter
    store: Store
    authorise: Callable[[Mapping[str, str]], object]
    sign_in: SignIn
    sign_out: SignOut
