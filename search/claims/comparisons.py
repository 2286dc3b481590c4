"""Claims about losses after equal tuning: Lion against published optimizers, its parts, and the size of the batch.

Every optimizer is tuned with the same number of trials, several times, and compared on fresh seeds and the test split
(`selection.compare`). An estimate over several tasks is the mean over tasks for each tuning and seed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from proxy_tasks import Task, builtin_task, log_loss
from search.claims.claim import Answer, Claim, Estimate, Result, majority
from search.claims.entrants import FACTORIAL, PUBLISHED, SINGLE_BETA, entrant
from search.settings import ClaimSettings, ComparisonSettings
from selection import Optimizer, TrialRunner, TunedComparison, Verdict, compare

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
    "adafactor": "better than Adafactor in most tables",
    "sgd": "not compared",
}
_PARTS = {"sign": "the sign", "two_betas": "a second beta", "decay": "weight decay"}
LARGEST_FACTORIAL = 10  # largest size on which the variants of Lion and AdamW are trained
_SMALL_BATCH = 64  # below it, the paper sees no gain
_SMALL_GAIN = 0.02  # a gain (log loss ratio) that counts as none


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

    def sizes(self) -> Iterator[tuple[int, ComparisonSettings]]:
        """The sizes of tasks that are compared, each with its budget."""
        settings = self.settings
        for size, budget in ((1, settings.x1), (10, settings.x10), (100, settings.x100)):
            if budget is not None:
                yield size, budget


Families = dict[str, TunedComparison]  # comparisons of one size, by the smallest task of the family


def compare_families(measuring: Measuring, size: int, budget: ComparisonSettings) -> Families:
    """Compare all optimizers on all families in one size; the variants of Lion and AdamW up to `LARGEST_FACTORIAL`."""
    names = {*PUBLISHED} if size > LARGEST_FACTORIAL else {*PUBLISHED, *FACTORIAL, *SINGLE_BETA}
    found = {}
    for family in measuring.settings.tasks:
        task = builtin_task(family + _SIZES[size])
        found[family] = measuring.compare({name: entrant(name, task) for name in sorted(names)}, task, budget)
    return found


def against_published(size: int, families: Families) -> Result:
    """Claims about Lion and published optimizers, on tasks of one size."""
    rows = [
        {"family": family, "verdict": str(row.verdict), "optimizer": row.name, "log_ratio": row.log_ratio}
        | {"interval": list(row.interval), "trials": found.trials, "tunings": found.tunings, "seeds": found.seeds}
        for family, found in families.items()
        for row in found.standings
    ]
    claims = []
    for rival, paper in _RIVALS.items():
        estimate = _difference([*families.values()], LION, rival)
        claims.append(
            Claim(
                f"Lion reaches a lower loss than {rival} (×{size})",
                paper,
                f"{estimate.per_cent()} over {len(families)} families" + _counted(families, rival),
                estimate.answer(negative=True),
                "small networks; the interval holds for these families and not for others",
            )
        )
    for kind, tasks in _KINDS.items():
        chosen = [families[task] for task in tasks if task in families]
        if chosen:
            estimate = _difference(chosen, LION, ADAMW)
            claims.append(
                Claim(
                    f"{kind}: Lion reaches a lower loss than AdamW (×{size})",
                    _PAPER[kind],
                    estimate.per_cent(),
                    estimate.answer(negative=True),
                    "the loss of a small network, and not the measure of the paper",
                )
            )
    return Result(f"published x{size}", tuple(claims), {"size": size, "rows": rows})


def _counted(families: Mapping[str, TunedComparison], rival: str) -> str:
    """Number of families in which Lion is better or worse than AdamW, corrected for the number of optimizers."""
    if rival != ADAMW:
        return ""
    verdicts = [found[LION].verdict for found in families.values()]
    return f"; better in {verdicts.count(Verdict.BETTER)}, worse in {verdicts.count(Verdict.WORSE)}"


def _difference(compared: Sequence[TunedComparison], name: str, other: str) -> Estimate:
    """Mean log loss ratio of two optimizers over tasks."""
    return Estimate.of(_log_ratios(compared, name, other))


def _log_ratios(compared: Sequence[TunedComparison], name: str, other: str) -> np.ndarray:
    """Log loss ratios of two optimizers, mean over tasks, shape `(tunings, seeds)`."""
    with np.errstate(all="ignore"):
        tables = [log_loss(found.losses[name]) - log_loss(found.losses[other]) for found in compared]
        return np.asarray(np.mean(tables, axis=0))


def parts_of_lion(size: int, families: Families) -> Result:
    """Claims about what makes Lion better, on tasks of one size: one beta or two, the sign, the decay."""
    claims, effects, tables = [], [], [*families.values()]
    for name in SINGLE_BETA:
        estimate = _difference(tables, name, LION)
        claims.append(
            Claim(
                f"{name}, is worse than Lion (×{size})",
                "78.23 and 78.19 % (ViT-S), 79.54 and 79.90 % (ViT-B) with 0.9 and 0.99; Lion 79.46 and 80.77 %",
                f"{estimate.per_cent()} against Lion",
                estimate.answer(negative=False),
                "rate and decay are tuned; trainings here are short for a beta of 0.99",
            )
        )
    for part, what in _PARTS.items():
        estimate = Estimate.of(_effect(tables, part))
        effects.append({"part": part, "mean": estimate.mean, "low": estimate.low, "high": estimate.high})
        claims.append(
            Claim(
                f"{what} lowers the loss, on average over the other two parts (×{size})",
                "not asked",
                estimate.per_cent(),
                estimate.answer(negative=True),
                "mean effect in eight optimizers, all combinations of sign, two betas and decay",
            )
        )
    return Result(f"parts x{size}", tuple(claims), {"size": size, "effects": effects})


def _effect(compared: Sequence[TunedComparison], part: str) -> np.ndarray:
    """Mean effect of a part on the log loss, over tasks and the four combinations of the others."""
    pairs = [
        (name, other)
        for name, parts in FACTORIAL.items()
        for other, others in FACTORIAL.items()
        if getattr(parts, part) and parts._replace(**{part: False}) == others
    ]
    return np.asarray(np.mean([_log_ratios(compared, name, other) for name, other in pairs], axis=0))


def batch_sizes(measuring: Measuring) -> Result:
    """Claims about the size of the batch, at equal numbers of examples."""
    settings = measuring.settings
    sizes = sorted(settings.batches)
    claims, rows = [], []
    for name in settings.batch_tasks:
        base, tables = builtin_task(name), []
        for batch in sizes:
            entrants = {optimizer: entrant(optimizer, base) for optimizer in (LION, ADAMW)}
            found = measuring.compare(entrants, resized(base, batch), settings.batch_budget)
            tables.append(_log_ratios([found], LION, ADAMW))
        gains = dict(zip(sizes, map(Estimate.of, tables), strict=True))
        rows += [
            {"task": name, "batch": batch, "mean": gain.mean, "low": gain.low, "high": gain.high}
            for batch, gain in gains.items()
        ]
        slopes = np.polyfit(np.log2(sizes), np.reshape(tables, (len(tables), -1)), 1)[0]
        slope = Estimate.of(slopes.reshape(tables[0].shape))
        claims.append(
            Claim(
                f"the gain of Lion over AdamW grows with the batch ({name})",
                "best batch 4,096 for Lion, 256 for AdamW",
                f"{slope.per_cent()} for each doubling, from {sizes[0]} to {sizes[-1]:,}",
                slope.answer(negative=True),
                f"{base.batch * base.steps:,} examples in all, {resized(base, sizes[-1]).steps} steps of the largest",
            )
        )
        below = [gain for batch, gain in gains.items() if batch < _SMALL_BATCH]
        if below:
            claims.append(
                Claim(
                    f"no gain of Lion below a batch of {_SMALL_BATCH} ({name})",
                    f"no gain below {_SMALL_BATCH}",
                    f"a gain at {sum(gain.high < 0 for gain in below)} of {len(below)} such sizes",
                    majority([_no_gain(gain) for gain in below]),
                    "holds if the interval excludes a gain above 2 %",
                )
            )
    return Result("batches", tuple(claims), {"rows": rows})


def _no_gain(gain: Estimate) -> Answer:
    """Whether an interval of log loss ratios excludes a gain that matters."""
    return Answer.FAILS if gain.high < 0 else Answer.HOLDS if gain.low > -_SMALL_GAIN else Answer.OPEN


def resized(task: Task, batch: int) -> Task:
    """A task with another size of the batch and equal examples in all."""
    return replace(task, name=f"{task.name}_batch{batch}", batch=batch, steps=max(1, task.batch * task.steps // batch))
