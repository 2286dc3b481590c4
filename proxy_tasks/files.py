"""Reading of data files that a user names; every error is one line with the file, the cause and the remedy.

Only regular files of a bounded size are read, and only arrays whose header claims no more bytes than the file holds. A
device, an endless pipe or a forged header therefore ends in an error instead of exhausted memory.
"""

import zipfile
from pathlib import Path
from stat import S_ISREG

import numpy as np
from numpy.lib import format as npy

from primitives import UserError
from proxy_tasks.copies import local

LIMIT = 2**30  # bytes of a file, and of all arrays in it
_REMEDY = "write one with `np.savez(path, x=x, y=y)`"
_ARRAYS = ("x", "y")


def read_text(path: str, limit: int = LIMIT) -> str:
    """The content of a text file in UTF-8, with or without a byte order mark.

    Raises:
        UserError: the file cannot be read, is too large, or is no text in UTF-8.
    """
    path = local(path)
    content = _content(path, "text file", limit)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"byte {error.start} is 0x{error.object[error.start]:02x}"
        raise UserError(f"`{path}` is no text in UTF-8 ({where}); convert it with `iconv`") from None


def read_arrays(path: str, limit: int = LIMIT) -> tuple[np.ndarray, np.ndarray]:
    """The arrays `x` and `y` of an `.npz` file.

    Args:
        path: the file.
        limit: largest size in bytes of the file, and of both arrays together.

    Raises:
        UserError: the file cannot be read, is too large, is no `.npz` file, or does not hold these arrays.
    """
    path = local(path)
    content = _content(path, "data file", limit, only_begin=True)
    if content.startswith(npy.MAGIC_PREFIX):
        raise UserError(f"`{path}` is a single array (.npy); an .npz file with `x` and `y` is needed: {_REMEDY}")
    if not content.startswith(b"PK"):
        kind = "text (a CSV file?)" if _is_text(content) else "of an unknown kind"
        raise UserError(f"`{path}` is {kind}; an .npz file with `x` and `y` is needed: {_REMEDY}")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive, limit)
        with np.load(path, allow_pickle=False) as file:
            x, y = (file[name] for name in _ARRAYS)
    except UserError:
        raise
    except Exception as error:  # zipfile, its decompressors and numpy raise a dozen kinds
        reason = str(error).partition(". ")[0].partition("\n")[0] or type(error).__name__
        raise UserError(f"`{path}` cannot be read as an .npz file of plain arrays: {reason}; {_REMEDY}") from None
    return x, y


def _content(path: str, kind: str, limit: int, only_begin: bool = False) -> bytes:
    """The bytes of a regular file, or its first 1,024; `kind` is the name of the file in errors."""
    try:
        status = Path(path).stat()
        if not S_ISREG(status.st_mode):
            raise UserError(f"`{path}` is no regular file; a {kind} is needed")
        if status.st_size > limit:
            raise UserError(
                f"`{path}` has {status.st_size:,} bytes; a {kind} may have {limit:,} at most (`data_limit`)"
            )
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


def _check_members(path: str, archive: zipfile.ZipFile, limit: int) -> None:
    """Check that both arrays exist, that their headers claim what the archive holds, and that they fit the limit."""
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    missing = [name for name in _ARRAYS if name not in members]
    if missing:
        held = ", ".join(f"`{name[:40]}`" for name in list(members)[:8]) or "nothing"
        raise UserError(f"`{path}` must hold the arrays `x` and `y`; it holds {held}: {_REMEDY}")
    total = 0
    for name in _ARRAYS:
        with archive.open(members[name]) as file:
            version = npy.read_magic(file)
            header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = header(file)
            body = members[name].file_size - file.tell()
        if dtype.hasobject:
            raise UserError(f"`{path}`: `{name}` holds Python objects; convert it with `{name}.astype(...)` first")
        claimed = int(np.prod([int(side) for side in shape], dtype=object)) * dtype.itemsize
        total += max(claimed, body)
        if total > limit:
            raise UserError(
                f"`{path}`: `x` and `y` have more than {limit:,} bytes, the most that is read (`data_limit`)"
            )
        if claimed != body:
            raise UserError(f"`{path}`: the header of `{name}` claims {claimed:,} bytes, but there are {body:,}")
