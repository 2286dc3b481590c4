"""The private folder of the process that runs Ray, and the environment of a private Ray instance.

A private Ray instance belongs to one run. It listens on the loopback interface only, requires a token that only this
user can read, and keeps its files in the private folder, which is removed at its end.

Ray adds the working directory of the process that runs it to the import path of the workers. The working directory of
the user may be a run folder of others, whose files must not be imported, so the process runs in an empty folder inside
the private folder.
"""

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from search.execution.executor import WorkersLostError

EMPTY = "empty"  # working directory of the process, inside the private folder
FILES = "ray"  # folder of Ray inside the private folder, since Ray makes its folder readable for all users
_LONGEST_FOLDER = 38  # characters, so that paths of Unix sockets in the folder have at most 107
_LEAST_DISK = 200 * 2**20  # least free space in bytes, for Ray's log files and sockets


def private_folder() -> Path:
    """Create a folder for the files and the token of Ray, with the folder `EMPTY`, readable for this user only.

    Raises:
        WorkersLostError: the disk is full.
    """
    parent = str(Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()).absolute())
    if len(parent) > _LONGEST_FOLDER - len("/optsearch-12345678"):
        parent = "/tmp"
    try:
        if shutil.disk_usage(parent).free < _LEAST_DISK:
            raise OSError("no space left on the device")
        folder = Path(tempfile.mkdtemp(prefix="optsearch-", dir=parent))
        (folder / EMPTY).mkdir()
        token = os.open(folder / "token", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(token, "w") as file:
            file.write(secrets.token_hex(32))
    except OSError as error:
        raise WorkersLostError(
            f"Ray cannot keep its files in `{parent}` ({error.strerror or error}); "
            f"make room there, or set RAY_TMPDIR to a folder on another disk"
        ) from None
    return folder


def local_environment(folder: Path) -> dict[str, str]:
    """Environment of the process that starts a private Ray instance.

    Ray has no setting for the interface that its servers listen on. On Windows and macOS, where it does not support
    clusters, it uses the loopback interface alone; this variable selects the same behaviour on Linux.
    """
    return {
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / "token"),
    }


def working_directory(folder: Path) -> Path:
    """Working directory of the process that runs Ray.

    It is that of this process if optsearch itself was imported from there, as in a checkout: this process imports from
    there too, and the workers may find optsearch nowhere else.

    Args:
        folder: the private folder.
    """
    source = Path(__file__).resolve().parents[2]
    return source if source == Path.cwd() else folder / EMPTY
