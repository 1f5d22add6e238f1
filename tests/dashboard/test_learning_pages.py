"""The pages on what is tried out and what was learnt: canaries, shadows, drift; and what tenants may spend and pay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from bench.answers import answers
from bench.drift import traffic
from tests.cli.advise.test_advise_command import run as advised
from tests.cli.test_shadows import a_pair
from tests.dashboard.seeded import CONFIG, look, seeded_gateway
from tests.ledger import samples
from turnout.confidence.calibration import fit_calibration, save_calibration
from turnout.ledger.ids import new_decision_id
from turnout.state.canaries import CanaryFile
from turnout.types.canary import Canary, CanaryStatus, Walked
from turnout.types.clock import timestamp
from turnout.types.decision import Decision

LEARNT = """
providers: {nobody: {dialect: openai, base_url: "http://127.0.0.1:9/v1"}}
targets:
  cheap:  {provider: nobody, model: small}
  strong: {provider: nobody, model: large}
routes:
  support:
    policy: {cascade: [{use: [cheap], accept: {confidence: 0.6, by: support.json}}, {use: strong}]}
"""
HERE = Path(__file__).parent
HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


@pytest.mark.parametrize(
    ("shift", "verdict", "because"), [(0.0, "as measured", None), (1.0, "retrain due", "Because tokens has moved")]
)
def test_drift_is_told_with_its_reasons(tmp_path: Path, shift: float, verdict: str, because: str | None) -> None:
    fitted = save_calibration(tmp_path / "support.json", fit_calibration(answers(1_000), target="cheap"))
    seen = [
        msgspec.structs.replace(
            each, id=new_decision_id(HOUR_AGO), time=timestamp(HOUR_AGO), route="support", artefact=fitted.id
        )
        for each in traffic(fitted, 300, shift=shift)
    ]
    with seeded_gateway(tmp_path, *seen, config=LEARNT) as gateway:
        page = look(gateway, "/dashboard/drift")
    assert page.figure("verdict") == verdict
    assert f"support: support.json calibration {fitted.id} , 300 decisions" in page.words
    assert "confidence, against fitting" in page.words
    assert ("Because" in page.words) == (because is not None)
    assert (because or "") in page.words


def test_an_artefact_that_cannot_be_read_any_more_is_told(tmp_path: Path) -> None:
    save_calibration(tmp_path / "support.json", fit_calibration(answers(1_000), target="cheap"))
    with seeded_gateway(tmp_path, config=LEARNT) as gateway:
        (tmp_path / "support.json").write_text("{}")
        page = look(gateway, "/dashboard/drift")
    assert page.status == 200
    assert "It cannot be read: " in page.words


def a_canary(flag: str, status: CanaryStatus, because: str) -> Canary:
    steps = (Walked(timestamp(HOUR_AGO), 0.1, "started"), Walked(timestamp(HOUR_AGO), 0.25, because))
    return Canary(flag=flag, variant="on", route="support", steps=(0.1, 0.25, 1.0), status=status, walked=steps)


def side(number: int, variant: str) -> Decision:
    at = timestamp(HOUR_AGO + timedelta(minutes=1))
    told = {"flags": {"cheaper": "in_share" if variant == "on" else "not_in_share"}}
    cost = Decimal("0.001") if variant == "on" else Decimal("0.002")
    return samples.a_decision(
        time=at, route="support", user=f"u{number}", flags={"cheaper": variant}, conditions=told, cost_usd=cost
    )


def test_canaries_are_shown_with_how_they_compare_and_what_became_of_them(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    file = CanaryFile(tmp_path / "data")
    file.write(a_canary("older", CanaryStatus.ROLLED_BACK, "errors are worse"))
    file.write(a_canary("cheaper", CanaryStatus.RUNNING, "no worse after 200 requests"))
    seen = [side(number, "on" if number % 2 else "off") for number in range(300)]
    with seeded_gateway(tmp_path, *seen) as gateway:
        page = look(gateway, "/dashboard/experiments")
    assert page.figure("status") == "running"
    assert "Canary cheaper: on, on the route support" in page.words
    assert "150 requests of the old side, 150 of the new" in page.words
    assert "$0.002000 $0.001000 -50.0 %" in page.words
    assert page.words.index("cheaper") < page.words.index("older")
    assert "rolled back" in page.words
    assert "errors are worse" in page.words


def test_shadows_are_shown_beside_what_was_served(tmp_path: Path) -> None:
    pairs = [each for number in range(30) for each in a_pair(number)]
    with seeded_gateway(tmp_path, *pairs) as gateway:
        page = look(gateway, "/dashboard/experiments")
    assert "Shadow on support 30 requests that were asked of both" in page.words
    assert "opus $0.004000 1.20 s 3.3 %" in page.words


def test_nothing_to_show_says_how_to_begin(tmp_path: Path) -> None:
    with seeded_gateway(tmp_path) as gateway:
        experiments, drift = (look(gateway, f"/dashboard/{name}") for name in ("experiments", "drift"))
    assert "turnout canary start FLAG" in experiments.words
    assert "shadow: {share: 5%" in experiments.words
    assert "No route uses a calibration or a classifier." in drift.words


def test_a_tenant_is_shown_with_its_budgets_and_its_margin(tmp_path: Path) -> None:
    tenants = "tenants: {acme: {revenue: 100, budgets: [{usd: 50, per: day}, {usd: 900, hard: false}]}}\n"
    seen = samples.a_decision(time=timestamp(datetime.now(UTC)), tenant="acme")
    with seeded_gateway(tmp_path, seen, config=CONFIG + tenants) as gateway:
        page = look(gateway, "/dashboard/tenants")
    assert "$50.00 a day, $900.00 a month (soft)" in page.words
    assert "Margin" in page.words


def test_the_latest_advice_is_shown_with_its_arithmetic_and_apart_from_what_if(tmp_path: Path) -> None:
    with seeded_gateway(tmp_path) as gateway:
        assert "turnout advise --save november" in look(gateway, "/dashboard/advice").words
        company = HERE.parent / "cli/advise/companies/support.yaml"
        for name in ("october", "november"):
            told = advised("--answers", str(company), "--data", str(gateway.data), "--save", name)
            assert told.exit_code == 0, told.output
        page = look(gateway, "/dashboard/advice")
        assert "Advice: november" in page.words
        assert "Recommended: " in page.words
        assert "The decision table" in page.words
        assert ("a", {"href": "/dashboard/what-if/october"}) in page.elements
        assert "Nothing saved yet" in look(gateway, "/dashboard/what-if").words
        assert "Advice: october" in look(gateway, "/dashboard/what-if/october").words
