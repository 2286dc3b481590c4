"""Functions on programs: parse, simplify, recognise, score and export."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from optsearch._found import Found
from primitives import Program, UserError, load_program, nearest, origin_of, parse
from primitives import export as exported
from primitives import to_optax as optax_of
from primitives import to_torch as torch_of
from proxy_tasks import SPLITS
from search.running import load_tasks
from selection import FRESH_SEEDS, Comparison, Derivation, compare_losses, derive
from simplify import Recognised
from simplify import hyperparameters as hyperparameters_of
from simplify import recognise as recognised_as

ProgramLike = str | Path | Program | Found


def program(source: ProgramLike) -> Program:
    """Load or parse a program.

    Args:
        source: name of a built-in program, path of a file, text of a program, `Program`, or `Found`.

    Returns:
        The program.

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
    """Simplify a program by exact rules, and recognise the result.

    Args:
        source: as for `program`.

    Returns:
        The simplified program (`program`), the steps (`steps`: rule, before, after, exactness), and the optimizer that
        it is (`recognised`) or resembles (`resembles`).

    Raises:
        UserError: as for `program`.

    Example:
        >>> import optsearch
        >>> optsearch.simplify("lion").recognised.name
        'lion'
    """
    return derive(program(source))


def recognise(source: ProgramLike) -> Recognised | None:
    """Recognise a program as a known optimizer.

    Args:
        source: as for `program`.

    Returns:
        Name and hyperparameters of the optimizer; `None` if the program is no known optimizer.

    Raises:
        UserError: as for `program`.

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
    """Train networks with programs and with the tuned AdamW of each task, on seeds that no search uses.

    Args:
        sources: programs, as for `program`.
        tasks: names of tasks, or paths of configs that describe tasks.
        seeds: number of networks trained with each program on each task.
        split: split on which the loss is measured: `"train"`, `"validation"` or `"test"`.

    Returns:
        For each task and program: mean loss, log loss ratio to AdamW with its 95 % interval, and loss of each seed.

    Raises:
        UserError: a program, task or split is unknown, a program is named twice, or `seeds` is less than 1.
    """
    if split not in SPLITS:
        raise UserError(f"`split` (={split!r}) must be one of {', '.join(SPLITS)}{nearest(str(split), SPLITS)}")
    if seeds < 1:
        raise UserError(f"`seeds` (={seeds}) must be at least 1")
    chosen = [sources] if isinstance(sources, str | Path | Program | Found) else list(sources)
    named: dict[str, Program] = {}
    for place, source in enumerate(chosen):
        name = _name(source, place)
        if name in named:
            raise UserError(f"`sources` names `{name}` twice")
        named[name] = program(source)
    names = [tasks] if isinstance(tasks, str) else tasks
    loaded = [task for name in names for task in load_tasks(name)]
    return compare_losses(named, loaded, range(FRESH_SEEDS, FRESH_SEEDS + seeds), split)


def _name(source: ProgramLike, place: int) -> str:
    text = str(source) if isinstance(source, str | Path) else ""
    return text if text and "\n" not in text else f"program {place}"


def export(source: ProgramLike, *, to: str = "optax", name: str = "optimizer") -> str:
    """Export a program as source code that does not depend on optsearch.

    Args:
        source: as for `program`; of a `Found`, the simplified form is exported if there is one.
        to: `"optax"`, `"torch"`, `"python"`, `"latex"`, or a target that was registered by `optsearch.export_target`.
        name: name of the function or class.

    Returns:
        The source code.

    Raises:
        UserError: the target is unknown, the program calls a primitive without `code`, or the name is no identifier.
    """
    chosen = _exported(source)
    return exported(chosen, to, name, _origin(source), hyperparameters=hyperparameters_of(chosen))


def to_optax(source: ProgramLike, **hyperparameters: Any) -> Any:  # noqa: ANN401 - a GradientTransformation
    """Convert a program to an `optax.GradientTransformation` by executing its exported source.

    Args:
        source: as for `export`.
        hyperparameters: values that replace constants of the program, by name; the docstring in the exported source
            lists the names. If the program is or resembles a known optimizer, they are the names of that optimizer.

    Returns:
        The transformation.

    Raises:
        UserError: as for `export`.

    Example:
        >>> import jax.numpy as jnp, optax, optsearch
        >>> tx = optsearch.to_optax("lion", learning_rate=0.1)
        >>> updates, state = tx.update(jnp.ones(2), tx.init(jnp.zeros(2)), jnp.zeros(2))
        >>> updates.tolist()
        [-0.10000000149011612, -0.10000000149011612]
    """
    chosen = _exported(source)
    return optax_of(chosen, recognised=hyperparameters_of(chosen), **hyperparameters)


def to_torch(source: ProgramLike, parameters: Iterable[Any], **hyperparameters: Any) -> Any:  # noqa: ANN401 - optional
    """Convert a program to a `torch.optim.Optimizer`; requires PyTorch.

    Args:
        source: as for `export`.
        parameters: the parameters of a model.
        hyperparameters: as for `to_optax`; the learning rate is `lr`.

    Returns:
        The optimizer.

    Raises:
        UserError: as for `export`.
    """
    chosen = _exported(source)
    return torch_of(chosen, parameters, recognised=hyperparameters_of(chosen), **hyperparameters)


def _exported(source: ProgramLike) -> Program:
    """The program to export."""
    simplified = source.simplified if isinstance(source, Found) else None
    return program(source) if simplified is None else simplified


def _origin(source: ProgramLike) -> str:
    """Origin of a program for the first line of exported code; empty for a text or a value."""
    if isinstance(source, Found):
        done = ", simplified" if source.simplified else ""
        return f"Found by program search: candidate {source.number} of repeat {source.repeat}{done}."
    return "" if isinstance(source, Program) or "\n" in str(source) else origin_of(str(source))
