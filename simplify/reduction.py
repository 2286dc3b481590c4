"""Scored reduction: what can be left out of a program without a difference that training would show.

Exact rules cannot drop what matters little, such as a clip that hardly ever binds. Here a part of the program is left
out, the rest is trained again on the same seeds, and the change is kept where the two cannot be told apart.

*The rule.* Let d be the mean over seeds of the difference in log loss to the original, paired by seed, and s the
standard error of the original's own mean log loss over these seeds. A change is kept if |d| <= s: whoever trained the
original again with other seeds would see as large a difference. Three things keep this honest. The comparison is
always with the original, so that small losses do not add up. It is made at several scales of the schedule (1, 8 and
64 times `lr`), since a program whose rate does not suit the task hardly moves, and then no part of it matters; a
scale at which the original diverges is left out. And it cuts both ways: a part whose loss makes the program *better*
was not idle either, and a better optimizer is for the search to propose and for fresh seeds to judge.

Greedy: what saves most statements and slots is tried first, the first change that is kept is made, and all over again.

Who trains, and where, is not decided here: reduction is a generator around the scores that it is handed, and waits
where they wait.
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
from simplify.rules import SHORT, rule_set
from simplify.steps import SCORED, Step
from simplify.terms import NARY, Graph, read

T = TypeVar("T")
Waiting = Generator[Any, Any, T]  # a computation that waits for trainings, in whatever way its caller understands
Score = Callable[[Sequence[Program]], Waiting[list[np.ndarray]]]

SCALES = (64.0, 8.0, 1.0)  # of the schedule, those that tell most first
_DIGITS = 0.02  # relative change of a constant that rounding may make
_DISTANCE = 0.15  # the same for the distance to 1 of a rate of averaging


@dataclass(frozen=True)
class Verdict:
    """Comparison with the original at one scale of the schedule.

    Attributes:
        kept: whether the two cannot be told apart.
        change: mean difference in log loss; not finite where training diverged.
        noise: the largest difference that passes.
        scale: of the schedule.
    """

    kept: bool
    change: float
    noise: float
    scale: float

    def __str__(self) -> str:
        return f"log loss {self.change:+.4f} with lr × {self.scale:g}, ± {self.noise:.4f} is noise"


class Yardstick:
    """Tells programs from an original by the rule above.

    Args:
        score: `programs -> log loss of each seed` for each, shape `(seeds,)`, always on the same seeds; not finite
            where training diverged.
        losses: those of the original at each scale of the schedule.
    """

    def __init__(self, score: Score, losses: dict[float, np.ndarray]) -> None:
        self._score = score
        self._losses = {scale: values for scale, values in losses.items() if np.all(np.isfinite(values))}
        if not self._losses:
            raise UserError("the program diverges on this task, so nothing can be compared with it")
        if min(len(values) for values in self._losses.values()) < 2:
            raise UserError("reduction needs at least 2 seeds, to know what is noise")

    @classmethod
    def of(cls, original: Program, score: Score, scales: Sequence[float] = SCALES) -> Waiting["Yardstick"]:
        """The yardstick that comparisons with `original` need."""
        losses = yield from score([scaled(original, scale) for scale in scales])
        return cls(score, {scale: np.asarray(values, float) for scale, values in zip(scales, losses, strict=True)})

    @property
    def scales(self) -> tuple[float, ...]:
        """Scales at which the original can be trained, those that tell most first."""
        return tuple(self._losses)

    def judge(self, programs: Sequence[Program], scales: Sequence[float] = ()) -> Waiting[list[Verdict]]:
        """The verdict on each program at the first scale that tells it from the original, or else at the last scale."""
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
    """A score that is there at once, for `reduce` and `Yardstick` outside of a run; see `at_once`."""

    def scores(programs: Sequence[Program]) -> Waiting[list[np.ndarray]]:
        yield from ()
        return [score(program) for program in programs]

    return scores


def at_once(work: Waiting[T]) -> T:
    """The result of a computation whose scores never wait."""
    try:
        next(work)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("it waits for somebody to train")


def scaled(program: Program, scale: float) -> Program:
    """The program as it would be with a larger learning rate."""
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
) -> Waiting[Simplified]:
    """Simplify a valid program exactly, then leave out what makes no difference, then round its constants.

    Args:
        program: the original.
        score: `programs -> log loss of each seed` for each, always on the same seeds.
        tune: `program -> program` with better constants, kept before rounding if they score no worse.
        report: called with what is being done.
        width: how many drafts are scored at once; it changes nothing but the time.

    Raises:
        UserError: the original cannot be trained on the task.
    """
    report("simplifying exactly")
    exact = simplify(program)
    yardstick = yield from Yardstick.of(program, score)
    best, steps, seen = exact.program, list(exact.steps), {functional_hash(exact.program)}
    while True:
        drafts = _drafts(best, seen)
        for start in range(0, len(drafts), width):
            together = drafts[start : start + width]
            report(f"{len(best.statements)} statements: without {together[0].before}")
            judged = yield from yardstick.judge([draft.program for draft in together])
            kept = next(((d, verdict) for d, verdict in zip(together, judged, strict=True) if verdict.kept), None)
            if kept:
                draft, verdict = kept
                steps += [Step(draft.what, draft.before, draft.after, SCORED, str(verdict)), *draft.steps]
                best = draft.program
                break
        else:
            break
    if tune is not None:
        report("tuning the constants")
        tuned = yield from tune(best)
        before, after = yield from score([best, tuned])
        gain = float(np.mean(before) - np.mean(after))
        if tuned != best and gain >= 0:  # not on the seeds that it was tuned on
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
    """A shorter program: what was done, to what, and the exact steps that followed."""

    program: Program
    what: str
    before: str
    after: str
    steps: tuple[Step, ...]


def _length(program: Program) -> int:
    lines, slots = live(program)
    return len(lines) + len(slots)


def _drafts(program: Program, seen: set[str]) -> list[_Draft]:
    """Programs with a part left out, shortest first; each function of weights only once, over all calls."""
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
    """What may be left out: the part, and what stands in its place."""
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
    """Constants with the fewest digits, one after the other, where that stays within the noise."""
    values = [value for *_, value in program.constants()]
    scale = (min(yardstick.scales),)  # a rate changed by a per cent is another scale of the schedule, and nothing else
    for place, value in enumerate(values):
        for short in _shorter(value):
            draft = [*values[:place], short, *values[place + 1 :]]
            (verdict,) = yield from yardstick.judge([program.with_constants(draft)], scale)
            if verdict.kept:
                values = draft
                break
    return program.with_constants(values)


def _shorter(value: float) -> Iterator[float]:
    """A constant with more and more digits, as long as that is not the constant itself."""
    for digits in range(1, 8):
        short = float32(float(f"{value:.{digits}g}"))
        if short == value:
            return
        near = abs(short - value) <= _DIGITS * abs(value)
        if 0.5 < abs(value) < 1:  # a rate of averaging
            near &= abs(short) < 1 and abs(abs(short) - abs(value)) <= _DISTANCE * (1 - abs(value))
        if near:
            yield short
