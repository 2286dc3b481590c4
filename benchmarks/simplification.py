"""Success and error rates of simplification and ablation: `python -m benchmarks.simplification`.

Writes `docs/simplification.md`.
"""

from search.execution import pin_threads

pin_threads()

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from primitives import PEAK, Program, builtin, load_program, parse, structure_hash
from proxy_tasks import Trainer, builtin_task
from simplify import recognise, simplify
from simplify.yardstick import Yardstick, at_once, plain
from tests.tangles import PLAIN, tangle

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "simplification.md"
PRINTED = ROOT / "configs" / "lion_raw_printed.py"  # the paper's raw program; it multiplies `lr` to a peak of 1 first
TANGLES = 50  # obfuscated versions of each built-in program
GROUPS, SEEDS, FIRST = 10, 24, 50_000  # disjoint groups of seeds, seeds in each, and the first seed

_CLIP, _ARCSIN = "x = clip(g, lr)", "x = arcsin({})"
_LION = ("u = interp({0}, m, 0.9)", "m = interp({0}, m, 0.99821967)", "u = sign(u)")
_DECAY, _RATE = ("d = w * 0.46019784", "u = u + d"), ("r = lr * 0.00021717617", "update = u * r")


def _train(*lines: str) -> Program:
    """A program for a learning rate with a peak of 1, as that of the paper's raw program."""
    return parse(
        "\n    ".join(["def train(w, g, m, v, lr):", f"lr = lr * {1 / PEAK}", *lines, "return update, m, v\n"])
    )


def _lion(*before: str) -> Program:
    return _train(*before, *(line.format("x" if before else "g") for line in _LION), *_DECAY, *_RATE)


IDLE = {
    "arcsin": _lion(_CLIP),
    "clip": _lion(_ARCSIN.format("g")),
    "clip and arcsin": _lion(),
    "a nearly linear function (100 tanh(0.01 g))": _lion("x = g * 0.01", "x = tanh(x)", "x = x * 100.0"),
}
NEEDED = {
    "decay": _train(*(line.format("g") for line in _LION), *_RATE),
    "the fast beta": _train("m = interp(g, m, 0.99821967)", "u = sign(m)", *_DECAY, *_RATE),
    "the slow beta": _train("m = interp(g, m, 0.9)", "u = sign(m)", *_DECAY, *_RATE),
    "momentum": _train("u = sign(g)", *_DECAY, *_RATE),
    "sign": _train(*(line.format("g") for line in _LION[:2]), *_DECAY, *_RATE),
    "the schedule": _train(*(line.format("g") for line in _LION), *_DECAY, "update = u * 0.00021717617"),
}


def main() -> None:
    """Measure, print and write."""
    lines = [
        "# Simplification: measured success and error rates",
        "",
        "Written by `python -m benchmarks.simplification`.",
        "",
    ]
    lines += _tangles()
    lines += _errors()
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(TARGET.read_text(encoding="utf-8"))


def _tangles() -> list[str]:
    rows = []
    total: Counter[str] = Counter()
    for name in PLAIN:
        wanted = simplify(builtin(name)).program
        constants = [value for *_, value in wanted.constants()]
        counts: Counter[str] = Counter()
        times = []
        for seed in range(TANGLES):
            program = tangle(name, seed)
            begin = time.process_time()
            found = simplify(program).program
            times.append(time.process_time() - begin)
            same = structure_hash(found) == structure_hash(wanted) and np.allclose(
                [value for *_, value in found.constants()], constants, rtol=1e-4
            )
            counts["back"] += same
            answer = recognise(program)
            counts["recognised"] += answer is not None and answer.name == name
            counts["wrong"] += answer is not None and answer.name != name
        total += counts
        cells = [f"{counts[key]}" for key in ("back", "recognised", "wrong")]
        rows.append("| " + " | ".join([name, *cells, f"{np.median(times) * 1e3:.0f} ms"]) + " |")
    share = total["back"] / (TANGLES * len(PLAIN))
    return [
        "## Exact simplification of obfuscated programs",
        "",
        "A tangle is a built-in program with 5 to 25 inserted statements that change nothing.",
        f"There are {TANGLES} tangles of each program; exact rules alone simplify {share:.1%} of them to the form of",
        "the built-in program. *Simplified*: number of tangles that reach this form. *Wrong name*: number recognised",
        "as another optimizer.",
        "",
        "| program | simplified | recognised | wrong name | median CPU time |",
        "|---|--:|--:|--:|--:|",
        *rows,
        "",
    ]


def _errors() -> list[str]:
    original = load_program(str(PRINTED))
    kept: dict[str, list[bool]] = {name: [] for name in (*IDLE, *NEEDED)}
    changes: dict[str, list[float]] = {name: [] for name in kept}
    for group in range(GROUPS):
        first = FIRST + group * SEEDS
        score = plain(_score(Trainer(builtin_task("digits"), range(first, first + SEEDS))))
        yardstick = at_once(Yardstick.of(original, score))
        for name, program in (IDLE | NEEDED).items():
            (verdict,) = at_once(yardstick.judge([program]))
            kept[name].append(verdict.kept)
            changes[name].append(verdict.change / verdict.noise)

    def rows(names: Sequence[str]) -> list[str]:
        return [
            f"| {name} | {sum(kept[name])} of {GROUPS} | {min(changes[name]):+.1f} … {max(changes[name]):+.1f} |"
            for name in names
        ]

    refused = sum(not one for name in IDLE for one in kept[name])
    passed = sum(one for name in NEEDED for one in kept[name])
    return [
        "## Errors of scored ablation",
        "",
        "A part of the paper's raw program is removed, and the rule decides on `digits` whether the removal is kept.",
        f"It decides {GROUPS} times, on disjoint groups of {SEEDS} seeds. *Change*: lowest and highest change of the",
        "mean log loss over these groups, in standard errors, at the scale of the schedule that decided.",
        "",
        "| part without effect | removal kept | change |",
        "|---|--:|--:|",
        *rows(list(IDLE)),
        "",
        "| necessary part | removal kept | change |",
        "|---|--:|--:|",
        *rows(list(NEEDED)),
        "",
        f"Wrongly refused removals: {refused} of {GROUPS * len(IDLE)}. "
        f"Wrongly kept removals: {passed} of {GROUPS * len(NEEDED)}.",
    ]


def _score(trainer: Trainer) -> Callable[[Program], np.ndarray]:
    def score(program: Program) -> np.ndarray:
        return np.asarray(np.log(trainer.losses(program)))

    return score


if __name__ == "__main__":
    main()
