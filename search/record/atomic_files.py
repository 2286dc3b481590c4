"""Atomic writing of files: a file appears complete or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from search.record.faults import cannot_write

PART = ".part-"  # prefix of the names of unfinished files


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file under a random name, and rename it to `path` at the end.

    The unfinished file is a new file in the same folder, so a link at `path` is replaced and never followed. The
    unfinished file is removed if writing fails.

    Args:
        path: path of the file.

    Yields:
        Path of a new empty file with the same suffix.

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
    """Create an empty file with a random name beside a path, with the permissions of a normally opened file.

    `tempfile.mkstemp` would grant permissions to the owner only, and the umask cannot be read without changing it for
    all threads.
    """
    part = path.with_name(f"{PART}{token_hex(8)}-{path.name}")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666))
    return part


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically; raises `UserError` if it cannot be written."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def remove_parts(folder: Path) -> None:
    """Remove unfinished files of dead processes from a folder that no other process uses."""
    for part in folder.glob(f"{PART}*"):
        with suppress(OSError):
            part.unlink()
