"""Kinds: the shape that a value has, as far as the language can tell values apart.

A value is one number for every weight (`TREE`), one number for every parameter array (`LEAF`), or one
number (`SCALAR`). Kinds are ordered, and broadcasting goes upwards only: `TREE * SCALAR` is a `TREE`, and
nothing but a reduction leads down again.
"""

from enum import IntEnum


class Kind(IntEnum):
    """Shape of a value; a larger member broadcasts over a smaller one."""

    SCALAR = 0
    LEAF = 1
    TREE = 2

    def __str__(self) -> str:
        return self.name.lower()


ANY = frozenset(Kind)
ONLY_TREE = frozenset({Kind.TREE})
ONLY_SCALAR = frozenset({Kind.SCALAR})
