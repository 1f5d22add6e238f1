"""Digests that tell whether two configurations, or two policies, are the same."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from turnout.config.schema import Config, RouteConfig

_LENGTH = 12
"""48 bits: among a thousand versions of a file, one pair in half a billion is alike by chance."""


def config_version(config: Config, learnt: Sequence[str] = ()) -> str:
    """A digest of the whole configuration in effect, but for its secrets: rotating a key changes nothing.

    Args:
        config: what the file says.
        learnt: digests of the artefacts that it names.
    """
    phrases = {name: route.phrases() for name, route in config.routes.items()}
    return _digest([config.model_dump(mode="json", by_alias=True), phrases, *learnt])


def policy_version(route: RouteConfig) -> str:
    """A digest of what a route's decisions depend on: its policy and its phrases."""
    return _digest([route.model_dump(mode="json", by_alias=True, include={"policy"}), route.phrases()])


def _digest(value: object) -> str:
    return sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()[:_LENGTH]
