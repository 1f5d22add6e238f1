"""What targets cost for the same requests: never the mean of whatever each was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from turnout.ledger.store import Store

_TINY: Final = 1e-9
"""Below this share of its scale a pivot says that sizes are too much alike to tell two prices apart."""
_SAME: Final = 0.02
"""How far the parts of a target's tokens may be from the whole traffic's, to be taken as the same mix."""
_MISFIT: Final = 0.1
"""How far costs may be from what the prices found for a target make of its tokens, root mean square."""
_I, _K, _O = "1.0 * (input_tokens - cached_tokens)", "1.0 * cached_tokens", "1.0 * output_tokens"
_PAIRS: Final = ((_I, _I), (_I, _K), (_I, _O), (_K, _K), (_K, _O), (_O, _O))
_SUMS: Final = ", ".join(
    f"sum({one} * {other})"
    for one, other in (*_PAIRS, *((each, "cost") for each in (_I, _K, _O)), ("1.0 * cost", "cost"))
)
_ANSWERS: Final = f"""
SELECT target, sum(CASE WHEN purpose = 'answer' THEN 1 ELSE 0 END),
    sum(CASE WHEN purpose = 'answer' THEN input_tokens - cached_tokens ELSE 0 END),
    sum(CASE WHEN purpose = 'answer' THEN cached_tokens ELSE 0 END),
    sum(CASE WHEN purpose = 'answer' THEN output_tokens ELSE 0 END),
    sum(input_tokens - cached_tokens), sum(cached_tokens), sum(output_tokens), sum(cost), {_SUMS}
FROM attempts AS a JOIN (
    SELECT id FROM decisions WHERE time >= ? AND time < ?
    UNION ALL SELECT s.id FROM shadows AS s JOIN decisions AS d ON d.id = s.decision WHERE d.time >= ? AND d.time < ?
) AS seen ON seen.id = a.decision
WHERE purpose IN ('answer', 'shadow') AND outcome = 'answered' AND cost IS NOT NULL
GROUP BY target"""  # noqa: S608 - our own columns


class Compared(NamedTuple):
    """What the whole traffic costs at each target's own prices.

    Attributes:
        answers: how many answers callers got, by target; none of a target that was only asked beside.
        usd: of each target that can be compared.
        unlike: the targets that cannot.
    """

    answers: dict[str, int]
    usd: dict[str, float]
    unlike: tuple[str, ...]


def compared(store: Store, period: tuple[int, int]) -> Compared:
    """What the same tokens, all that callers were answered with, cost at the prices of each target.

    A target's prices are recovered from what its own answers cost, by least squares over plain input, cached input and
    output tokens: exact where prices were constant. Where all its requests are of one shape their prices cannot be
    told apart; then it can be compared only if the whole traffic is of that shape too.

    Args:
        store: the ledger.
        period: since and until, ms since 1970.
    """
    rows = [(target, [float(each or 0) for each in sums]) for target, *sums in store.rows(_ANSWERS, period * 2)]
    whole = [sum(sums[place] for _, sums in rows) for place in (1, 2, 3)]
    found = {target: _cost(sums[4:], whole) for target, sums in rows}
    return Compared(
        answers={target: int(sums[0]) for target, sums in rows},
        usd={target: usd for target, usd in found.items() if usd is not None},
        unlike=tuple(sorted(target for target, usd in found.items() if usd is None)),
    )


def _cost(sums: Sequence[float], whole: Sequence[float]) -> float | None:
    """What `whole` costs at the prices that a target's sums tell; None where they do not tell."""
    own, cost, squares = sums[:3], sums[3], sums[4:]
    if not cost:
        return 0.0
    prices = _prices(squares, [place for place in range(3) if own[place]])
    if prices is None or any(need and not had for need, had in zip(whole, own, strict=True)):
        return cost * sum(whole) / sum(own) if _same_mix(own, whole) else None
    return sum(price * tokens for price, tokens in zip(prices, whole, strict=True))


def _same_mix(own: Sequence[float], whole: Sequence[float]) -> bool:
    total, all_of_them = sum(own), sum(whole)
    if not total or not all_of_them:
        return False
    return all(
        abs(one / total - other / all_of_them) <= _SAME * other / all_of_them
        for one, other in zip(own, whole, strict=True)
    )


def _prices(squares: Sequence[float], used: Sequence[int]) -> list[float] | None:
    """The prices of the three kinds of tokens by the normal equations; None where these have no answer that fits."""
    ii, ik, io, kk, ko, oo, ic, kc, oc, cc = squares
    full, right = ((ii, ik, io), (ik, kk, ko), (io, ko, oo)), (ic, kc, oc)
    rows = [[*(full[one][other] for other in used), right[one]] for one in used]
    for place, row in enumerate(rows):
        scale = full[used[place]][used[place]]
        if row[place] <= _TINY * scale:
            return None
        for lower in rows[place + 1 :]:
            factor = lower[place] / row[place]
            lower[:] = [one - factor * other for one, other in zip(lower, row, strict=True)]
    prices = [0.0, 0.0, 0.0]
    for place in reversed(range(len(rows))):
        row = rows[place]
        known = sum(row[later] * prices[used[later]] for later in range(place + 1, len(rows)))
        prices[used[place]] = (row[-1] - known) / row[place]
    left = cc - sum(price * each for price, each in zip(prices, right, strict=True))
    return prices if min(prices) >= -_TINY * max(prices) and left <= _MISFIT**2 * cc else None
