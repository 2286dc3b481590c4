"""Errors that user input can cause. Each message is one line: what is wrong, and what is required."""

import difflib
from collections.abc import Iterable

from primitives.escaping import printable

_LONGEST_MESSAGE = 4000  # characters
_LONGEST = 100  # characters of a word that is compared; the comparison takes time quadratic in its length


class UserError(ValueError):
    r"""Raised for wrong input of the user. The message is one line of printable characters, also if it quotes others.

    >>> print(UserError("unknown program `best\x1b[31m`"))
    unknown program `best\x1b[31m`
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message, _LONGEST_MESSAGE))


class ProgramError(UserError):
    """Raised for an invalid program: bad text, an unknown function, an undefined variable, or a wrong kind."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Propose the known word that is most similar to a mistyped one.

    Returns:
        A hint to append to a message, or the empty string if no known word is similar.

    Example:
        >>> nearest("intrep", ["interp", "sign"])
        '; did you mean `interp`?'
    """
    if len(word) > _LONGEST:
        return ""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""
