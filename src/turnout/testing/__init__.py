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

__all__ = [
    "HEALTHY_TEXT",
    "THINKING_TEXT",
    "VERBS",
    "FaultProvider",
    "FaultSyntaxError",
    "HostedFaultProvider",
    "fault_provider_fixture",
    "running_fault_provider",
]
