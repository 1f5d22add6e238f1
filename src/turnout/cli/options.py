"""Options that belong together, declared once as a dataclass and taken by a command as one parameter."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, get_type_hints


def spread(parameter: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Show a parameter that is a dataclass to typer as one option for each of its fields.

    Args:
        parameter: the parameter's name; the dataclass's fields are annotated as typer's parameters are.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(command, include_extras=True)
        group = hints.pop(parameter)
        fields = get_type_hints(group, include_extras=True)

        @wraps(command)
        def run(**given: Any) -> None:
            command(**{parameter: group(**{name: given.pop(name) for name in fields})}, **given)

        own = [each for each in inspect.signature(command).parameters.values() if each.name != parameter]
        shown = [each.replace(kind=each.KEYWORD_ONLY, annotation=hints[each.name]) for each in own]
        shown += [_option(field, fields[field.name]) for field in dataclasses.fields(group)]
        run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined] # what inspect looks for
        run.__annotations__ = {each.name: each.annotation for each in shown}
        del run.__wrapped__  # or typer would look through it at the command's own
        return run

    return decorate


def _option(field: dataclasses.Field[Any], annotation: Any) -> inspect.Parameter:
    default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
