"""What is counted, under which labels, and what of it outlives a process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger import samples as records
from tests.telemetry.happenings import CONFIGURED, shown, total, value
from turnout.telemetry.cells import Cells, decode_series, encode_series
from turnout.telemetry.exposition import exposition, summed
from turnout.telemetry.metrics import Metrics
from turnout.telemetry.shared import LAYOUT, Counted
from turnout.telemetry.table import DURATION, METRICS, REQUESTS, Metric
from turnout.types.candidate import Dropped
from turnout.types.conditions import BreakerState
from turnout.types.decision import Decision
from turnout.types.events import BreakerChanged, ConfigurationRefused, Configured, RecordLost, TurnedAway


def opened(directory: Path) -> Metrics:
    metrics = Metrics(directory, version="1.2.3")
    metrics.observe(CONFIGURED)
    return metrics


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[Metrics]:
    metrics = opened(tmp_path / "metrics")
    yield metrics
    metrics.close()


def test_a_decision_counts_once_with_its_tokens_costs_and_times(metrics: Metrics) -> None:
    metrics.observe(records.a_decision())
    found = shown(metrics)
    assert value(found, "turnout_requests_total", route="support", target="haiku", outcome="answered", error="") == 1
    assert value(found, "turnout_rule_requests_total", route="support", rule="faq") == 1
    assert value(found, "turnout_tokens_total", target="haiku", provider="anthropic", kind="input") == 412
    assert value(found, "turnout_cost_usd_total", route="support", target="haiku", provider="anthropic") == 0.0007136
    assert value(found, "turnout_baseline_cost_usd_total", route="support") == 0.002676
    assert value(found, "turnout_request_duration_seconds_bucket", route="support", le="1.0") == 1
    assert value(found, "turnout_request_duration_seconds_bucket", route="support", le="0.5") == 0
    assert value(found, "turnout_request_duration_seconds_sum", route="support") == pytest.approx(0.8415)
    assert value(found, "turnout_first_token_seconds_count", target="haiku", provider="anthropic") == 1


def test_a_hedge_is_counted_as_such_and_as_nothing_else(metrics: Metrics) -> None:
    first = records.an_attempt(outcome="cancelled")
    beside = records.an_attempt(target="sonnet", hedge=True)
    metrics.observe(records.a_decision(attempts=(first, beside), target="sonnet"))
    lost = records.an_attempt(target="sonnet", hedge=True, outcome="failed", error_class="timeout")
    metrics.observe(records.a_decision(attempts=(lost, records.an_attempt())))
    found = shown(metrics)
    assert value(found, "turnout_hedges_total", route="support", won="true") == 1
    assert value(found, "turnout_hedges_total", route="support", won="false") == 1
    assert total(found, "turnout_fallbacks_total") == 0
    assert total(found, "turnout_retries_total") == 0


def test_a_detour_counts_as_what_it_was(metrics: Metrics) -> None:
    failed = records.an_attempt(outcome="failed", error_class="timeout", cost_usd=Decimal(0))
    metrics.observe(records.a_decision(attempts=(failed, failed, records.an_attempt(target="sonnet")), target="sonnet"))
    discarded = records.an_attempt(outcome="discarded", cost_usd=None)
    metrics.observe(records.a_decision(attempts=(discarded, records.an_attempt(target="sonnet"))))
    found = shown(metrics)
    assert value(found, "turnout_retries_total", target="haiku") == 1
    assert value(found, "turnout_fallbacks_total", route="support") == 1
    assert value(found, "turnout_escalations_total", route="support") == 1
    assert value(found, "turnout_unpriced_attempts_total", target="haiku", provider="anthropic") == 1
    assert total(found, "turnout_attempts_total", outcome="failed", error="timeout") == 2


def test_what_callers_say_is_never_a_label(metrics: Metrics) -> None:
    for number in range(50):
        said = f"said-{number}"
        dropped = (Dropped("haiku", f"lacks_field:{said}"),)
        unknown = {"route": said, "model": said, "tenant": said, "user": said, "source": said, "tags": {said: said}}
        metrics.observe(records.a_decision(**unknown, dropped=dropped, rule=None, query_hash=said))
    text = exposition(metrics.counted(), "")[0].decode()
    assert "said-" not in text
    found = shown(metrics)
    assert value(found, "turnout_requests_total", route="other", target="haiku", outcome="answered", error="") == 50
    assert value(found, "turnout_tenant_requests_total", tenant="other", outcome="answered") == 50
    assert value(found, "turnout_dropped_candidates_total", target="haiku", reason="lacks_field") == 50


def test_what_happens_besides_requests_is_counted(metrics: Metrics) -> None:
    metrics.observe(BreakerChanged("haiku", BreakerState.OPEN, "5 failures in a row"))
    metrics.observe(ConfigurationRefused("no such target"))
    metrics.observe(RecordLost("no space left on device"))
    metrics.observe(TurnedAway("overloaded"))
    metrics.observe(Configured(version="v2", routes=frozenset(), providers={}, tenants=frozenset()))
    found = shown(metrics)
    assert value(found, "turnout_breaker_transitions_total", target="haiku", state="open") == 1
    assert value(found, "turnout_reloads_total", result="refused") == 1
    assert value(found, "turnout_reloads_total", result="accepted") == 1
    assert value(found, "turnout_records_lost_total") == 1
    assert value(found, "turnout_turned_away_total", error="overloaded") == 1
    assert total(found, "turnout_config_info") == value(found, "turnout_config_info", version="v2") == 1
    assert total(found, "turnout_build_info", version="1.2.3") == 1


def test_a_metric_without_labels_is_there_before_anything_happens(metrics: Metrics) -> None:
    found = shown(metrics)
    assert ("turnout_records_lost_total", frozenset()) in found
    assert value(found, "turnout_processes") == 1


def test_whoever_is_asked_tells_for_all_processes(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    one.observe(records.a_decision())
    other.observe(records.a_decision())
    other.counted()  # as it does twice a second
    assert total(shown(one), "turnout_requests_total") == 2
    assert value(shown(one), "turnout_processes") == 2
    other.close()
    assert total(shown(one), "turnout_requests_total") == 2
    assert value(shown(one), "turnout_processes") == 1
    one.close()


def test_a_process_goes_on_counting_where_a_dead_one_ended(tmp_path: Path) -> None:
    one = opened(tmp_path)
    one.observe(records.a_decision())
    one.close()
    following = opened(tmp_path)
    following.observe(records.a_decision())
    found = shown(following)
    assert total(found, "turnout_requests_total") == 2
    assert value(found, "turnout_processes") == 1
    assert len(list(tmp_path.iterdir())) == 1
    following.close()


def test_what_a_process_was_writing_as_it_died_is_passed_over(tmp_path: Path) -> None:
    one = opened(tmp_path)
    one.observe(records.a_decision())
    one.close()
    (place,) = tmp_path.iterdir()
    with (place / "series").open("ab") as series:
        series.write(b'["turnout_requests_total",["support","","answered",""],99999]\n["turnout_req')
    with (place / "values").open("ab") as values:
        values.write(b"\0\0\0")
    following = opened(tmp_path)
    following.observe(records.a_decision(target="sonnet"))
    following.close()
    last = opened(tmp_path)
    assert total(shown(last), "turnout_requests_total") == 2
    last.close()


def test_what_another_version_counted_is_removed(tmp_path: Path) -> None:
    (tmp_path / "00000000-earlier").mkdir()
    unreadable = tmp_path / f"{LAYOUT}-unreadable"
    unreadable.mkdir()
    (unreadable / "series").write_text("no JSON\n")
    metrics = opened(tmp_path)
    assert [place.name.startswith(LAYOUT) for place in tmp_path.iterdir()] == [True]
    assert not unreadable.exists()
    metrics.close()


def test_without_room_for_files_a_process_counts_for_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "metrics").write_text("in the way")
    metrics = opened(tmp_path / "metrics")
    metrics.observe(records.a_decision())
    assert total(shown(metrics), "turnout_requests_total") == 1
    metrics.close()
    assert "cannot be shared" in caplog.text


def test_a_disk_that_fails_costs_nothing_but_the_sharing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = opened(tmp_path), opened(tmp_path)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite", full)
        one.observe(records.a_decision())
        assert total(shown(one), "turnout_requests_total") == 1
        shown(one)
    assert caplog.text.count("cannot be shared") == 1
    one.counted()
    assert total(shown(other), "turnout_requests_total") == 1
    one.close()
    other.close()


@given(st.lists(records.decisions, max_size=12), st.integers(1, 3))
def test_the_sum_over_processes_is_what_one_would_have_counted(decisions: list[Decision], processes: int) -> None:
    def counted(share: list[Decision]) -> Counted:
        from turnout.telemetry.decided import DecisionCounts

        cells = Cells()
        counts = DecisionCounts(cells)
        for decision in share:
            counts.count(decision)
        series = decode_series(encode_series(cells.series))
        return Counted(series, cells.values, alive=True)

    apart = summed(counted(decisions[process::processes]) for process in range(processes))
    together = summed([counted(decisions)])
    assert {name: set(series) for name, series in apart.items()} == {
        name: set(series) for name, series in together.items()
    }
    for name, series in together.items():
        for labels, values in series.items():
            assert apart[name][labels] == pytest.approx(values)
    requests = together.get(REQUESTS.name, {})
    assert sum(value for (value,) in requests.values()) == len(decisions)
    durations = together.get(DURATION.name, {})
    assert sum(sum(values[:-1]) for values in durations.values()) == len(decisions)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_named_as_prometheus_wants(metric: Metric) -> None:
    assert metric.name.startswith("turnout_")
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert metric.help.endswith(".")
    assert list(metric.buckets) == sorted(set(metric.buckets))
