"""The sentences of a report: the champion, its comparison with the baselines, and its origin."""

import math
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from proxy_tasks import Status
from search.record import CONFIG, ComparisonRow, Outcome, SummaryFile
from search.report.facts import Champion, Facts
from search.report.history import OUTCOMES, fate
from selection import FOUND, change_text, percent

_FEW = 5  # number of seeds below which the sentence says that they are few


class Verdict(NamedTuple):
    """The result of one comparison.

    Attributes:
        kind: `better`, `worse`, `unclear` or `diverged`; a class of the style sheet.
        text: a sentence.
    """

    kind: str
    text: str


def change(log_ratio: float, digits: int = 1) -> str:
    """Format a log loss ratio as the relative change of the loss.

    >>> change(-0.2231), change(float("nan"))
    ('−20.0 %', 'diverged')
    """
    return change_text(log_ratio, digits).replace("-", "−")


def interval(bounds: tuple[float, float]) -> str:
    """Both ends of an interval, as changes of the loss."""
    return " … ".join(map(change, bounds)) if all(map(math.isfinite, bounds)) else "–"


def number(value: float, digits: int = 4) -> str:
    """A number with a fixed number of digits, or a dash."""
    return f"{value:.{digits}f}".replace("-", "−") if math.isfinite(value) else "–"


def headline(champion: Champion) -> str:
    """The headline: the name of the champion if it is recognised."""
    if not champion.chosen:
        return f"Best program so far: {champion.verdict}"
    if champion.recognised:
        return f"The search found {optimizer(champion.recognised)}"
    if champion.resembles:
        return f"The search found {optimizer(champion.resembles)}"
    return "The search found an optimizer that is not among the known ones"


def optimizer(name: str) -> str:
    """The usual spelling of the name of an optimizer.

    >>> optimizer("adamw"), optimizer("rmsprop"), optimizer("lion, but for clip(g, lr) in place of g")
    ('AdamW', 'RMSProp', 'Lion, but for clip(g, lr) in place of g')
    """
    first, comma, rest = name.partition(",")
    usual = {"adamw": "AdamW", "rmsprop": "RMSProp", "sgd": "SGD", "adagrad": "AdaGrad", "adabelief": "AdaBelief"}
    return usual.get(first, first[:1].upper() + first[1:]) + comma + rest


def verdict(row: ComparisonRow) -> Verdict:
    """The result of a comparison with the tuned AdamW, as a sentence with its interval."""
    low, high = row.interval
    if not math.isfinite(row.log_ratio):
        return Verdict("diverged", f"On {row.task}, training with the champion diverged.")
    share = abs(percent(row.log_ratio))
    side = "lower" if row.log_ratio < 0 else "higher"
    sentence = f"On {row.task} its {row.split} loss is {share:.1f} % {side} than that of the tuned AdamW"
    kind = "better" if high < 0 else "worse" if low > 0 else "unclear"
    words = {
        "better": "the interval excludes zero, so it is better",
        "worse": "the interval excludes zero, so it is worse",
        "unclear": "the interval contains zero, so the difference is not significant",
    }
    few = f"; {len(row.per_seed)} seeds are few" if len(row.per_seed) < _FEW else ""
    sure = f"95 % interval {interval(row.interval)}, {len(row.per_seed)} seeds that the search has not used"
    return Verdict(kind, f"{sentence} ({sure}): {words[kind]}{few}.")


def verdicts(summary: SummaryFile) -> list[Verdict]:
    """A verdict for each task, on the test split."""
    return [verdict(row) for row in chosen(summary.comparison, FOUND, "test")]


def chosen(rows: Sequence[ComparisonRow], program: str, split: str) -> list[ComparisonRow]:
    """Rows of one program on one split."""
    return [row for row in rows if (row.program, row.split) == (program, split)]


def funnel(facts: Facts) -> Verdict | None:
    """The result of the funnel as a sentence; `None` if no stage was run."""
    summary = facts.summary
    if summary is None or not summary.stages:
        return None
    stages = f"{len(summary.stages)} stage{'s' if len(summary.stages) > 1 else ''}"
    tasks = ", ".join(summary.stages[-1].tasks)
    if summary.winner:
        return Verdict("better", f"Funnel, {stages}, up to {tasks}: {summary.winner} is better than the tuned AdamW.")
    return Verdict("unclear", f"Funnel, {stages}, up to {tasks}: no program is better than the tuned AdamW.")


