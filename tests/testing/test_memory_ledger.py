from __future__ import annotations

import pytest

from tests.ledger import samples
from turnout.errors import LedgerError
from turnout.ledger.recorder import Recorder
from turnout.testing.memory_ledger import MemoryLedger


def test_it_remembers_what_it_is_told_in_order() -> None:
    ledger = MemoryLedger()
    recorder: Recorder = ledger
    intent, first, second = samples.an_intent(), samples.a_decision(), samples.a_decision()
    recorder.intend(intent)
    recorder.record(first)
    recorder.record(second)
    assert ledger.intents == [intent]
    assert ledger.decisions == [first, second]


def test_it_can_be_told_to_fail_like_a_full_disk() -> None:
    ledger = MemoryLedger()
    ledger.failure = LedgerError("no room")
    with pytest.raises(LedgerError):
        ledger.intend(samples.an_intent())
    with pytest.raises(LedgerError):
        ledger.record(samples.a_decision())
    assert not ledger.intents
    assert not ledger.decisions
