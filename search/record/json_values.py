"""Values for JSON, which has neither infinity nor NaN."""

import math
from typing import Any


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Convert a value for JSON: numbers that are not finite become `None`."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
