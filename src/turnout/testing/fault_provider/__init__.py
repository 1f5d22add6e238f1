"""A provider that speaks four dialects and can be told to do wrong everything that providers do wrong."""

from turnout.testing.fault_provider.answer import HEALTHY_TEXT, THINKING_TEXT
from turnout.testing.fault_provider.desk import SeenRequest
from turnout.testing.fault_provider.fault import Fault
from turnout.testing.fault_provider.fixture import fault_provider_fixture
from turnout.testing.fault_provider.hosted import HostedFaultProvider, running_fault_provider
from turnout.testing.fault_provider.ledger import Ledger
from turnout.testing.fault_provider.provider import FaultProvider, Listen
from turnout.testing.fault_provider.run import run
from turnout.testing.fault_provider.table import VERBS
from turnout.testing.fault_provider.verb import FaultSyntaxError, Verb

__all__ = [
    "HEALTHY_TEXT",
    "THINKING_TEXT",
    "VERBS",
    "Fault",
    "FaultProvider",
    "FaultSyntaxError",
    "HostedFaultProvider",
    "Ledger",
    "Listen",
    "SeenRequest",
    "Verb",
    "fault_provider_fixture",
    "run",
    "running_fault_provider",
]
