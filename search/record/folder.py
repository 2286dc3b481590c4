"""The run folder: names of its files, and how it is claimed, locked and written.

A file of a run folder is either there as a whole or not at all; a folder belongs to one process at a time.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from primitives.errors import UserError
from search.record.journal import Journal

CONFIG, JOURNAL, SUMMARY, LOCK = "config.yaml", "journal.sqlite", "summary.json", "run.lock"
BEST, SIMPLIFIED, EXPORT, DRAWING = "best.py", "simplified.py", "optax_export.py", "dataflow.svg"
CHECKS = "meta_overfitting.svg"


def fresh_folder(config: Path) -> Path:
    """Make a folder under `results/` for a new run: named like the config, with a number if that is taken."""
    folder, number = Path("results", config.stem), 2
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            folder, number = Path("results", f"{config.stem}-{number}"), number + 1
        except OSError as error:
            raise UserError(f"no folder can be made under `results`: {error.strerror}") from None
        else:
            return folder


def claim(folder: Path) -> None:
    """Make the folder of a new run; raises `UserError` if it holds anything but the remains of one that never began."""
    if (folder / JOURNAL).exists():
        raise UserError(f"`{folder}` already holds a run; `optsearch resume {folder}` goes on with it")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"`{folder}` exists and is not an empty folder; give another with `--out`")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"folder `{folder}` cannot be made: {error.strerror}") from None
    if any(path.suffix != ".part" and path.name != LOCK for path in folder.iterdir()):
        raise UserError(f"`{folder}` exists and is not an empty folder; give another with `--out`")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder; raises `UserError` while another process does. A process that dies holds nothing."""
    try:
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout:
        raise UserError(f"`{folder}` is in use by another `optsearch`, which has to end first") from None


def open_journal(folder: Path, damaged: bool = False) -> Journal:
    """The journal of a run folder; raises `UserError` if the folder holds no run."""
    if not folder.is_dir():
        raise UserError(f"there is no run folder `{folder}`")
    if not (folder / JOURNAL).is_file():
        raise UserError(f"`{folder}` is not a run folder: it has no {JOURNAL}")
    return Journal.open(folder / JOURNAL, damaged)


def write_text(path: Path, text: str) -> None:
    """Write a file so that it is either there as a whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The same value with `null` for every number that is not finite, which JSON cannot say."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
