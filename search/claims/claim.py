"""Claims of the paper and the answers to them, as plain values."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from selection import TuningVariance, interval


class Answer(StrEnum):
    """Whether a claim holds at the scale of the tasks here."""

    HOLDS = "holds"
    FAILS = "does not hold"
    OPEN = "cannot tell"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Claim:
    """One row of the table of claims.

    Attributes:
        claim: what the paper states.
        paper: its figure.
        ours: the figure measured here, with its 95 % interval where there is one.
        answer: whether the claim holds here.
        limit: what the measurement does not show.
    """

    claim: str
    paper: str
    ours: str
    answer: Answer
    limit: str = ""


@dataclass(frozen=True)
class Result:
    """Result of a group of claims.

    Attributes:
        name: name of the group.
        claims: the rows of the table.
        data: measured values, for tables and figures, as JSON values.
    """

    name: str
    claims: tuple[Claim, ...]
    data: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "name": self.name,
            "claims": [asdict(claim) | {"answer": str(claim.answer)} for claim in self.claims],
            "data": self.data,
        }


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % confidence interval."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: np.ndarray, pooled: TuningVariance | None = None) -> "Estimate":
        """The mean of differences between two optimizers, or of other values that vary between seeds.

        Args:
            values: shape `(seeds,)` or `(tunings, seeds)`.
            pooled: variance between tunings of one optimizer, as for `interval`; with two to four tunings, the values
                alone give a poor estimate of it.
        """
        return cls(float(np.mean(values)), *interval(np.asarray(values, float), pooled=pooled))

    def answer(self, *, negative: bool) -> Answer:
        """Whether the mean is negative, or positive, as far as the interval tells."""
        low, high = (self.low, self.high) if negative else (-self.high, -self.low)
        if not (np.isfinite(low) and np.isfinite(high)):
            return Answer.OPEN
        return Answer.HOLDS if high < 0 else Answer.FAILS if low > 0 else Answer.OPEN

    def per_cent(self) -> str:
        """The change of a loss, from a log loss ratio: `−5.1 % (−8.0 … −2.1)`."""
        return _with_interval(*(100 * np.expm1(value) for value in (self.mean, self.low, self.high)))

    def as_share(self) -> str:
        """A share, such as 0.051, as `+5.1 % (+2.0 … +8.2)`."""
        return _with_interval(*(100 * value for value in (self.mean, self.low, self.high)))


def _with_interval(mean: float, low: float, high: float) -> str:
    if not np.isfinite(mean):
        return "diverged"
    return f"{mean:+.1f} % ({low:+.1f} … {high:+.1f})".replace("-", "−").replace("inf", "∞")


def majority(answers: Sequence[Answer]) -> Answer:
    """One answer for several measurements of a claim: that of more than half of them, otherwise open."""
    for answer in (Answer.HOLDS, Answer.FAILS):
        if 2 * sum(one is answer for one in answers) > len(answers):
            return answer
    return Answer.OPEN
