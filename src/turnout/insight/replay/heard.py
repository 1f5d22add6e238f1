"""Which phrases stand in a query that nobody kept: what can still be said by the phrases that were looked for then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from turnout.features.phrases import PhraseLists
from turnout.policy.base import NotKnown

_ASSUMED: Final = "(a phrase that nobody looked for)"
Lists = Mapping[str, tuple[str, ...]]


class Heard(dict[str, str]):
    """What matches of a route's lists, as far as it is known; a policy that asks for more is told so.

    Args:
        known: for each list that is known to match, a phrase.
        unknown: the lists of which nothing is known.
    """

    def __init__(self, known: Mapping[str, str], unknown: frozenset[str]) -> None:
        super().__init__(known)
        self._unknown = unknown

    def __contains__(self, name: object) -> bool:
        """Whether the list matches.

        Raises:
            NotKnown: nobody can say.
        """
        if name in self._unknown:
            raise NotKnown(f"list:{name}")
        return super().__contains__(name)

    def assuming(self, assumed: Mapping[str, bool]) -> Heard:
        """The same, if some of the unknown lists match and some do not."""
        known = {**self, **{name: _ASSUMED for name, holds in assumed.items() if holds}}
        return Heard(known, self._unknown - assumed.keys())


class Hearing:
    """What recorded matches say of the lists of a route.

    A phrase that was found is in the query. A list that did not match had none of its phrases in the query. From both
    follows what another list would have found, but for phrases that nobody looked for.

    Args:
        then: the lists when the requests were decided; None if they are not known.
        now: the lists that are asked for.
    """

    def __init__(self, then: Lists | None, now: PhraseLists) -> None:
        self._then = None if then is None else {name: _folded(phrases) for name, phrases in then.items()}
        self._now = {name: _folded(phrases) for name, phrases in now.lists.items()}
        self._unchanged = self._then == self._now
        self._lists = now
        self._absent: dict[frozenset[str], frozenset[str]] = {}

    def heard(self, matches: Mapping[str, str], query: Callable[[], str | None]) -> Mapping[str, str]:
        """What matches now.

        Args:
            matches: what matched then.
            query: the text, where it was kept.
        """
        if self._unchanged:
            return matches
        found = {_fold(phrase): phrase for phrase in matches.values()}
        absent = self._absent_of(frozenset(matches))
        known: dict[str, str] = {}
        unknown = set()
        for name, phrases in self._now.items():
            present = next((said for folded, said in found.items() if folded in phrases), None)
            if present is not None:
                known[name] = present
            elif not phrases <= absent:
                unknown.add(name)
        if not unknown:
            return known
        text = query()
        return Heard(known, frozenset(unknown)) if text is None else self._lists.matches(text)

    def _absent_of(self, matched: frozenset[str]) -> frozenset[str]:
        """The phrases that were looked for then and not found."""
        if matched not in self._absent:
            silent = (phrases for name, phrases in (self._then or {}).items() if name not in matched)
            self._absent[matched] = frozenset().union(*silent)
        return self._absent[matched]


def _folded(phrases: Iterable[str]) -> frozenset[str]:
    return frozenset(map(_fold, phrases))


def _fold(phrase: str) -> str:
    return " ".join(phrase.casefold().split())
