"""The dashboard and the alerts ask for metrics that there are, by labels that these have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from deploy.alerts import ALERTS
from deploy.board import ROWS
from deploy.generate import files
from turnout.telemetry.table import METRICS

FUNCTIONS = {"abs", "absent", "histogram_quantile", "increase", "max", "rate", "sum"}
PARTS = {"_bucket": {"le"}, "_sum": set(), "_count": set()}
QUERIES = [
    *(pytest.param(alert.expr, id=alert.name) for alert in ALERTS),
    *(
        pytest.param(query, id=f"{panel.title} {legend}")
        for panels in ROWS.values()
        for panel in panels
        for legend, query in panel.queries.items()
    ),
]


def labels() -> dict[str, set[str]]:
    """Every name that a scrape shows, and its labels."""
    shown: dict[str, set[str]] = {}
    for metric in METRICS:
        parts = PARTS if metric.kind == "histogram" else {"": set[str]()}
        shown |= {metric.name + part: {*metric.labels, *own} for part, own in parts.items()}
    return shown


def groups(query: str) -> Iterator[tuple[set[str], str]]:
    """Each `by (...)`, with what is in the parentheses after it."""
    for found in re.finditer(r"by \(([^)]*)\) \(", query):
        depth, end = 1, found.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(query[end], 0)
            end += 1
        yield set(found[1].split(", ")), query[found.end() : end]


def complaints(query: str) -> list[str]:
    """What Prometheus would not understand of a query, or find nothing for."""
    known = labels()
    names = re.findall(r"turnout_\w+", query)
    found = [] if names else ["no metric at all"]
    found += [f"no metric {name}" for name in names if name not in known]
    for name, selector in re.findall(r"(turnout_\w+)\{([^}]*)\}", query):
        asked = set(re.findall(r"(\w+)(?:=~|!=|=|!~)\"", selector))
        found += [f"{name} has no label {label}" for label in asked - known.get(name, set())]
    for asked, inner in groups(query):
        for name in re.findall(r"turnout_\w+", inner):
            found += [f"{name} has no label {label}" for label in asked - known.get(name, set())]
    found += [f"no function {name}" for name in re.findall(r"(\w+)\(", query) if name not in FUNCTIONS]
    for name in re.findall(r"(?:rate|increase)\((turnout_\w+)", query):
        found += [] if re.search(r"_(total|bucket|sum|count)$", name) else [f"the rate of a gauge, {name}"]
    without_ranges = re.sub(r"\[(?:\d+[smhd]|\$__rate_interval)\]", "", query)
    found += ["an odd range"] if re.search(r"[\[\]]", without_ranges) else []
    found += ["parentheses"] if query.count("(") != query.count(")") or query.count("{") != query.count("}") else []
    return found


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_what_there_is(query: str) -> None:
    assert complaints(query) == []


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("sum(rate(turnout_requests[5m]))", "no metric turnout_requests"),
        ("sum by (user) (rate(turnout_requests_total[5m]))", "turnout_requests_total has no label user"),
        ('turnout_breaker_open{route="a"}', "turnout_breaker_open has no label route"),
        ("rate(turnout_breaker_open[5m])", "the rate of a gauge, turnout_breaker_open"),
        ("average(turnout_processes)", "no function average"),
        ("sum(turnout_processes", "parentheses"),
        ("rate(turnout_requests_total[soon])", "an odd range"),
        ("up == 0", "no metric at all"),
    ],
)
def test_a_query_that_asks_for_something_else_is_found(query: str, complaint: str) -> None:
    assert complaint in complaints(query)


@pytest.mark.parametrize(("file", "text"), [pytest.param(*each, id=each[0].name) for each in files().items()])
def test_no_file_is_stale(file: Path, text: str) -> None:
    assert file.read_text(encoding="utf-8") == text, "run `python -m deploy.generate`"


def test_what_is_written_can_be_read() -> None:
    dashboard, alerts = files().values()
    panels = json.loads(dashboard)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    (group,) = yaml.safe_load(alerts)["groups"]
    assert [rule["alert"] for rule in group["rules"]] == [alert.name for alert in ALERTS]
    assert all(re.fullmatch(r"\d+m", rule["for"]) for rule in group["rules"])


def test_every_alert_says_what_to_do() -> None:
    assert [alert.name for alert in ALERTS if not (alert.summary.endswith(".") and alert.action)] == []
