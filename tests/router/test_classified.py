"""What a classifier expected stands in the record of the request, with the classifier that said so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.wiring import OPENAI, OneRoute, endpoint, listen, request, wire
from turnout.insight.train.examples import fit_examples
from turnout.policy.classifier.choice import Likeliest
from turnout.policy.classifier.model import load_classifier, save_classifier
from turnout.policy.classifier.policy import Classify
from turnout.policy.fallback import Fallback
from turnout.policy.filters import Filters
from turnout.policy.single import Single
from turnout.testing import ScriptedProvider
from turnout.types.candidate import Candidate


async def test_chances_costs_and_the_artefact_are_recorded(tmp_path: Path) -> None:
    made = fit_examples({"chat": ["hello there", "good morning"], "law": ["liability clause", "breach of contract"]})
    identity = save_classifier(tmp_path / "m.json", made)
    wired = wire(*(endpoint(name, ScriptedProvider(OPENAI, "Hi."), OPENAI) for name in ("chat", "law")))
    among = {name: Single(Candidate(target=name, reason=f"classifier:{name}")) for name in ("chat", "law")}
    classify = Classify(load_classifier(tmp_path / "m.json"), among, Likeliest(0.5, 0.02))
    routes = wired.router.parts.routes
    assert isinstance(routes, OneRoute)
    routes.route = replace(routes.route, policy=Filters(Fallback((classify, among["law"]))))
    reply = await wired.router.handle(request())
    await listen(reply, OPENAI)
    decision = wired.decision
    assert (decision.target, decision.reason, decision.artefact) == ("chat", "classifier:chat", identity)
    assert decision.signals["chat.chance"] > decision.signals["law.chance"] + 0.2
    assert decision.signals["chat.cost_usd"] > 0
    assert [(each.name, each.chosen) for each in decision.considered] == [("chat", True), ("law", False)]