def origin(facts: Facts) -> str:
    """The origin of the champion, and the size of the search."""
    champion = facts.champion
    if champion is None:
        return ""
    counts = facts.statistics
    tuned = " with its constants tuned afterwards" if champion.tuned else ""
    steps = max(len(facts.ancestors) - 1, 0)
    trained = counts["evaluated"] - counts["evaluated_by_status"].get(Status.UNSOUND, 0)
    return (
        f"It is candidate {champion.number:,} of repeat {champion.repeat}{tuned}, {steps} "
        f"change{'s' if steps != 1 else ''} of function away from the starting program. The search proposed "
        f"{counts['children']:,} programs and trained {trained:,} of them."
    )


def others(children: Sequence[Outcome]) -> str:
    """How many other children an ancestor had, and what became of them; empty where there were none."""
    if not children:
        return ""
    counts = Counter(fate(child) for child in children)
    parts = [f"{counts[name]:,} {text}" for name, text in OUTCOMES.items() if counts[name]]
    fitnesses = trained(children)
    best = f"; lowest fitness {number(min(fitnesses))}" if fitnesses else ""
    return f"{len(children):,} other child{'ren' if len(children) > 1 else ''}: {', '.join(parts)}{best}"


def trained(children: Sequence[Outcome]) -> list[float]:
    """Fitnesses of the candidates that were trained on all seeds."""
    return [row.fitness for row in children if fate(row) == "ok" and row.fitness is not None]


def commands(facts: Facts) -> Iterator[tuple[str, str]]:
    """Pairs of a purpose and a command."""
    run = shlex.quote(str(facts.run))
    if facts.champion is None or not facts.champion.chosen:
        yield "continue the run", f"optsearch resume {run}"
    else:
        yield "code for optax", f"optsearch export {run} --to optax --out optimizer.py"
        yield "code for PyTorch", f"optsearch export {run} --to torch --out optimizer_torch.py"
    yield "all programs, ancestors and counts", f"optsearch inspect {run}"
    if facts.summary is not None and not facts.summary.stages and facts.complete:
        yield "compare it with tuned baselines on larger tasks", f"optsearch select {run}"


def without_summary(champion: Champion, *, complete: bool) -> str:
    """How good the champion is, without the comparison that `summary.json` has."""
    if champion.chosen:
        missing = "The comparison with the tuned AdamW needs `summary.json`, which is missing or not valid."
        return f"Fitness on the seeds by which it was chosen: {number(champion.fresh)}. {missing}"
    state = "The search has ended, but its champion was not chosen yet" if complete else "The run has not ended"
    return f"{state}. Fitness in the search: {number(champion.fitness)}."


def snippet(facts: Facts) -> str:
    """Python code that uses the result in a training loop."""
    return (
        "import optsearch\n\n"
        f"found = optsearch.open({str(facts.run)!r}).best\n"
        "tx = found.to_optax()         # an optax.GradientTransformation\n"
        "state = tx.init(params)\n"
        "updates, state = tx.update(grads, state, params)"
    )


def again(facts: Facts) -> str:
    """The command that repeats the search."""
    return f"optsearch run {shlex.quote(str(facts.run / CONFIG))} --out {shlex.quote(f'{facts.run}-again')}"


class Answers(NamedTuple):
    """The main results of a run.

    Attributes:
        found: the headline, such as the recognised optimizer.
        program: the simplified program.
        good: comparison with the tuned AdamW: one sentence for each task, and one for the funnel.
        origin: the origin of the champion.
        notes: messages about parts that could not be read.
    """

    found: str
    program: str
    good: list[str]
    origin: str
    notes: list[str]


def answers(facts: Facts) -> Answers | None:
    """The main results of a run as sentences; `None` if no program was trained on all seeds."""
    champion, summary, held = facts.champion, facts.summary, funnel(facts)
    if champion is None:
        return None
    if summary is None:
        good = [without_summary(champion, complete=facts.complete)]
    else:
        good = [*(said.text for said in verdicts(summary)), *([held.text] if held else [])]
    return Answers(headline(champion), champion.simplified, good, origin(facts), list(facts.notes))
