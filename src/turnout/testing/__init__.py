"""Fakes and drills that turnout ships for its users: providers that fail on demand, and models on this machine."""

from turnout.testing.fault_provider import (
    HEALTHY_TEXT,
    THINKING_TEXT,
    VERBS,
    FaultProvider,
    FaultSyntaxError,
    HostedFaultProvider,
    fault_provider_fixture,
    running_fault_provider,
)
from turnout.testing.frozen_clock import FrozenClock
from turnout.testing.memory_ledger import MemoryLedger
from turnout.testing.no_network import NetworkReachedError, no_network
from turnout.testing.scripted_provider import Said, ScriptedProvider

__all__ = [
    "HEALTHY_TEXT",
    "THINKING_TEXT",
    "VERBS",
    "FaultProvider",
    "FaultSyntaxError",
    "FrozenClock",
    "HostedFaultProvider",
    "MemoryLedger",
    "NetworkReachedError",
    "Said",
    "ScriptedProvider",
    "fault_provider_fixture",
    "no_network",
    "running_fault_provider",
]
