"""Types and ranges of what a journal holds, which may come from others: columns of a candidate, metadata.

SQLite stores a value of any type in any column, and hashes that match say nothing about types.
"""

import json
import math
from collections.abc import Sequence
from itertools import product
from typing import Any

from proxy_tasks import Status

_NOTHING = type(None)
_INTEGER, _TEXT, _BYTES = (int,), (str,), (bytes,)
_MAYBE, _REAL = (int, _NOTHING), (float, _NOTHING)
_TYPES = (
    *(_INTEGER, _INTEGER, _MAYBE, _TEXT, _TEXT, _TEXT, _REAL, _REAL, _TEXT, _TEXT, _MAYBE, _TEXT, _BYTES),
    *(_INTEGER, _INTEGER, _INTEGER, _INTEGER, _TEXT, (bytes, _NOTHING), _BYTES),
)  # of the columns of `candidate_table.SCHEMA`
_KNOWN = frozenset(product(*_TYPES))
_FITNESSES, _STATUS, _LOSSES, _PROBE = (6, 7), 8, 17, 18
_STATUSES = frozenset(Status)
LARGEST_RATIO = 700.0  # largest log ratio of losses; exp(710) overflows
_LARGEST_LOSS = 3.5e38  # above every float32


def check_columns(values: Sequence[Any]) -> dict[str, Any]:
    """Check the columns of a candidate.

    Returns:
        The column `losses`, parsed.

    Raises:
        ValueError: a column has another type or range than `append` writes.
    """
    if tuple(map(type, values)) not in _KNOWN:
        raise ValueError("a column of another type")
    if not all(values[place] is None or abs(values[place]) <= LARGEST_RATIO for place in _FITNESSES):
        raise ValueError("a fitness that is no log ratio of losses")
    if values[_STATUS] not in _STATUSES or len(values[_PROBE] or b"") % 4:
        raise ValueError("a status or a probe of another kind")
    losses = parsed(values[_LOSSES])
    if not isinstance(losses, dict) or not all(map(are_losses, losses.values())):
        raise ValueError("losses of another kind")
    return losses


def parsed(text: Any) -> Any:  # noqa: ANN401 - a column of any type; plain values of any shape
    """Parse JSON; raises `ValueError` also if it is nested too deeply or no text."""
    try:
        return json.loads(text)
    except (RecursionError, TypeError) as error:
        raise ValueError(f"no JSON: {error}") from None


def is_yardstick(value: Any) -> bool:  # noqa: ANN401 - plain values of any shape
    """Whether a value has the form of the `yardstick` of a run, as far as it is shown."""
    return isinstance(value, dict) and all(map(_is_measure, value.values()))


def _is_measure(row: Any) -> bool:  # noqa: ANN401 - plain values of any shape
    return (
        isinstance(row, dict)
        and _is_number(row.get("noise"))
        and _is_number(row.get("share") or 1.0)
        and isinstance(row.get("data") or "", str)
    )


def _is_number(value: Any) -> bool:  # noqa: ANN401 - plain values of any shape
    return type(value) in (int, float) and math.isfinite(value) and abs(value) <= _LARGEST_LOSS


def are_losses(row: Any) -> bool:  # noqa: ANN401 - plain values of any shape
    """Whether a row has finite losses, infinite ones, or none where training diverged."""
    return isinstance(row, list) and all(
        one is None or (type(one) in (int, float) and (abs(one) <= _LARGEST_LOSS or one == math.inf)) for one in row
    )
