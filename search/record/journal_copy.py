"""Private copies of a journal and its write-ahead log (WAL), which may come from others.

The size of a file says nothing of its contents: a file of a terabyte may be one hole. A journal that is larger than the
number of its pages is refused, and holes are copied as holes.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from primitives import UserError

_WAL_HEADER, _FRAME_HEADER = 32, 24  # bytes; https://www.sqlite.org/fileformat.html, section 4
_BLOCK = 2**20  # bytes in memory


def copy_journal(path: Path, log: Path, folder: Path) -> Path:
    """Copy a journal and its log to a folder.

    Args:
        path: the journal.
        log: its log.
        folder: an empty folder.

    Returns:
        Path of the copy.

    Raises:
        UserError: the journal is larger than its number of pages.
        OSError: a file cannot be read or written.
    """
    largest = _page_size(path) * max(_pages(path), _pages_of_log(log))
    if path.stat().st_size > largest:
        raise UserError(f"`{path}` is damaged: it has {path.stat().st_size:,} bytes, and its pages only {largest:,}")
    for file in (path, log):
        _copy(file, folder / file.name)
    return folder / path.name


def _page_size(path: Path) -> int:
    """Bytes of a page; the header stores 65,536 as 1."""
    size = _number(path, 16, 2)
    return 65536 if size == 1 else size


def _pages(path: Path) -> int:
    """Number of pages in the header of a database."""
    return _number(path, 28, 4)


def _pages_of_log(log: Path) -> int:
    """Largest number of pages of the database after a transaction in its log."""
    most = 0
    with log.open("rb") as file:
        header = file.read(_WAL_HEADER)
        step = int.from_bytes(header[8:12], "big")
        while len(frame := file.read(_FRAME_HEADER)) == _FRAME_HEADER and frame[:4] != bytes(4):
            if frame[8:16] != header[16:24]:  # salts: the frames behind are left from an earlier log
                break
            most = max(most, int.from_bytes(frame[4:8], "big"))  # 0 if the frame does not end a transaction
            file.seek(step, os.SEEK_CUR)
    return most


def _number(path: Path, place: int, length: int) -> int:
    with path.open("rb") as file:
        file.seek(place)
        return int.from_bytes(file.read(length), "big")


def _copy(source: Path, target: Path) -> None:
    """Copy a file without filling its holes, where the system can tell them."""
    if not hasattr(os, "SEEK_DATA"):
        shutil.copyfile(source, target)
        return
    with source.open("rb", buffering=0) as old, target.open("wb") as new:
        size = os.fstat(old.fileno()).st_size
        for start, end in _parts(old.fileno(), size):
            old.seek(start)
            new.seek(start)
            while block := old.read(min(_BLOCK, end - old.tell())):
                new.write(block)
        new.truncate(size)


def _parts(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Start and end of each part of a file that holds data."""
    end = 0
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                return
            raise
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end
