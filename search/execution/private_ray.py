"""Files and environment of a private Ray instance, which belongs to one run.

It listens on the loopback interface only, requires a token that only this user can read, and keeps its files in a
private folder that is removed at its end.
"""

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from search.execution.executor import WorkersLostError

FILES = "ray"  # folder of Ray inside the private folder, since Ray makes its folder readable for all users
_LONGEST_FOLDER = 38  # characters, so that paths of Unix sockets in the folder have at most 107
_LEAST_DISK = 200 * 2**20  # least free space in bytes, for Ray's log files and sockets


def private_folder() -> Path:
    """Create a folder for the files and the token of a private Ray instance, readable for this user only.

    Raises:
        WorkersLostError: the disk is full.
    """
    parent = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    if len(parent) > _LONGEST_FOLDER - len("/optsearch-12345678"):
        parent = "/tmp"
    try:
        if shutil.disk_usage(parent).free < _LEAST_DISK:
            raise OSError("no space left on the device")
        folder = Path(tempfile.mkdtemp(prefix="optsearch-", dir=parent))
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
