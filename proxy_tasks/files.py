"""Reading of data files that a user names; every error is one line with the file, the cause and the remedy.

Only regular files of a bounded size are read, and only arrays whose header claims no more bytes than the file holds. A
device, an endless pipe or a forged header therefore ends in an error instead of exhausted memory.

A limit is the memory that reading and preparing the data may take. A text takes up to 8 bytes for each byte of the file
(its characters, their numbers, and the windows cut from them). A number of an array takes 24 bytes: as float64, as its
standardised value, and in the permuted copy.
"""

import io
import zipfile
from math import prod
from pathlib import Path
from stat import S_ISREG
from typing import IO

import numpy as np
from numpy.lib import format as npy

from primitives import UserError
from proxy_tasks.copies import local

LIMIT = 2**30  # bytes of memory
_TEXT_COST = 8  # bytes of memory for each byte of a text file; see above
_COPIES = 3  # arrays of 8 bytes for each number while `x` is standardised; see above
_LONGEST_HEADER = 10_000  # bytes of the header of an array; the limit of numpy, which reads the header before it checks
# Bytes that numpy reads at once, and so the largest directory of an archive; 100 is usual.
_LONGEST_READ = npy.BUFFER_SIZE
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # those of `np.savez`; zipfile expands bzip2 without a limit
_REMEDY = "write one with `np.savez(path, x=x, y=y)`"
_ARRAYS = ("x", "y")


def read_text(path: str, limit: int = LIMIT) -> str:
    """The content of a text file in UTF-8, with or without a byte order mark.

    Args:
        path: the file.
        limit: bytes of memory; the file may have an eighth.

    Raises:
        UserError: the file cannot be read, is too large, or is no text in UTF-8.
    """
    path = local(path)
    content = _content(path, "text file", limit // _TEXT_COST, "an eighth of `data_limit`")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"byte {error.start} is 0x{error.object[error.start]:02x}"
        raise UserError(f"`{path}` is no text in UTF-8 ({where}); convert it with `iconv`") from None


def read_arrays(path: str, limit: int = LIMIT) -> tuple[np.ndarray, np.ndarray]:
    """The arrays `x` and `y` of an `.npz` file.

    Args:
        path: the file.
        limit: bytes of memory; the file may have as many, and both arrays together a 24th as many numbers.

    Raises:
        UserError: the file cannot be read, is too large, is no `.npz` file, or does not hold these arrays.
    """
    path = local(path)
    content = _content(path, "data file", limit, "`data_limit`", only_begin=True)
    if content.startswith(npy.MAGIC_PREFIX):
        raise UserError(f"`{path}` is a single array (.npy); an .npz file with `x` and `y` is needed: {_REMEDY}")
    if not content.startswith(b"PK"):
        kind = "text (a CSV file?)" if _is_text(content) else "of an unknown kind"
        raise UserError(f"`{path}` is {kind}; an .npz file with `x` and `y` is needed: {_REMEDY}")
    try:
        with _ShortReads(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
            members = _members(path, archive)
            _check_size(path, archive, members, limit)
            x, y = (_array(archive, member) for member in members)
    except UserError:
        raise
    except Exception as error:  # zipfile, its decompressors and numpy raise a dozen kinds
        reason = str(error).partition(". ")[0].partition("\n")[0] or type(error).__name__
        raise UserError(f"`{path}` cannot be read as an .npz file of plain arrays: {reason}; {_REMEDY}") from None
    return x, y


def _content(path: str, kind: str, limit: int, setting: str, only_begin: bool = False) -> bytes:
    """The bytes of a regular file, or its first 1,024; `kind` and `setting` name the file and its limit in errors."""
    try:
        status = Path(path).stat()
        if not S_ISREG(status.st_mode):
            raise UserError(f"`{path}` is no regular file; a {kind} is needed")
        if status.st_size > limit:
            raise UserError(f"`{path}` has {status.st_size:,} bytes; a {kind} may have {limit:,} at most ({setting})")
        if not status.st_size:
            raise UserError(f"`{path}` is empty; a {kind} with content is needed")
        with Path(path).open("rb") as file:
            return file.read(1024 if only_begin else limit)
    except FileNotFoundError:
        raise UserError(f"there is no {kind} `{path}`") from None
    except OSError as error:
        raise UserError(f"`{path}` cannot be read: {error.strerror or error}") from None


def _is_text(begin: bytes) -> bool:
    return b"\0" not in begin and sum(byte < 9 for byte in begin) == 0


class _ShortReads(io.BufferedReader):
    """A file that refuses long reads: zipfile reads the directory of an archive at once, and builds objects from it."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _LONGEST_READ:
            raise ValueError(f"its directory has {size:,} bytes")
        return super().read(size)


def _members(path: str, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The members `x.npy` and `y.npy`, each of which must exist once."""
    held = archive.infolist()
    names = [info.filename.removesuffix(".npy") for info in held]
    missing = [name for name in _ARRAYS if name not in names]
    if missing:
        shown = ", ".join(f"`{name[:40]}`" for name in names[:8]) or "nothing"
        raise UserError(f"`{path}` must hold the arrays `x` and `y`; it holds {shown}: {_REMEDY}")
    twice = [name for name in _ARRAYS if names.count(name) > 1]
    if twice:
        raise UserError(f"`{path}` holds more than one array `{twice[0]}`; {_REMEDY}")
    return [held[names.index(name)] for name in _ARRAYS]


def _check_size(path: str, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], limit: int) -> None:
    """Check that headers claim what the archive holds, and that both arrays fit the limit."""
    needed = 0
    for name, member in zip(_ARRAYS, members, strict=True):
        if member.compress_type not in _PACKINGS:
            raise UserError(f"`{path}`: `{name}` is compressed in another way than by numpy; {_REMEDY}")
        with archive.open(member) as file:
            shape, dtype = _header(file)
            body = member.file_size - file.tell()
        if dtype.hasobject:
            raise UserError(f"`{path}`: `{name}` holds Python objects; convert it with `{name}.astype(...)` first")
        if not dtype.itemsize:
            raise UserError(f"`{path}`: `{name}` holds values of no bytes ({dtype.str}); {_REMEDY}")
        numbers = prod(map(int, shape))
        needed += max(_COPIES * max(dtype.itemsize, 8) * numbers, body)
        if needed > limit:
            raise UserError(
                f"`{path}`: reading `x` and `y` would take more than {limit:,} bytes of memory (`data_limit`)"
            )
        claimed = numbers * dtype.itemsize
        if claimed != body:
            raise UserError(f"`{path}`: the header of `{name}` claims {claimed:,} bytes, but there are {body:,}")


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of an array, from a header whose length is checked before it is read."""
    version = npy.read_magic(file)
    field = file.read(2 if version == (1, 0) else 4)
    length = int.from_bytes(field, "little")
    if length > _LONGEST_HEADER:
        raise ValueError(f"a header has {length:,} bytes")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(io.BytesIO(field + file.read(length)))
    return shape, dtype


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(member) as file:
        return np.asarray(npy.read_array(file, allow_pickle=False))
