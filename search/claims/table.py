"""The table of claims as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

_COLUMNS = {"claim": "claim", "paper": "paper", "ours": "here", "answer": "answer", "limit": "limit"}


def markdown(results: Sequence[Mapping[str, Any]]) -> str:
    """One row for each claim.

    Args:
        results: groups as in `claims.json`.

    Example:
        >>> claim = {"claim": "half", "paper": "0.5", "ours": "0.50", "answer": "holds", "limit": ""}
        >>> print(markdown([{"claims": [claim]}]))
        | claim | paper | here | answer | limit |
        |---|---|---|---|---|
        | half | 0.5 | 0.50 | **holds** |  |
        <BLANKLINE>
    """
    lines = [f"| {' | '.join(_COLUMNS.values())} |", "|" + "---|" * len(_COLUMNS)]
    for claim in (claim for result in results for claim in result["claims"]):
        cells = [f"**{claim[key]}**" if key == "answer" else claim[key] for key in _COLUMNS]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
