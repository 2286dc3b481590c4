"""Searching from Python: `search`, `resume` and `open`."""

import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optsearch._progress import Bar, CallbackReporter, Progress
from optsearch._run import Run, TemporaryFolder
from primitives import Program, UserError, to_text
from search.record import look
from search.running import Reporter, SilentReporter, resume_search, run_search, with_baselines
from search.settings import Config, assign, build_config, load_config, read_values

ProgressOption = bool | Callable[[Progress], Any]


def search(
    program: str | Program | None = None,
    *,
    config: str | Path | Config | None = None,
    tasks: Sequence[str | Mapping[str, Any] | Callable[..., Any]] | None = None,
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
        program: where the search starts: the name of a built-in, a file, a `Program`, or the text of one.
        config: a YAML file or a `Config` with everything that the other arguments do not say; they win.
        tasks: names of tasks, functions that `optsearch.task` decorates, or the keys of a task in a YAML file.
        children: candidates of each repeat.
        seed: key of all random numbers. Equal seed and settings give an equal history at any number of workers.
        out: run folder, which is created; without it a temporary one that is deleted with the returned value.
        workers: `None` or 0: this process; a number: that many Ray workers on this machine; `"auto"` or an address:
            the workers of a Ray cluster.
        settings: further keys of the config, such as `{"evaluation.seeds": 4, "search.population": 50}`.
        progress: `True`: a progress bar; or a function that is called with `Progress` values.
        stop: set it from another thread to end the search early and keep the results.

    Returns:
        The run. After a `KeyboardInterrupt` it holds what was recorded until then and can be resumed.

    Raises:
        UserError: an argument, or something that the config names, is not valid.

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
            "tasks": tasks and [_entry(task) for task in tasks],
            "seed": seed,
            "search.children": children,
        }
        values, base = _values(config)
        for key, value in (given | _workers(workers) | dict(settings or {})).items():
            if value is not None:
                assign(values, key, value)
        resolved = build_config(values, start=base)
        load_config(resolved)
        with _reporting(progress) as reporter:
            resolved = with_baselines(resolved, lambda task, *_: reporter.phase_started(f"tuning baselines of {task}"))
            return _kept(lambda: run_search(resolved, folder, reporter, stop), folder, keeper)


def resume(
    folder: str | Path,
    *,
    children: int | None = None,
    trust: bool = False,
    progress: ProgressOption = False,
    stop: threading.Event | None = None,
) -> Run:
    """Continue a run from where its journal ends.

    Args:
        folder: the run folder.
        children: extends the search to this number of candidates; the history is that of a run which had it from the
            start.
        trust: import the code that the folder names, even if the run did not begin on this account.
        progress: as for `search`.
        stop: as for `search`.

    Raises:
        UserError: the folder holds no run, or one that is in use, damaged, or whose tasks or data have changed; or
            the search cannot be extended to `children`.
    """
    with _reporting(progress) as reporter:
        return _kept(
            lambda: resume_search(Path(folder), reporter, stop, trust=trust, children=children), Path(folder), None
        )


def open_run(folder: str | Path) -> Run:
    """A run for reading, while another process may be searching in it.

    Args:
        folder: the run folder.

    Raises:
        UserError: the folder holds no run.
    """
    look(Path(folder)).close()
    return Run(Path(folder))


def _kept(work: Callable[[], object], folder: Path, keeper: TemporaryFolder | None) -> Run:
    """The run of a folder after some work on it, even if that was interrupted."""
    try:
        work()
    except KeyboardInterrupt:
        if not (folder / "journal.sqlite").is_file():
            raise
        warnings.warn(f"interrupted; `optsearch.resume({str(folder)!r})` continues the search", stacklevel=3)
    return Run(folder, keeper)


def _values(config: str | Path | Config | None) -> tuple[dict[str, Any], Path]:
    """Plain values of a config, and the folder from which its paths are resolved."""
    if config is None:
        return {}, Path()
    if isinstance(config, Config):
        return config.model_dump(mode="json"), Path()
    return read_values(Path(config)), Path(config).parent


def _entry(task: str | Mapping[str, Any] | Callable[..., Any]) -> Any:  # noqa: ANN401 - as in a YAML file
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
def _program_file(program: str | Program | None) -> Iterator[str | None]:
    """The program as something that a config can name: text and `Program`s go into a temporary file."""
    text = to_text(program) if isinstance(program, Program) else program
    if text is None or "\n" not in text:
        yield text
        return
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
        yield SilentReporter()
