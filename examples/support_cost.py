"""What the support pattern costs a month: the figures of docs/patterns/support.md, reckoned anew.

    python examples/support_cost.py             # prints the table, in Markdown
    python examples/support_cost.py 20000000    # for another number of tokens a day

The rules of support.yaml are run over the demo's queries, without calling a model; who would answer each, at which
price, is multiplied by the traffic. Put your own queries, lengths and prices in, and the answer is yours.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from turnout import Router
from turnout.catalog.prices import price_of
from turnout.cli.demo.queries import own_queries
from turnout.insight.traffic_cost import MonthlyCost, Traffic, at_one_price, monthly_cost
from turnout.types.money import Price
from turnout.types.usage import Usage

PRICED_AT = datetime(2026, 11, 1, tzinfo=UTC)
TOKENS_PER_DAY = 50_000_000

INSTRUCTIONS = 600
"""Tokens that go before every query: instructions, and the article that was looked up."""

ANSWERS = {"escalation": 300, "complex": 350, "long": 350, "faq": 120, "rest": 200}
"""Tokens of an answer, by rule."""

_OWN = Price(input=Decimal("0.20"), output=Decimal("0.20"))
PRICES = {
    "small": _OWN,
    "mid": price_of("anthropic", "claude-3-5-haiku-20241022", PRICED_AT),
    "strong": price_of("anthropic", "claude-3-5-sonnet-20241022", PRICED_AT),
}
"""As the configuration says, and as the price list has it."""


async def sample() -> list[Traffic]:
    """The demo's support queries, by the rule that decides and the target that would answer."""
    env = dict.fromkeys(("ANTHROPIC_API_KEY", "OPENAI_API_KEY"), "not used") | os.environ
    env |= {"SUPPORT_MODEL_URL": "http://localhost:8000/v1"}
    config = Path(__file__).with_name("support.yaml")
    asked = [[{"role": "user", "content": query.text}] for query in own_queries() if query.route == "support"]
    with tempfile.TemporaryDirectory() as data:
        async with Router.from_config(config, data=data, env=env) as router:
            explained = [router.explain(route="support", messages=messages) for messages in asked]
    requests: Counter[tuple[str, str]] = Counter()
    read: Counter[tuple[str, str]] = Counter()
    for explanation in explained:
        rule = next(each.name for each in explanation.considered if each.chosen)
        kind = (rule, explanation.candidates[0].target)
        requests[kind] += 1
        read[kind] += INSTRUCTIONS + explanation.features.tokens
    return [
        Traffic(
            name=f"{rule} → {target}",
            requests=number,
            usage=Usage(input_tokens=read[rule, target], output_tokens=ANSWERS[rule] * number),
            price=PRICES[target],
        )
        for (rule, target), number in requests.most_common()
    ]


def table(routed: MonthlyCost, baseline: MonthlyCost) -> str:
    """Both months, in Markdown."""
    lines = [
        "| rule → target | of requests | of tokens | requests a month | USD a month | all on `strong` |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {part.name} | {part.request_share:.0%} | {part.token_share:.0%} | {part.requests:,} | {part.usd:,.2f} "
        f"| {same.usd:,.2f} |"
        for part, same in zip(routed.parts, baseline.parts, strict=True)
    ]
    lines.append(f"| **all** | 100% | 100% | {routed.requests:,} | **{routed.usd:,.2f}** | **{baseline.usd:,.2f}** |")
    return "\n".join(lines)


def report(tokens_per_day: int = TOKENS_PER_DAY) -> str:
    """The table, and what it comes to in a sentence."""
    traffic = asyncio.run(sample())
    routed = monthly_cost(traffic, tokens_per_day)
    baseline = monthly_cost(at_one_price(traffic, PRICES["strong"]), tokens_per_day)
    if routed.usd is None or baseline.usd is None:
        raise SystemExit("A price is not known; nothing can be said about the month.")
    saved = baseline.usd - routed.usd
    return (
        f"{table(routed, baseline)}\n\n"
        f"At {tokens_per_day:,} tokens a day, routing costs **{routed.usd:,.2f} USD** a month of 30 days, where "
        f"`strong` alone would cost **{baseline.usd:,.2f} USD**: "
        f"it saves {saved:,.2f} USD, or {saved / baseline.usd:.0%}."
    )


if __name__ == "__main__":
    print(report(*map(int, sys.argv[1:])))
