"""The gates over committed text: hosts, paths, keys, foreign assets and links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.architecture.gates import Broken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE_BYTES = 512_000
ASSET_LINE = 1_000

# Written in pieces, so that this file passes its own gates.
_REGISTRIES = re.compile(
    "|".join(
        [
            r"py" + r"pi\.org",
            r"python" + r"hosted\.org",
            r"registry\." + r"npm" + r"js",
            r"unp" + r"kg\.com",
            r"js" + r"delivr\.net",
            r"cdn" + r"js\.",
            r"static\.cra" + r"tes\.io",
            r"proxy\.gol" + r"ang\.org",
            r"deb\.deb" + r"ian\.org",
        ]
    )
)
_MACHINE_PATHS = re.compile(r"(?<![\w./:}>~$-])/(?:home|root|work|Users|tmp|private|mnt)/[\w.]+")
_KEYS = re.compile(
    r"\b(?:sk-(?:[a-z0-9]+-)*(?=\w*[0-9])(?=\w*[A-Z])(?=\w*[a-z])\w{24,}"
    r"|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|gh[pousr]_\w{36}|hf_\w{34}|xox[abprs]-[\w-]{20,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----\s+\w"
)
_FOREIGN = re.compile(
    r"(?:\.min\.(?:js|css)|\.map|\.whl|\.gguf|\.so|\.pyc|\.jar|\.woff2?|\.ttf)$|(?:^|/)(?:node_modules|vendor|third_party)/"
)
_ASSETS = (".js", ".css", ".html", ".svg")

_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)")
_HEADING = re.compile(r"^#{1,6} +(.*?)\s*#*$", re.MULTILINE)


def said(path: str, text: str) -> Iterator[Broken]:
    """What no committed text may say: a registry's host, a path of one machine, a key."""
    for pattern, what in (
        (_REGISTRIES, "names a package registry's host"),
        (_MACHINE_PATHS, "names a path of one machine"),
        (_KEYS, "holds what looks like a key"),
    ):
        for match in pattern.finditer(text):
            yield Broken(path, text.count("\n", 0, match.start()) + 1, f"{what}: {match.group()[:24]}")


def foreign_asset(path: str, content: bytes) -> Iterator[Broken]:
    """Files that somebody else made or a tool squeezed: they come from packages, not from this repository."""
    if _FOREIGN.search(path):
        yield Broken(path, 1, "is not source: take it from a package")
    if len(content) > FILE_BYTES:
        yield Broken(path, 1, f"has {len(content)} bytes (limit {FILE_BYTES})")
    longest = max(map(len, content.splitlines()), default=0)
    if path.endswith(_ASSETS) and longest > ASSET_LINE:
        yield Broken(path, 1, f"looks minified: a line has {longest} characters (limit {ASSET_LINE})")


def dead_links(path: str, text: str, root: Path) -> Iterator[Broken]:
    """Links of a Markdown file to files, and to headings in them, that are not there."""
    prose = _CODE.sub(_blank, _FENCE.sub(_blank, text))
    for match in _LINK.finditer(prose):
        target, _, anchor = match.group(1).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (root / path).parent / target if target else root / path
        line = prose.count("\n", 0, match.start()) + 1
        if not file.exists():
            yield Broken(path, line, f"links to {target}, which is not there")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
            yield Broken(path, line, f"links to #{anchor}, which {target or 'this page'} has no heading for")


def anchors(text: str) -> set[str]:
    """The names that a Markdown page's headings are linked by."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub(_blank, text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match.group())
