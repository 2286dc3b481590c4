"""Known optimizers that searches are run for, and how much of one a found program has."""

from collections.abc import Mapping
from dataclasses import dataclass

from selection import Derivation

CAUTIOUS = "cautious "  # prefix of variants that have the level of their family


@dataclass(frozen=True)
class Target:
    """A known optimizer with the levels on the way to it.

    Attributes:
        levels: what each level is; the last one is the target.
        families: level of each optimizer that `simplify` recognises; any other is at level 0.
        needs_decay: whether the last level needs decoupled weight decay; without it a program is one level lower.
    """

    levels: tuple[str, ...]
    families: Mapping[str, int]
    needs_decay: bool = False

    @property
    def highest(self) -> int:
        """The level of the target."""
        return len(self.levels) - 1

    def level(self, found: Derivation) -> int:
        """Level of a program, an index of `levels`, computed from the optimizer that it is or resembles."""
        known = found.recognised or found.resembles
        if known is None:
            return 0
        level = self.families.get(known.name.removeprefix(CAUTIOUS), 0)
        lacking = self.needs_decay and level == self.highest and not dict(known.constants).get("decay")
        return level - lacking

    def reached(self, found: Derivation) -> bool:
        """Whether a program is recognised as the target, without a remainder."""
        known = found.recognised
        return known is not None and not known.name.startswith(CAUTIOUS) and self.level(found) == self.highest


TARGETS = {
    "lion": Target(
        (
            "something else",
            "the sign of a momentum",
            "the sign of a momentum with two betas",
            "Lion: sign, two betas, decoupled decay",
        ),
        {"signum": 1, "lion": 3},
        needs_decay=True,
    ),
    "adam": Target(
        (
            "something else",
            "an average of the gradient or of its square",
            "Adam or AdamW: an average of the gradient over the root of one of its square",
        ),
        {"momentum": 1, "nesterov": 1, "rmsprop": 1, "adagrad": 1, "adam": 2, "adamw": 2},
    ),
}
