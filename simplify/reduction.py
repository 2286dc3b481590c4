"""Ablation: removal of the parts of a program that make no difference in training.

Exact rules cannot remove a part with a small effect, such as a clip that is rarely active. An ablation removes a part,
trains the remaining program on the same seeds, and is kept if the two programs cannot be distinguished.

*The rule.* Let d be the mean over seeds of the difference in log loss to the original, paired by seed, and s the
standard error of the mean log loss of the original over these seeds. A change is kept if |d| ≤ s: training the original
with other seeds would change its loss as much.

- Every comparison is with the original, so that small deteriorations do not accumulate.
- The comparison is repeated at several scales of the schedule (1, 8 and 64 times `lr`). If the learning rate of a
  program is far too small, its weights hardly change, and every part would seem to have no effect. Scales at which the
  original diverges are skipped. Where the updates of the two programs agree on probes with the learning rates of the
  task, one comparison at these rates is enough: `tanh(lr)` is `lr` for every rate that the task has, and differs from
  it at 64 times the rate.
- A change that lowers the loss by more than s is not kept either, since the part has an effect. Better optimizers must
  come from the search and be judged on fresh seeds.

The order is greedy: changes that save most statements and slots are tried first. The first change that passes is kept,
and the next round starts from the new program.

Reduction is a generator that yields the trainings that it needs; its caller decides where they run.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from primitives import (
    LEARNING_RATE,
    UPDATE,
    Program,
    Statement,
    UserError,
    check,
    constant_text,
    float32,
    functional_hash,
    live,
)
from simplify.emission import Emission
from simplify.exact import Simplified, simplify
from simplify.notation import text
from simplify.probes import Conditions, agree
from simplify.rules import SHORT, rule_set
from simplify.steps import SCORED, Step
from simplify.terms import NARY, Graph, read

T = TypeVar("T")
Waiting = Generator[Any, Any, T]  # a computation that yields the trainings for which it waits
Score = Callable[[Sequence[Program]], Waiting[list[np.ndarray]]]

SCALES = (64.0, 8.0, 1.0)  # factors on the schedule; the most sensitive comparison comes first
_GRADIENTS = (1.0, 0.03, 30.0)  # sizes of the gradients at which updates are compared on probes
_DIGITS = 0.02  # largest relative change of a constant by rounding
_DISTANCE = 0.15  # the same for 1 − β, where β is the decay of an average


@dataclass(frozen=True)
class Verdict:
    """Comparison with the original at one scale of the schedule.

    Attributes:
        kept: whether the two programs cannot be distinguished.
        change: mean difference in log loss; not finite if training diverged.
        noise: largest difference that passes.
        scale: factor on the schedule.
    """

    kept: bool
    change: float
    noise: float
    scale: float

    def __str__(self) -> str:
        return f"log loss {self.change:+.4f} with lr × {self.scale:g}, ± {self.noise:.4f} is noise"


class Yardstick:
    """Compares programs with an original by the rule above.

    Args:
        score: `programs -> log losses` of each program, shape `(seeds,)`, always on the same seeds; not finite where
            training diverged.
        losses: log losses of the original at each scale of the schedule.
    """

    def __init__(self, score: Score, losses: dict[float, np.ndarray]) -> None:
        self._score = score
        self._losses = {scale: values for scale, values in losses.items() if np.all(np.isfinite(values))}
        if not self._losses:
            raise UserError("the program diverges on this task, so that no ablation can be compared with it")
        if min(len(values) for values in self._losses.values()) < 2:
            raise UserError("reduction needs at least 2 seeds to estimate the noise")

    @classmethod
    def of(cls, original: Program, score: Score, scales: Sequence[float] = SCALES) -> Waiting["Yardstick"]:
        """Train the original at each scale, and make its yardstick."""
        losses = yield from score([scaled(original, scale) for scale in scales])
        return cls(score, {scale: np.asarray(values, float) for scale, values in zip(scales, losses, strict=True)})

    @property
    def scales(self) -> tuple[float, ...]:
        """Scales at which the original does not diverge, the most sensitive first."""
        return tuple(self._losses)

    def judge(self, programs: Sequence[Program], scales: Sequence[float] = ()) -> Waiting[list[Verdict]]:
        """Verdict on each program at the first scale that distinguishes it from the original, or at the last scale."""
        verdicts: dict[int, Verdict] = {}
        left = list(range(len(programs)))
        for scale in scales or self.scales:
            scores = (yield from self._score([scaled(programs[index], scale) for index in left])) if left else []
            verdicts |= {index: self._verdict(values, scale) for index, values in zip(left, scores, strict=True)}
            left = [index for index in left if verdicts[index].kept]
        return [verdicts[index] for index in range(len(programs))]

    def _verdict(self, losses: np.ndarray, scale: float) -> Verdict:
        reference = self._losses[scale]
        noise = float(np.std(reference, ddof=1) / np.sqrt(len(reference)))
        change = float(np.mean(np.asarray(losses, float) - reference))
        return Verdict(bool(abs(change) <= noise), change, noise, scale)


def plain(score: Callable[[Program], np.ndarray]) -> Score:
    """Make a score that does not wait from a plain function, for `reduce` and `Yardstick` outside of a run."""

    def scores(programs: Sequence[Program]) -> Waiting[list[np.ndarray]]:
        yield from ()
        return [score(program) for program in programs]

    return scores


def at_once(work: Waiting[T]) -> T:
    """The result of a computation whose scores do not wait (see `plain`)."""
    try:
        next(work)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("the computation waits for a training; run it with a `TrialRunner`")


def scaled(program: Program, scale: float) -> Program:
    """The program with a factor on its learning rate."""
    if scale == 1:
        return program
    return program._replace(
        statements=(Statement(LEARNING_RATE, "multiply", (LEARNING_RATE, scale)), *program.statements)
    )


def reduce(
    program: Program,
    score: Score,
    tune: Callable[[Program], Waiting[Program]] | None = None,
    report: Callable[[str], None] = lambda what: None,
    width: int = 1,
    peak: float = 0.01,
) -> Waiting[Simplified]:
    """Simplify a valid program exactly, remove the parts that make no difference, and round its constants.

    Args:
        program: the original.
        score: `programs -> log losses` of each program, shape `(seeds,)`, always on the same seeds.
        tune: `program -> program` with tuned constants, which are kept if they score no worse.
        report: called with a line of text at the start of each phase.
        width: number of ablations that are scored at once; affects the time, not the result.
        peak: largest learning rate of the task.

    Raises:
        UserError: the original diverges on the task, or there are fewer than two seeds.
    """
    report("simplifying exactly")
    exact = simplify(program)
    yardstick = yield from Yardstick.of(program, score)
    best, steps, seen = exact.program, list(exact.steps), {functional_hash(exact.program)}
    while kept := (yield from _first_kept(best, _drafts(best, seen), yardstick, report, width, peak)):
        draft, note = kept
        steps += [Step(draft.what, draft.before, draft.after, SCORED, note), *draft.steps]
        best = draft.program
    if tune is not None:
        report("tuning the constants")
        tuned = yield from tune(best)
        before, after = yield from score([best, tuned])
        gain = float(np.mean(before) - np.mean(after))
        if tuned != best and gain >= 0:  # scored on seeds that the tuning did not use
            note = f"log loss {-gain:+.4f}"
            steps.append(Step("constants tuned", _constants(best), _constants(tuned), SCORED, note))
            best, yardstick = tuned, (yield from Yardstick.of(tuned, score, (1.0,)))
    report("rounding the constants")
    rounded = yield from _rounded(best, yardstick)
    if rounded != best:
        (verdict,) = yield from yardstick.judge([rounded], (min(yardstick.scales),))
        steps.append(Step("constants rounded", _constants(best), _constants(rounded), SCORED, str(verdict)))
    return Simplified(rounded, tuple(steps), {})


@dataclass(frozen=True)
class _Draft:
    """A shorter program, with the ablation that led to it and the exact steps that followed."""

    program: Program
    what: str
    before: str
    after: str
    steps: tuple[Step, ...]


def _first_kept(
    best: Program, drafts: list[_Draft], yardstick: Yardstick, report: Callable[[str], None], width: int, peak: float
) -> Waiting[tuple[_Draft, str] | None]:
    """The first draft that cannot be distinguished from the original, with a note; drafts of equal updates first."""
    alike = [draft for draft in drafts if 1.0 in yardstick.scales and _alike(best, draft.program, peak)]
    others = [draft for draft in drafts if draft not in alike]
    for group, scales, why in ((alike, (1.0,), f"; the updates agree at rates up to {peak:g}"), (others, (), "")):
        for start in range(0, len(group), width):
            together = group[start : start + width]
            report(f"{len(best.statements)} statements: without {together[0].before}")
            judged = yield from yardstick.judge([draft.program for draft in together], scales)
            for draft, verdict in zip(together, judged, strict=True):
                if verdict.kept:
                    return draft, f"{verdict}{why}"
    return None


def _alike(first: Program, second: Program, peak: float) -> bool:
    """Whether two programs give the same updates on probes with learning rates up to the peak."""
    return all(agree(first, second, conditions=Conditions(size, peak)) for size in _GRADIENTS)


def _length(program: Program) -> int:
    lines, slots = live(program)
    return len(lines) + len(slots)


def _drafts(program: Program, seen: set[str]) -> list[_Draft]:
    """Programs with one part dropped, shortest first; programs that compute the same occur once over all calls."""
    graph = Graph(rule_set(SHORT))
    roots = read(program, graph)
    drafts = []
    for what, node, new in _changes(graph, roots):
        changed = dict(zip(roots, graph.rebuilt(list(roots.values()), graph, {node: new}), strict=True))
        draft = Emission(graph, changed).program(program.slots)
        if check(draft) is not None or not live(draft).lines:
            continue
        found = simplify(draft)
        digest = functional_hash(found.program)
        if _length(found.program) < _length(program) and digest not in seen:
            seen.add(digest)
            drafts.append(_Draft(found.program, what, text(graph, node), text(graph, new), found.steps))
    return sorted(drafts, key=lambda draft: _length(draft.program))


def _changes(graph: Graph, roots: dict[str, int]) -> Iterator[tuple[str, int, int]]:
    """Ablations of a program: each with the dropped part and its replacement."""
    slots = [name for name in roots if name != UPDATE]
    for slot in slots:
        for other in slots:
            if other != slot:
                yield "slot merged with another", graph.leaf(slot), graph.leaf(other)
        yield "slot left out", graph.leaf(slot), graph.leaf(0.0)
    for node in graph.order(roots.values()):
        function, arguments, leaf = graph.nodes[node]
        if leaf is not None:
            continue
        if function in NARY:
            for place in range(len(arguments)):
                rest = arguments[:place] + arguments[place + 1 :]
                yield "operand left out", node, graph.make(function, rest)
        for argument in dict.fromkeys(arguments):
            yield "replaced by an argument", node, argument
        for constant in (0.0, 1.0):
            yield "replaced by a constant", node, graph.leaf(constant)


def _constants(program: Program) -> str:
    return ", ".join(constant_text(value) for *_, value in program.constants())


def _rounded(program: Program, yardstick: Yardstick) -> Waiting[Program]:
    """Round the constants, one after the other, to the fewest digits that stay within the noise."""
    values = [value for *_, value in program.constants()]
    scale = (min(yardstick.scales),)  # one is enough: changing a rate by a per cent is itself a change of scale
    for place, value in enumerate(values):
        for short in _shorter(value):
            draft = [*values[:place], short, *values[place + 1 :]]
            (verdict,) = yield from yardstick.judge([program.with_constants(draft)], scale)
            if verdict.kept:
                values = draft
                break
    return program.with_constants(values)


def _shorter(value: float) -> Iterator[float]:
    """A constant rounded to 1, 2, … digits, until nothing is rounded off."""
    for digits in range(1, 8):
        short = float32(float(f"{value:.{digits}g}"))
        if short == value:
            return
        near = abs(short - value) <= _DIGITS * abs(value)
        if 0.5 < abs(value) < 1:  # the decay of an average
            near &= abs(short) < 1 and abs(abs(short) - abs(value)) <= _DISTANCE * (1 - abs(value))
        if near:
            yield short
