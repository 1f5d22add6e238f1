"""A replay as one self-contained page: no script, no font, no request to anywhere."""

from __future__ import annotations

import jinja2

from turnout.cli.replay import words
from turnout.cli.report.figures import share
from turnout.insight.amount_words import usd
from turnout.insight.replay.result import Replayed


def as_page(found: Replayed, config: str, limit: int) -> str:
    """The page as HTML, with so many examples."""
    loader = jinja2.PackageLoader("turnout.cli.replay", "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["usd"] = usd
    return environment.get_template("replay.html").render(
        found=found,
        config=config,
        words=words,
        share=share,
        examples=found.examples(limit),
    )
