"""A step of a derivation: an applied rule, and the changes that it may cause."""

from dataclasses import dataclass

SCORED = "scored"  # exactness of a step that was kept because training showed no difference


@dataclass(frozen=True)
class Step:
    """One step of a derivation.

    Attributes:
        rule: the rule, as a formula or in words.
        before: the formula or statement before the step.
        after: the formula or statement after the step; empty if it was dropped.
        exactness: the changes that the step may cause: a member of `Exactness`, or `SCORED`.
        note: further figures, such as the change of the log loss.
    """

    rule: str
    before: str
    after: str
    exactness: str
    note: str = ""

    @property
    def scored(self) -> bool:
        """Whether the step was kept because training showed no difference, and not because it is a rule."""
        return self.exactness == SCORED
