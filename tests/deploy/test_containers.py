"""The image, the composition and the chart, as far as they can be judged without an engine to run them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from tests.deploy.rendering import rendered
from turnout.config.load import load_config, load_config_text

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
CHART: Final = DEPLOY / "helm" / "turnout"
KUBERNETES: Final = "1.31"
KEYS: Final = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "TURNOUT_CALLER_KEY", "TURNOUT_ADMIN_KEY", "TURNOUT_POSTGRES_URL")
ENV: Final = {name: f"the-{name.lower()}" for name in KEYS}
DOCKERFILE: Final = (DEPLOY / "Dockerfile").read_text()


def instructions() -> list[tuple[str, str]]:
    """Of the Dockerfile: each instruction and what it says."""
    joined = re.sub(r"\\\n", " ", DOCKERFILE)
    lines = [line.strip() for line in joined.splitlines()]
    return [
        (line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines if line and not line.startswith("#")
    ]


def test_the_image_runs_as_nobody_in_particular_and_installs_only_what_is_pinned() -> None:
    said = instructions()
    users = [what for name, what in said if name == "USER"]
    assert users
    assert users[-1].split(":")[0].isdigit(), "Kubernetes can only tell a number from root"
    assert users[-1].split(":")[0] != "0"
    assert all(":" in what.split()[0] and ":latest" not in what for name, what in said if name == "FROM")
    installs = [part for name, what in said if name == "RUN" for part in what.split("&&") if "pip install" in part]
    assert installs
    for install in installs:
        assert "--no-cache-dir" in install
        assert "--require-hashes" in install or install.rstrip().endswith("--no-deps --no-build-isolation .")
    assert not [what for name, what in said if name == "ADD" or "sudo" in what or "curl" in what]
    assert next(what for name, what in said if name == "ENTRYPOINT").startswith("["), "signals reach the gateway itself"


def test_what_the_image_copies_is_there_and_reaches_the_build() -> None:
    let_in = {
        line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    copied = [what for name, what in instructions() if name == "COPY" and not what.startswith("--from")]
    for what in copied:
        for source in what.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert source.split("/")[0] in let_in, source


def test_the_composition_hangs_together() -> None:
    composed: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    services = composed["services"]
    assert {"gateway-1", "gateway-2", "valkey", "postgres", "prometheus", "grafana"} <= services.keys()
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= services.keys(), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            there = (DEPLOY / "compose" / source).exists() if source.startswith(".") else source in composed["volumes"]
            assert there, f"{name}: {source}"
    for name in ("gateway-1", "gateway-2"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose" / "compose.yaml").read_text()))
    written = {
        line.split("=")[0] for line in (DEPLOY / "compose" / ".env.example").read_text().splitlines() if "=" in line
    }
    assert asked == written


def test_the_configurations_are_sound_and_share_what_gateways_share() -> None:
    config = load_config(DEPLOY / "compose" / "turnout.yaml", ENV).config
    assert config.state.store == "valkey"
    assert config.ledger.postgres is not None
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    load_config_text(values["config"], ENV)


def manifests(**changes: Any) -> dict[str, dict[str, Any]]:
    """What the chart makes, by kind."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    values |= changes
    made = {}
    for file in sorted((CHART / "templates").iterdir()):
        text = rendered(file.read_text(), values, "prod")
        if text.strip():
            manifest = yaml.safe_load(text)
            made[manifest["kind"]] = manifest
    return made


OTHERWISE: Final = {"autoscaling": {"enabled": False}, "storage": {"size": "5Gi", "className": "fast"}}


@pytest.mark.parametrize("changes", [{}, OTHERWISE], ids=["as it is", "otherwise"])
def test_kubernetes_takes_what_the_chart_makes(changes: dict[str, Any]) -> None:
    made = manifests(**changes)
    for manifest in made.values():
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    assert ("HorizontalPodAutoscaler" in made) is (not changes)
    assert ("replicas" in made["StatefulSet"]["spec"]) is bool(changes)


def test_the_pods_are_probed_guarded_and_end_in_time() -> None:
    made = manifests()
    pod = made["StatefulSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["securityContext"]["runAsNonRoot"] is True
    drain = load_config_text(made["ConfigMap"]["data"]["turnout.yaml"], ENV).config.server.drain
    assert pod["terminationGracePeriodSeconds"] > drain
    mounted = {each["mountPath"] for each in container["volumeMounts"]}
    assert {"/var/lib/turnout", "/etc/turnout"} <= mounted
    assert all("valueFrom" in each for each in container["env"]), "secrets are referred to"
    assert made["Service"]["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    labels = made["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert made["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].items() <= labels.items()
