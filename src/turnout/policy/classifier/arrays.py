"""Arrays as JSON values: their bytes in base64, so that they come back to the last digit and no code is run."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from turnout.features.ngrams import numpy

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

_KINDS: Final = frozenset({"<f8", "<f4", "<f2", "<u8", "<i4"})


def pack(array: Array) -> dict[str, Any]:
    """An array as a JSON object."""
    little = array.astype(array.dtype.newbyteorder("<"), order="C")
    return {
        "kind": little.dtype.str,
        "shape": list(little.shape),
        "base64": base64.b64encode(little.tobytes()).decode(),
    }


def unpack(given: Mapping[str, Any]) -> Array:
    """The array that `pack` wrote; it cannot be written to.

    Raises:
        ValueError: it is not one.
    """
    if given["kind"] not in _KINDS:
        raise ValueError(f"an array of the kind {given['kind']}, which is none of ours")
    raw = base64.b64decode(given["base64"], validate=True)
    flat: Array = numpy().frombuffer(raw, given["kind"])
    if len(flat) != math.prod(given["shape"]):
        raise ValueError("an array that is not of its own shape")
    return flat.reshape(given["shape"])
