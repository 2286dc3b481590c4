"""Programs: parse them, simplify and recognise them, score them, and export them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from optsearch._found import Found
from primitives import Program, load_program, parse
from primitives import export as exported
from primitives import to_optax as optax_of
from primitives import to_torch as torch_of
from search.running import load_tasks
from selection import FRESH_SEEDS, Comparison, Derivation, compare_losses, derive
from simplify import Recognised
from simplify import recognise as recognised_as

ProgramLike = str | Path | Program | Found


def program(source: ProgramLike) -> Program:
    """A program.

    Args:
        source: the name of a built-in, a file, the text of a program, a `Program`, or a `Found`.

    Raises:
        UserError: there is no such program, or the text is not valid.

    Example:
        >>> import optsearch
        >>> len(optsearch.program("lion").statements)
        7
    """
    if isinstance(source, Found):
        return source.program
    if isinstance(source, Program):
        return source
    text = str(source)
    return parse(text) if "\n" in text else load_program(text)


def simplify(source: ProgramLike) -> Derivation:
    """Simplify a program by exact rules, and recognise what is left.

    Args:
        source: as for `program`.

    Returns:
        A `Derivation`: `program`, `steps` (rule, before, after, exactness), `recognised`, `resembles`.

    Example:
        >>> import optsearch
        >>> optsearch.simplify("lion").recognised.name
        'lion'
    """
    return derive(program(source))


def recognise(source: ProgramLike) -> Recognised | None:
    """The known optimizer that a program is, with its hyperparameters; `None` if it is none of them.

    Example:
        >>> import optsearch
        >>> print(optsearch.recognise("lion"))
        lion (beta1 0.9, beta2 0.99, decay 0.1, rate 0.01)
    """
    return recognised_as(simplify(source).program)


def score(
    sources: ProgramLike | Sequence[ProgramLike],
    *,
    tasks: str | Sequence[str] = ("digits",),
    seeds: int = 8,
    split: str = "validation",
) -> list[Comparison]:
    """Train networks with programs, beside the tuned AdamW of each task, on seeds that no search uses.

    Args:
        sources: programs, as for `program`.
        tasks: names of tasks, or paths of configs that describe tasks.
        seeds: networks trained with each program on each task.
        split: rows on which the loss is taken: `"validation"` or `"test"`.

    Returns:
        For each task and program a `Comparison`: mean loss, log ratio to AdamW with its interval, loss of each seed.

    Raises:
        UserError: an unknown program or task.
    """
    chosen = [sources] if isinstance(sources, str | Path | Program | Found) else list(sources)
    named = {_name(source, place): program(source) for place, source in enumerate(chosen)}
    names = [tasks] if isinstance(tasks, str) else tasks
    loaded = [task for name in names for task in load_tasks(name)]
    return compare_losses(named, loaded, range(FRESH_SEEDS, FRESH_SEEDS + seeds), split)


def _name(source: ProgramLike, place: int) -> str:
    text = str(source) if isinstance(source, str | Path) else ""
    return text if text and "\n" not in text else f"program {place}"


def export(source: ProgramLike, *, to: str = "optax", name: str = "optimizer") -> str:
    """Write a program as code that needs nothing of this project.

    Args:
        source: as for `program`; the simplified form of a `Found` is exported where there is one.
        to: `"optax"`, `"torch"`, `"python"` or `"latex"`.
        name: of the function or class.

    Raises:
        UserError: a function of the program has no spelling in code, or the name is not an identifier.
    """
    chosen, names = _named(source)
    return exported(chosen, to, name, "Found by optsearch.", hyperparameters=names)


def to_optax(source: ProgramLike, **hyperparameters: Any) -> Any:  # noqa: ANN401 - a GradientTransformation
    """A program as an `optax.GradientTransformation`: the exported source, executed.

    Args:
        source: as for `export`.
        hyperparameters: values in place of the constants found; `help` of the result of `export` lists their names,
            which are those of the recognised optimizer where there is one.

    Example:
        >>> import jax.numpy as jnp, optax, optsearch
        >>> tx = optsearch.to_optax("lion", learning_rate=0.1)
        >>> updates, state = tx.update(jnp.ones(2), tx.init(jnp.zeros(2)), jnp.zeros(2))
        >>> updates.tolist()
        [-0.10000000149011612, -0.10000000149011612]
    """
    chosen, names = _named(source)
    return optax_of(chosen, recognised=names, **hyperparameters)


def to_torch(source: ProgramLike, parameters: Iterable[Any], **hyperparameters: Any) -> Any:  # noqa: ANN401 - optional
    """A program as a `torch.optim.Optimizer` of some parameters; needs PyTorch.

    Args:
        source: as for `export`.
        parameters: of the model.
        hyperparameters: as for `to_optax`; the learning rate is `lr`.
    """
    chosen, names = _named(source)
    return torch_of(chosen, parameters, recognised=names, **hyperparameters)


def _named(source: ProgramLike) -> tuple[Program, dict[str, float]]:
    """The program to export, and the names of its constants from recognition."""
    if isinstance(source, Found) and source.simplified is not None:
        return source.simplified, dict(source.constants)
    chosen = program(source)
    found = recognise(chosen)
    return chosen, dict(found.constants) if found else {}
