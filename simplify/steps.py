"""A step of a derivation: what was done to a program, and what it may have changed."""

from dataclasses import dataclass

SCORED = "scored"  # the exactness of a step that was kept because the program scored no worse


@dataclass(frozen=True)
class Step:
    """One step of a derivation.

    Attributes:
        rule: what was done, in ordinary notation or words.
        before: the formula or statement that it was done to.
        after: what it became; empty for what was dropped.
        exactness: what the step may change: a member of `Exactness`, or `SCORED`.
        note: further figures, such as the change of the score.
    """

    rule: str
    before: str
    after: str
    exactness: str
    note: str = ""
