"""The table of claims as Markdown; its texts may come from a file of others, and are shown as text."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from primitives import printable

_LONGEST = 2000  # characters of a cell, more than any of our own has
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
        cells = [f"**{_cell(claim[key])}**" if key == "answer" else _cell(claim[key]) for key in _COLUMNS]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    r"""A text on one line, without markup: neither HTML, nor a link or an image, nor a further cell.

    >>> print(_cell("a | b <img src=x> ![x](http://x)"))
    a \| b &lt;img src=x&gt; !\[x\](http://x)
    """
    line = html.escape(printable(text, _LONGEST), quote=False).replace("\\", "\\\\")
    for sign in "|[]":
        line = line.replace(sign, f"\\{sign}")
    return line
