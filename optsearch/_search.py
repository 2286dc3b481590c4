"""Runs from Python: `search`, `resume` and `open`."""

import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optsearch._found import Found
from optsearch._programs import ProgramLike
from optsearch._progress import Bar, CallbackReporter, Progress, WarningReporter
from optsearch._run import Run
from optsearch._temporary import TemporaryFolder, keeper_of
from primitives import BUILTINS, Program, UserError, load_program, to_text
from search.record import look
from search.running import Reporter, resume_search, run_search, with_baselines
from search.settings import Config, assign, build_config, load_config, read_values

ProgressOption = bool | Callable[[Progress], Any]
TaskLike = str | Mapping[str, Any] | Callable[..., Any]


def search(
    program: ProgramLike | None = None,
    *,
    config: str | Path | Config | None = None,
    tasks: TaskLike | Sequence[TaskLike] | None = None,
    children: int | None = None,
    seed: int | None = None,
    out: str | Path | None = None,
    workers: int | str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: ProgressOption = False,
    stop: threading.Event | None = None,
) -> Run:
    """Search for an optimizer.

    Args:
        program: starting program, as for `optsearch.program`.
        config: a YAML file or a `Config`; the other arguments override its values.
        tasks: names of tasks, functions decorated by `optsearch.task`, or mappings with the keys of a task in YAML; a
            sequence, or a single one.
        children: number of candidates in each repeat.
        seed: seed of all random numbers. Equal seeds and settings give equal histories with any number of workers.
        out: run folder, which is created. Without it, a temporary folder is used and deleted with the last value that
            uses it.
        workers: `None` or 0 for this process, the number of Ray workers on this machine, or `"auto"` or an address for
            the workers of a Ray cluster.
        settings: further keys of the config, such as `{"evaluation.seeds": 4, "search.population": 50}`.
        progress: `True` for a progress bar, or a function that is called with `Progress` values.
        stop: set it in another thread to end the search early and keep the results.

    Returns:
        The run. After a `KeyboardInterrupt` it contains the candidates recorded so far, and can be resumed.

    Raises:
        UserError: an argument is not valid, or the config names something that is not valid.

    Example:
        >>> import optsearch
        >>> run = optsearch.search("adamw", tasks=["digits"], children=20)  # doctest: +SKIP
        >>> run.best  # doctest: +SKIP
        Found(fitness=-0.0312, fresh=-0.028 (-0.049 … -0.005), number=17, length=11)
    """
    keeper = None if out is not None else TemporaryFolder()
    folder = keeper.path / "run" if keeper else Path(out or "")
    with _program_file(program) as start:
        given = {
            "program": start,
            "tasks": None if tasks is None else _entries(tasks),
            "seed": seed,
            "search.children": children,
        }
        values, base = _values(config)
        chosen = {key: value for key, value in (given | _workers(workers)).items() if value is not None}
        for key, value in (chosen | dict(settings or {})).items():
            assign(values, key, value)
        resolved = build_config(values, start=base)
        load_config(resolved)
        with _reporting(progress) as reporter:
            resolved = with_baselines(resolved, lambda task, *_: reporter.phase_started(f"tuning baselines of {task}"))
            return _kept(lambda: run_search(resolved, folder, reporter, stop), folder)


def resume(
    folder: str | Path,
    *,
    children: int | None = None,
    trust: bool = False,
    progress: ProgressOption = False,
    stop: threading.Event | None = None,
) -> Run:
    """Continue a run from the end of its journal.

    Args:
        folder: the run folder.
        children: number of candidates to which the search is extended; the history equals that of a run that had this
            number from the start.
        trust: import the code that the folder names, even if the run was not started by this account.
        progress: as for `search`.
        stop: as for `search`.

    Returns:
        The run, as for `search`.

    Raises:
        UserError: the folder has no run; the run is in use or damaged; its tasks or data have changed; or the search
            cannot be extended to `children`.

    Example:
        >>> import optsearch
        >>> run = optsearch.resume("results/first")  # doctest: +SKIP
    """
    with _reporting(progress) as reporter:
        return _kept(lambda: resume_search(Path(folder), reporter, stop, trust=trust, children=children), Path(folder))


def open_run(folder: str | Path) -> Run:
    """Open a run folder for reading; another process may be executing the run.

    Args:
        folder: the run folder.

    Returns:
        The run.

    Raises:
        UserError: the folder has no run.

    Example:
        >>> import optsearch
        >>> run = optsearch.open("results/first")  # doctest: +SKIP
    """
    look(Path(folder)).close()
    return Run(Path(folder), keeper_of(Path(folder)))


def _kept(work: Callable[[], object], folder: Path) -> Run:
    """Execute some work on a run folder and return the run, also after a `KeyboardInterrupt`."""
    keeper = keeper_of(folder)
    try:
        work()
    except KeyboardInterrupt:
        if not (folder / "journal.sqlite").is_file():
            raise
        warnings.warn(f"interrupted; `optsearch.resume({str(folder)!r})` continues the search", stacklevel=3)
    return Run(folder, keeper)


def _values(config: str | Path | Config | None) -> tuple[dict[str, Any], Path]:
    """Plain values of a config, and the folder that its paths are relative to."""
    if config is None:
        return {}, Path()
    if isinstance(config, Config):
        return config.model_dump(mode="json"), Path()
    return read_values(Path(config)), Path(config).parent


def _entries(tasks: TaskLike | Sequence[TaskLike]) -> list[Any]:
    if callable(tasks) or isinstance(tasks, str | Mapping):
        return [_entry(tasks)]
    return [_entry(task) for task in tasks]


def _entry(task: TaskLike) -> Any:  # noqa: ANN401 - as in a YAML file
    if callable(task):
        entry: Mapping[str, Any] | None = getattr(task, "entry", None)
        if entry is None:
            raise UserError("a function in `tasks` needs the decorator `optsearch.task`")
        return dict(entry)
    return task if isinstance(task, str) else dict(task)


def _workers(workers: int | str | None) -> dict[str, Any]:
    if not workers:
        return {}
    where = {"workers.count": workers} if isinstance(workers, int) else {"workers.address": workers}
    return {"workers.executor": "ray"} | where


@contextmanager
def _program_file(program: ProgramLike | None) -> Iterator[str | None]:
    """The program as a name or an absolute path for a config.

    Texts and `Program`s are written to a temporary file. Texts are not parsed, since they may call functions of a
    plugin that the config names.
    """
    source = program.program if isinstance(program, Found) else program
    text = to_text(source) if isinstance(source, Program) else None if source is None else str(source)
    if text is None or text in BUILTINS:
        yield text
    elif "\n" not in text:
        if not Path(text).exists():
            load_program(text)  # raises an error that names the nearest built-in
        yield str(Path(text).absolute())
    else:
        with tempfile.TemporaryDirectory(prefix="optsearch-") as folder:
            path = Path(folder, "start.py")
            path.write_text(text, encoding="utf-8")
            yield str(path)


@contextmanager
def _reporting(progress: ProgressOption) -> Iterator[Reporter]:
    if callable(progress):
        yield CallbackReporter(progress)
    elif progress:
        bar = Bar()
        try:
            yield CallbackReporter(bar)
        finally:
            bar.close()
    else:
        yield WarningReporter()
