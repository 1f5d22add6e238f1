"""How many files may be open: a gateway has two sockets for a request, and shells allow what suits other programs."""

from __future__ import annotations

import logging
import resource
from typing import Final

_log = logging.getLogger(__name__)

PLENTY: Final = 65_536
"""What is asked for where it is allowed: room for callers that keep idle connections."""
_BESIDE: Final = 256
"""For the ledger, the state, probes and what is written to."""


def allow_open_files(requests: int) -> None:
    """Raise the limit of this process, which its workers inherit, as far as it may be; say if that is too little.

    Args:
        requests: how many a worker may have under way and in line.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * requests + _BESIDE
    most = PLENTY if hard == resource.RLIM_INFINITY else min(hard, max(needed, PLENTY))
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if max(soft, most) < needed:
        _log.warning(
            "%d files may be open, and %d requests in a worker need %d: raise the hard limit "
            "(`ulimit -Hn`; LimitNOFILE= of systemd; ulimits of a container), or lower server.limits.max_in_flight",
            max(soft, most),
            requests,
            needed,
        )
