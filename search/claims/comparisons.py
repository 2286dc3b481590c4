"""Claims about losses after equal tuning: Lion against published optimizers, and its parts.

Every optimizer is tuned with the same number of trials from generic constants, several times, and compared on fresh
seeds and the test split (`selection.compare`). The answer for several families is that of more than half of them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from proxy_tasks import Task
from search.claims.claim import Claim, Result
from search.claims.entrants import FACTORIAL, FIXED_BETAS, PUBLISHED, SINGLE_BETA, entrant, untuned
from search.claims.losses import Families
from search.settings import ClaimSettings, ComparisonSettings
from selection import Optimizer, TrialRunner, TunedComparison, compare

LION, ADAMW = "lion", "adamw"
_SIZES = {1: "", 10: "_x10", 100: "_x100"}
_KINDS = {
    "image classification": ("vit",),
    "language models": ("characters", "masked"),
    "diffusion": ("denoising",),
    "contrastive training": ("views",),
}
_PAPER = {
    "image classification": "ViT-B/16 on ImageNet: 77.44 against 75.48 % accuracy",
    "language models": "equal or better perplexity",
    "diffusion": "better FID",
    "contrastive training": "88.3 % zero-shot accuracy on ImageNet",
}
_RIVALS = {
    ADAMW: "ViT, up to +2 % accuracy over AdamW",
    "adam": "not compared",
    "adafactor": "better than Adafactor in most tables",
    "sgd": "not compared",
}
_PARTS = {"sign": "the sign", "two_betas": "a second beta", "decay": "weight decay"}
_SECOND_BETA = {"lion": "signum with decay", "adamw with a third beta": "adamw"}  # with, and without a second beta
LARGEST_FACTORIAL = 10  # largest size on which the variants of Lion and AdamW are trained


@dataclass(frozen=True)
class Measuring:
    """What the measurements of all claims share.

    Attributes:
        settings: tasks and budgets.
        runner: runs trials and records them.
        note: called with a line of text at the start of each phase.
    """

    settings: ClaimSettings
    runner: TrialRunner
    note: Callable[[str], None]

    def compare(self, entrants: Mapping[str, Optimizer], task: Task, budget: ComparisonSettings) -> TunedComparison:
        """Tune optimizers with equal budgets on a task, and compare them with AdamW."""
        return compare(entrants, task, **budget.model_dump(), runner=self.runner, report=self.note)


def sizes(settings: ClaimSettings) -> Iterator[tuple[int, ComparisonSettings]]:
    """The sizes of tasks that are compared, each with its budget."""
    for size, budget in ((1, settings.x1), (10, settings.x10), (100, settings.x100)):
        if budget is not None:
            yield size, budget


def compare_families(measuring: Measuring, size: int, budget: ComparisonSettings) -> Families:
    """Compare all optimizers on all families in one size; the variants of Lion and AdamW up to `LARGEST_FACTORIAL`."""
    names = {*PUBLISHED} if size > LARGEST_FACTORIAL else {*PUBLISHED, *FACTORIAL, *SINGLE_BETA, FIXED_BETAS}
    found = {}
    for family in measuring.settings.tasks:
        task = untuned(family + _SIZES[size])
        found[family] = measuring.compare({name: entrant(name) for name in sorted(names)}, task, budget)
    return Families(size, found)


def against_published(families: Families) -> Result:
    """Claims about Lion and published optimizers, on tasks of one size."""
    size = families.size
    claims = []
    for rival, paper in _RIVALS.items():
        found = families.contrast([LION], [rival])
        limit = _limit(families, "small networks; the interval holds for these families and not for others")
        claims.append(
            Claim(f"Lion reaches a lower loss than {rival} (×{size})", paper, found.text, found.answer, limit)
        )
    for kind, names in _KINDS.items():
        chosen = families.among(names)
        if chosen.compared:
            found = chosen.contrast([LION], [ADAMW])
            claims.append(
                Claim(
                    f"{kind}: Lion reaches a lower loss than AdamW (×{size})",
                    _PAPER[kind],
                    found.text,
                    found.answer,
                    _limit(families, "the loss of a small network, and not the measure of the paper"),
                )
            )
    return Result(f"published x{size}", tuple(claims), {"size": size, "rows": [*_rows(families)]})


def _rows(families: Families) -> Iterator[dict[str, object]]:
    """Difference of every optimizer to AdamW on every task."""
    for family, logs in families.each.items():
        compared = families.compared[family]
        budget = {"trials": compared.trials, "tunings": compared.tunings, "seeds": compared.seeds}
        for name in logs.tables:
            found = logs.contrast([name], [ADAMW])
            yield {"family": family, "optimizer": name, "log_ratio": found.mean} | {
                "interval": [found.low, found.high],
                "diverged": logs.diverged[name],
                **budget,
            }


def _limit(families: Families, text: str) -> str:
    """What a comparison does not show."""
    return text if families.tunings > 1 else f"{text}; one tuning: the interval covers seeds alone"


def parts_of_lion(families: Families) -> Result:
    """Claims about what makes Lion better, on tasks of one size: one beta or two, the sign, the decay."""
    size = families.size
    claims, effects = [], []
    for name in SINGLE_BETA:
        found = families.contrast([name], [FIXED_BETAS], negative=False)
        claims.append(
            Claim(
                f"{name}, is worse than with betas 0.9 and 0.99 (×{size})",
                "78.23 and 78.19 % (ViT-S), 79.54 and 79.90 % (ViT-B) with 0.9 and 0.99; Lion 79.46 and 80.77 %",
                found.text,
                found.answer,
                _limit(
                    families, "rate and decay are tuned, betas are not; trainings here are short for a beta of 0.99"
                ),
            )
        )
    for name, other in _SECOND_BETA.items():
        found = families.contrast([name], [other])
        claims.append(
            Claim(
                f"{name} reaches a lower loss than {other} (×{size})",
                "not asked; for Lion with fixed betas see above",
                found.text,
                found.answer,
                _limit(families, "all constants are tuned, the betas too"),
            )
        )
    for part, what in _PARTS.items():
        found = families.contrast(*_with_and_without(part))
        effects.append({"part": part, "mean": found.mean.mean, "low": found.mean.low, "high": found.mean.high})
        claims.append(
            Claim(
                f"{what} lowers the loss, on average over the other two parts (×{size})",
                "not asked",
                found.text,
                found.answer,
                _limit(families, "mean effect in eight optimizers, all combinations of sign, two betas and decay"),
            )
        )
    return Result(f"parts x{size}", tuple(claims), {"size": size, "effects": effects})


def _with_and_without(part: str) -> tuple[list[str], list[str]]:
    """The four optimizers of the factorial with a part, and the four without it."""
    having = [getattr(parts, part) for parts in FACTORIAL.values()]
    return (
        [name for name, has in zip(FACTORIAL, having, strict=True) if has],
        [name for name, has in zip(FACTORIAL, having, strict=True) if not has],
    )
