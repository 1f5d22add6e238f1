"""What a verb is: a name, its arguments, one line of meaning, and the edit that it makes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NoReturn

Value = int | float | str
Convert = type[int] | type[float] | type[str]


class FaultSyntaxError(ValueError):
    """A fault is not written in the language of verbs; the message says what to write instead."""


class Stage(IntEnum):
    """When a verb acts. Verbs of one fault act in this order, whatever the order they are written in."""

    CONNECTION = 0
    """On the port or the connection, before or after a response."""
    ANSWER = 1
    """On what is said, before it is put into a dialect."""
    RESPONSE = 2
    """On the response as a whole: something else is said instead."""
    EVENT = 3
    """On the events of the body."""
    TIME = 4
    """On when the steps happen, and whether they do."""
    BYTES = 5
    """On the bytes of the body."""
    HEAD = 6
    """On the head and the framing."""


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument of a verb: required without a default, one of `choices` if there are any, else at least `least`."""

    name: str
    convert: Convert
    default: Value | None = None
    choices: tuple[str, ...] = ()
    least: float = -math.inf

    def read(self, text: str, verb: str) -> Value:
        """The value that `text` stands for.

        Raises:
            FaultSyntaxError: it stands for none.
        """
        if self.choices and text not in self.choices:
            self._refuse(text, verb)
        try:
            value = self.convert(text)
        except ValueError:
            self._refuse(text, verb)
        if not isinstance(value, str) and not value >= self.least:  # so written, no NaN passes
            raise FaultSyntaxError(f"{verb}: {self.name} must be at least {self.least:g}, not {text}")
        return value

    def _refuse(self, text: str, verb: str) -> NoReturn:
        names = {"int": "a whole number", "float": "a number", "str": "a text"}
        wanted = " or ".join(self.choices) or names[self.convert.__name__]
        raise FaultSyntaxError(f"{verb}: {self.name} must be {wanted}, not {text!r}")

    def __str__(self) -> str:
        shown = "|".join(self.choices) or self.name
        return shown if self.default is None else f"{self.name}={self.default if self.default != '' else repr('')}"


@dataclass(frozen=True, slots=True)
class Verb:
    """A row of the table of verbs.

    Attributes:
        name: what a fault is written with.
        stage: when it acts, and so what its edit is given: the answer, the script, or nothing.
        meaning: one line for people.
        args: its arguments, in order.
        edit: changes the answer or the script it is given; None where the connection itself asks for the verb.
        only: "stream" or "unary" where the verb makes no sense for the other and leaves it healthy, else "".
    """

    name: str
    stage: Stage
    meaning: str
    args: tuple[Arg, ...] = ()
    edit: Callable[..., Any] | None = None
    only: str = ""

    @property
    def signature(self) -> str:
        """`stall_after(n, s=30.0)`."""
        return f"{self.name}({', '.join(map(str, self.args))})" if self.args else self.name

    def fits(self, streamed: bool) -> bool:  # noqa: FBT001 - the one thing that `only` can ask
        """Whether the verb makes sense for a stream, or for a document."""
        return self.only in {"", "stream" if streamed else "unary"}

    def bind(self, written: list[str]) -> tuple[Value, ...]:
        """The values of all arguments, from what stands between the parentheses.

        Raises:
            FaultSyntaxError: too many, too few, unknown or unreadable arguments.
        """
        given: dict[str, Value] = {}
        known = {arg.name: arg for arg in self.args}
        for index, text in enumerate(written):
            name, named, value = text.partition("=")
            if not (named and name.strip().isidentifier()):
                name, value = (self.args[index].name if index < len(self.args) else "", text)
            if name.strip() not in known or name.strip() in given:
                raise FaultSyntaxError(f"{self.name}: no place for {text.strip()!r}; write {self.signature}")
            given[name.strip()] = known[name.strip()].read(value.strip(), self.name)
        return tuple(self._value(arg, given) for arg in self.args)

    def _value(self, arg: Arg, given: dict[str, Value]) -> Value:
        value = given.get(arg.name, arg.default)
        if value is None:
            raise FaultSyntaxError(f"{self.name}: {arg.name} is missing; write {self.signature}")
        return value
