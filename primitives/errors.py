"""The errors that a user's own input can cause, each one line that says what was wrong and what would be right."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Something the user wrote is wrong; the message is meant for them and fits on one line."""


class ProgramError(UserError):
    """A program that is not one: bad text, an unknown function, an undefined variable, a wrong kind."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint such as `; did you mean `interp`?`, or the empty string where nothing known is near.

    >>> nearest("intrep", ["interp", "sign"])
    '; did you mean `interp`?'
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""
