"""`/admin` asked by schemathesis for whatever its description allows, and for what it forbids."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import ignored_auth

from tests.running import RunningGateway, running_gateway

KEY = "the-key-of-an-admin-of-the-test"
CONFIG = f"""
providers:
  nobody: {{dialect: openai, base_url: "http://127.0.0.1:9/v1"}}
targets:
  primary: {{provider: nobody, model: a-model, price: {{input: 1, output: 2}}}}
tenants: {{from: store}}
server:
  admin_keys: [{{name: ops, key: {KEY}, role: admin}}]
"""
HEADERS = {"x-api-key": KEY}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(CONFIG, tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.mark.parametrize("examples", [6, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_operation_answers_as_described_whatever_it_is_asked(
    gateway: RunningGateway, mode: GenerationMode, examples: int
) -> None:
    schema = schemathesis.openapi.from_url(f"{gateway.url}/admin/openapi.json", headers=HEADERS)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) >= 18
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not operation.body:
            continue

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Case) -> None:
            # beside the credentials that it makes up there is always the one that works
            case.call_and_validate(headers=HEADERS, excluded_checks=[ignored_auth])

        ask()
