"""The documentation as tests see it: pages, and the samples that are on them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))

_BLOCK: Final = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_OPERATORS: Final = re.compile(r"[();|&<>]+")
_SUBSTITUTED: Final = re.compile(r"\$\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """A command line of a page, and what the page says that it prints."""

    block: Block
    line: str
    printed: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.block}: {self.line}"


def name_of(page: Path) -> str:
    """The page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *kinds: str) -> list[Block]:
    """The page's blocks of these kinds."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        indent = match["indent"]
        body = "".join(line.removeprefix(indent) for line in match["text"].splitlines(keepends=True))
        found.append(Block(name_of(page), text.count("\n", 0, match.start()) + 2, match["kind"], body))
    return [block for block in found if block.kind in kinds]


def commands(block: Block) -> list[Command]:
    """The command lines of a block: all of `sh`, those after a `$` of `console`, with what is printed after each."""
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.kind == "sh":
        return [Command(block, line) for line in lines if line.strip() and not line.startswith("#")]
    found: list[Command] = []
    for line in lines:
        if line.startswith("$ "):
            found.append(Command(block, line[2:]))
        elif found:
            last = found.pop()
            found.append(Command(block, last.line, (*last.printed, line)))
    return found


def calls(line: str, program: str) -> list[list[str]]:
    """The arguments of each call of `program` in a line of shell; what a `$(...)` gives is one of them."""
    if inner := _SUBSTITUTED.search(line):
        return calls(inner[1], program) + calls(_SUBSTITUTED.sub("SUBSTITUTED", line, count=1), program)
    lexer = shlex.shlex(line, posix=True, punctuation_chars="();|&<>")
    lexer.whitespace_split = True
    found: list[list[str]] = []
    words: list[str] | None = None
    for word in lexer:
        if _OPERATORS.fullmatch(word):
            words = None
        elif word == program:
            words = []
            found.append(words)
        elif words is not None:
            words.append(word)
    return found
