"""Kinds: the shape of a value, as far as the language distinguishes shapes.

A value is one number for every weight (`TREE`), one number for every parameter array (`LEAF`), or one number
(`SCALAR`). Kinds are ordered, and a smaller one broadcasts to a larger one: `TREE * SCALAR` is a `TREE`. Only
reductions (`norm`, `dot`, …) lead from a larger kind to a smaller one.
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
