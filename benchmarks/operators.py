"""Operators of the search among structures: how often each makes a known step between published optimizers.

`python -m benchmarks.operators` prints, for each step and operator, the share of drafts whose simplified form has the
wanted structure. A search will not make a step that no operator makes in a thousand drafts, so the table shows in
minutes, where a search takes half an hour, which operators are missing and which should be more frequent. The wanted
program is not among the donating incumbents, but may be part of the corpus.
"""

import argparse
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from primitives import PAPER, REGISTRY, Program, builtin, is_valid, live_part, parse
from search.algorithms import structure_of
from search.algorithms.structures.corpus import corpus
from search.algorithms.structures.operators import OPERATORS, Material
from search.algorithms.structures.prior import Prior
from search.engine import Draws
from search.settings import CORPUS
from simplify import simplify

_LONGER = 4  # longer drafts, in statements beyond the wanted program, are not simplified


def _written(body: str) -> Program:
    lines = "".join(f"    {line.strip()}\n" for line in body.split(";"))
    return parse(f"def train(w, g, m, v, lr):\n{lines}    return update, m, v\n")


SIGNUM_DECAY = _written("m = interp(g, m, 0.9); s = sign(m); d = w * 0.1; u = s + d; lr = lr * 0.01; update = u * lr")
TWO_BETAS = _written("c = interp(g, m, 0.9); s = sign(c); m = interp(g, m, 0.99); lr = lr * 0.01; update = s * lr")


def steps() -> list[tuple[str, Program, Program]]:
    """Name, program before and program after of each step."""
    known = dict(zip(CORPUS, corpus(CORPUS), strict=True)) | {"lion": builtin("lion")}
    known |= {"signum + decay": SIGNUM_DECAY, "two betas": TWO_BETAS}
    names = (
        ("sgd", "momentum"), ("momentum", "nesterov"), ("sgd", "rmsprop"), ("rmsprop", "adam"), ("adam", "adamw"),
        ("adamw", "signum"), ("adamw", "signum + decay"), ("signum", "signum + decay"), ("signum", "two betas"),
        ("signum + decay", "lion"), ("two betas", "lion"),
    )  # fmt: skip
    return [(f"{before} → {after}", known[before], known[after]) for before, after in names]


def share(
    name: str, before: Program, after: Program, drafts: int, programs: Sequence[Program], homologous: float = 0.0
) -> float:
    """Share of the drafts of one operator that are the wanted structure."""
    wanted = simplify(live_part(after)).program
    key, needed = structure_of(wanted), Counter(statement.primitive for statement in wanted.statements)
    incumbents = [builtin("adamw"), builtin("adam"), builtin("signum"), SIGNUM_DECAY, TWO_BETAS]
    others = [program for program in incumbents if structure_of(simplify(program).program) != key]
    material = Material(
        Prior([REGISTRY[row] for row in PAPER], programs, 0.35), others, programs, homologous=homologous
    )
    hits = 0
    for number in range(drafts):
        draft = OPERATORS[name](live_part(before), material, Draws(0, number))
        if draft is None or not is_valid(draft):
            continue
        bare = live_part(draft)
        found = Counter(statement.primitive for statement in bare.statements)
        if needed <= found and found.total() <= needed.total() + _LONGER:
            hits += structure_of(simplify(bare).program) == key
    return hits / drafts


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--drafts", type=int, default=1000, help="of each operator, for each step")
    parser.add_argument("--no-corpus", action="store_true", help="an empty corpus, and so a uniform prior")
    parser.add_argument("--homologous", type=float, default=0.0, help="share of homologous crossovers on the way")
    arguments = parser.parse_args()
    programs = () if arguments.no_corpus else corpus(CORPUS)
    table = Table("step", *OPERATORS, title=f"drafts that make the step, of {arguments.drafts:,}, in per cent")
    for name, before, after in steps():
        shares = [
            share(operator, before, after, arguments.drafts, programs, arguments.homologous) for operator in OPERATORS
        ]
        table.add_row(name, *(f"{100 * value:.2f}" if value else "" for value in shares))
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
