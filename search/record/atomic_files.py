"""Writing a file so that it is either there as a whole or not at all, whatever lies in its folder."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from search.record.faults import cannot_write

PART = ".part-"  # how the names of unfinished files begin


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file under a random name, which takes the place of `path` at the end.

    The unfinished file is new and in the same folder, so that a link that somebody has put there is replaced and never
    followed. It is removed if writing fails.

    Args:
        path: of the file.

    Yields:
        Path of an empty file with the same suffix.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        part = _new_file(path)
        try:
            yield part
            part.replace(path)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
    except OSError as error:
        raise cannot_write(path, error) from None


def _new_file(path: Path) -> Path:
    """An empty file of a random name beside a path, as readable for others as a file that is opened anew."""
    descriptor, name = tempfile.mkstemp(prefix=PART, suffix=f"-{path.name}", dir=path.parent)
    mask = os.umask(0o077)
    os.umask(mask)
    os.fchmod(descriptor, 0o666 & ~mask)  # `mkstemp` keeps it to its owner
    os.close(descriptor)
    return Path(name)


def write_text(path: Path, text: str) -> None:
    """Write a text file as a whole; raises `UserError` where it cannot be written."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def remove_parts(folder: Path) -> None:
    """Remove what processes that died left unfinished in a folder that no other process uses."""
    for part in folder.glob(f"{PART}*"):
        with suppress(OSError):
            part.unlink()
