"""The commands on a single program: `simplify` and `export`."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from primitives import BUILTINS, UserError, escaped, load_program, origin_of, printable
from primitives import export as exported
from search.commands import tables
from search.commands.output import as_json, emit, example, plugins, say, trust
from search.commands.parameters import PROGRAM, TARGET, TASK
from search.commands.screen import Screen, echo
from search.record import SIMPLIFIED, check_regular, whole_file, write_text
from search.running import load_tasks
from search.settings import load_plugins
from selection import DERIVATION_SEEDS, REDUCTION_SEEDS, TUNING_SEEDS, Derivation, FitnessOnSeeds, derive
from simplify import hyperparameters


@click.command(epilog=example("optsearch simplify lion_raw --out simplified.py"))
@click.argument("program", type=PROGRAM)
@plugins
@click.option(
    "--task",
    "tasks",
    multiple=True,
    type=TASK,
    help="Also remove parts that make no difference in training on this task, or the tasks of a config; repeatable.",
)
@click.option(
    "--seeds",
    type=click.IntRange(2),
    default=DERIVATION_SEEDS,
    show_default=True,
    help="Networks trained for each program.",
)
@click.option("--tune", type=click.IntRange(0), default=0, show_default=True, help="Trials to tune the constants.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the simplified program to a file.")
@click.option(
    "--draw", type=click.Path(path_type=Path, dir_okay=False), help="Draw the data flow before and after to a file."
)
@trust
@as_json
def simplify(
    program: str,
    plugins: tuple[str, ...],
    tasks: tuple[str, ...],
    seeds: int,
    tune: int,
    out: Path | None,
    draw: Path | None,
    trust: bool,
    as_json: bool,
) -> None:
    """Simplify and recognise a program.

    PROGRAM is a file or a built-in. Without `--task` every step is exact. With `--task`, parts that make no difference
    in training are removed too.
    """
    load_plugins(plugins)
    original = load_program(program)
    chosen = tuple(task for what in tasks for task in load_tasks(what, say, trust=trust))
    if tune and not chosen:
        raise UserError("`--tune` needs a task to tune on; add `--task NAME`")
    if draw:
        from primitives.drawing import check_format  # matplotlib takes a while to import

        check_format(draw)
    console = Screen(stderr=True)
    found = derive(
        original,
        FitnessOnSeeds(chosen, range(REDUCTION_SEEDS, REDUCTION_SEEDS + seeds)) if chosen else None,
        FitnessOnSeeds(chosen, range(TUNING_SEEDS, TUNING_SEEDS + seeds)) if chosen else None,
        trials=tune,
        report=partial(_note, console),
    )
    if out:
        write_text(out, f"# {escaped(program)}, simplified; {escaped(found.verdict)}\n{found.as_json()['program']}")
    if draw:
        from primitives.drawing import draw as drawn

        with whole_file(draw) as part:
            drawn({f"{program}: live part": original, "simplified": found.program}, part)
    emit(_facts(program, found), lambda: tables.derivation(found), as_json)


def _facts(program: str, found: Derivation) -> dict[str, Any]:
    return {"original": program} | found.as_json()


def _note(console: Console, what: str) -> None:
    console.print(what)


@click.command(epilog=example("optsearch export lion --to optax --out lion.py"))
@click.argument("program", type=PROGRAM)
@plugins
@click.option("--to", required=True, type=TARGET, help="optax, torch, python, latex, or a target of a plugin.")
@click.option("--name", help="Name of the function or class; by default that of the program.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file in place of the terminal."
)
@as_json
def export(program: str, plugins: tuple[str, ...], to: str, name: str | None, out: Path | None, as_json: bool) -> None:
    """Export a program as source code.

    PROGRAM is a file, a built-in, or a run folder. The code does not depend on optsearch. For a run folder, the
    simplified champion is exported. If the program is or resembles a known optimizer, the arguments of the code have
    the names of its hyperparameters.
    """
    load_plugins(plugins)
    file = _champion(program)
    loaded = load_program(file)
    origin = origin_of(program) if file == program else f"An optimizer found by program search ({Path(program).name})."
    text = exported(loaded, to, name or _identifier(program), origin, hyperparameters=hyperparameters(loaded))
    if out:
        write_text(out, text)
    facts = {"program": program, "to": to, "path": str(out) if out else None, "code": text}
    if as_json:
        emit(facts, lambda: "", as_json)
    else:
        echo(f"written to {out}" if out else text, nl=bool(out))


def _champion(program: str) -> str:
    """Path of the simplified champion if the program is a run folder; otherwise the program."""
    folder = Path(program)
    if program in BUILTINS or not folder.is_dir():
        return program
    if not (folder / SIMPLIFIED).is_file():
        raise UserError(f"`{printable(program)}` has no `{SIMPLIFIED}`; a run writes this file at its end")
    check_regular(folder / SIMPLIFIED)
    return str(folder / SIMPLIFIED)


def _identifier(program: str) -> str:
    """A name for the exported function, made from the name of the program."""
    name = program if program in BUILTINS else re.sub(r"\W+", "_", Path(program).stem).strip("_").lower()
    return name if name.isidentifier() else "optimizer"
