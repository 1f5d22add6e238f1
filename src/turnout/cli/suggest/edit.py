"""A suggested rule, written into the text of a configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple

from turnout.config.load import LoadedConfig, load_config_text
from turnout.config.policies import RulesSpec
from turnout.errors import ConfigError
from turnout.insight.suggest import Suggestion

EASY: Final = "suggested-easy"
HARD: Final = "suggested-hard"
RULE: Final = "suggested"
_LISTS: Final = re.compile(r"^(?P<indent>\s*)lists:\s*(?P<flow>\{)?")
_POLICY: Final = re.compile(r"^(?P<indent>\s*)policy:\s*(?P<policy>[^#\s][^#]*?)\s*(#.*)?$")
_ITEM: Final = re.compile(r"^(?P<indent>\s*)- ")


class Written(NamedTuple):
    """What is added to a route: phrase lists, and a rule before the one that takes all the rest."""

    lists: dict[str, str]
    rule: str


def written(found: Suggestion, use: Sequence[str]) -> Written:
    """The suggestion as YAML; `use` is the chain of targets."""
    lists = {}
    conditions = []
    if found.easy:
        lists[EASY] = _listed([phrase.text for phrase in found.easy])
        conditions.append(f"{{matches: {EASY}}}")
    if found.most_tokens is not None:
        but = f", not: {{matches: {HARD}}}" if found.hard else ""
        conditions.append(f"{{tokens: {{max: {found.most_tokens}}}{but}}}")
    if found.hard:
        lists[HARD] = _listed([phrase.text for phrase in found.hard])
    when = conditions[0] if len(conditions) == 1 else f"{{any: [{', '.join(conditions)}]}}"
    return Written(lists, f"- {{name: {RULE}, when: {when}, use: {_listed(use)}}}")


def rules_before(loaded: LoadedConfig, route: str) -> list[str]:
    """The names of the rules that a suggested one stands behind: all that have a condition."""
    policy = loaded.config.routes[route].policy
    rules = policy.rules if isinstance(policy, RulesSpec) else []
    return [rule.name for rule in takewhile(lambda rule: rule.when is not None, rules)]


def edited(loaded: LoadedConfig, route: str, add: Written) -> str:
    """The configuration's text with the suggestion, which has been found sound.

    Raises:
        ConfigError: it is written in a way that only its writer can change, or has such a rule already.
    """
    file = Path(loaded.file or "")
    given = loaded.config.routes[route]
    if {EASY, HARD} & given.lists.keys() or (
        isinstance(given.policy, RulesSpec) and any(rule.name == RULE for rule in given.policy.rules)
    ):
        fix = "Give its rule and its lists names of your own, and ask again."
        raise loaded.document.error(("routes", route), "it has a suggestion already.", fix)
    lines = file.read_text("utf-8").splitlines()
    _put_rule(lines, loaded, route, add)
    _put_lists(lines, loaded, route, add)
    text = "\n".join(lines) + "\n"
    load_config_text(text, directory=loaded.directory)
    return text


def _put_rule(lines: list[str], loaded: LoadedConfig, route: str, add: Written) -> None:
    """The rule before the one that takes all the rest; where there are no rules, that is the policy as it is."""
    path, policy_now = ("routes", route, "policy"), loaded.config.routes[route].policy
    if isinstance(policy_now, RulesSpec):
        number = len(rules_before(loaded, route))
        place = _at(loaded, (*path, "rules", number))
        item = _ITEM.match(lines[place]) if number < len(policy_now.rules) else None
        if item is None:
            raise _by_hand(loaded, path, add)
        lines.insert(place, item["indent"] + add.rule)
        return
    place = _at(loaded, path)
    policy = _POLICY.match(lines[place])
    if policy is None:
        raise _by_hand(loaded, path, add)
    indent = policy["indent"]
    lines[place : place + 1] = [
        f"{indent}policy:",
        f"{indent}  rules:",
        f"{indent}    {add.rule}",
        f"{indent}    - {{name: rest, use: {policy['policy']}}}",
    ]


def _put_lists(lines: list[str], loaded: LoadedConfig, route: str, add: Written) -> None:
    if not add.lists:
        return
    told = [f"{name}: {phrases}" for name, phrases in add.lists.items()]
    if not loaded.config.routes[route].lists:
        place = _at(loaded, ("routes", route, "policy"))
        indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
        lines[place:place] = [f"{indent}lists:", *(f"{indent}  {each}" for each in told)]
        return
    place = _at(loaded, ("routes", route, "lists"))
    lists = _LISTS.match(lines[place])
    if lists is None:
        raise _by_hand(loaded, ("routes", route, "lists"), add)
    if lists["flow"]:
        lines[place] = lines[place].replace("{", "{" + ", ".join(told) + ", ", 1)
    else:
        lines[place + 1 : place + 1] = [f"{lists['indent']}  {each}" for each in told]


def _at(loaded: LoadedConfig, path: tuple[str | int, ...]) -> int:
    return (loaded.document.line(path) or 1) - 1


def _by_hand(loaded: LoadedConfig, path: tuple[str | int, ...], add: Written) -> ConfigError:
    lists = "".join(f"\n  {name}: {phrases}" for name, phrases in add.lists.items())
    fix = f"Add by hand, before the rule that takes all the rest:\n  {add.rule}{lists}"
    return loaded.document.error(path, "it is written in a way that cannot be changed line by line.", fix)


def _listed(texts: Sequence[str]) -> str:
    return "[" + ", ".join(json.dumps(text, ensure_ascii=False) for text in texts) + "]"
