"""The provider on a thread of its own, for tests and programs that are not asynchronous."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from turnout.testing.fault_provider.desk import SeenRequest
from turnout.testing.fault_provider.provider import FaultProvider

_T = TypeVar("_T")


class HostedFaultProvider:
    """A `FaultProvider` that runs on another thread; everything here may be called from any."""

    def __init__(self, provider: FaultProvider, loop: asyncio.AbstractEventLoop) -> None:
        self._provider = provider
        self._loop = loop
        self.url = provider.url
        self.openai_base_url = provider.openai_base_url
        self.anthropic_base_url = provider.anthropic_base_url
        self.gemini_base_url = provider.gemini_base_url
        self.control_url = provider.control_url

    @property
    def requests(self) -> list[SeenRequest]:
        """The requests for an answer that were read, oldest first."""
        return self._there(lambda: list(self._provider.requests))

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of the ledger, oldest first."""
        return self._there(lambda: self._provider.log)

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return self._there(lambda: self._provider.open_connections)

    def use(
        self,
        fault: str | None,
        *,
        share: float = 1.0,
        match: Mapping[str, Any] | None = None,
        times: int | None = None,
    ) -> None:
        """As `FaultProvider.use`."""
        self._there(partial(self._provider.use, fault, share=share, match=match, times=times))

    def reset(self) -> None:
        """As `FaultProvider.reset`."""
        self._there(self._provider.reset)

    def _there(self, call: Callable[[], _T]) -> _T:
        async def there() -> _T:
            return call()

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result()


@contextmanager
def running_fault_provider(fault: str | None = None, **options: Any) -> Iterator[HostedFaultProvider]:
    """A provider for as long as the block lasts; the arguments are those of `FaultProvider`."""
    provider = FaultProvider(fault, **options)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fault-provider", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(provider.__aenter__(), loop).result()
        try:
            yield HostedFaultProvider(provider, loop)
        finally:
            asyncio.run_coroutine_threadsafe(provider.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
