"""Record of the run folders whose code this account may import without `--trust`.

A run folder names code: plugins and custom tasks. It may come from another account, or may have been altered. Each run
therefore has a random identifier. When a run that names code starts, a file in the user's state folder records the
identifier, the path of the folder and the names of the code. `resume` imports the code only if this record exists;
otherwise it requires `--trust`, which writes the record.
"""

import json
import os
import secrets
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from platformdirs import user_state_path

ID_BYTES = 16


def new_id() -> str:
    """Make a random identifier of a run."""
    return secrets.token_hex(ID_BYTES)


def vouch(folder: Path, run: str, code: Sequence[str]) -> bool:
    """Record that a run folder may import code.

    Args:
        folder: the run folder.
        run: identifier of the run.
        code: names of the modules that it imports.

    Returns:
        Whether the record could be written; without it, `resume` requires `--trust`.
    """
    note = _note(folder, run, code)
    try:
        note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{folder.resolve()}\n")
    except OSError:
        return False
    return True


def vouched(folder: Path, run: str, code: Sequence[str]) -> bool:
    """Whether this account has recorded that the folder may import this code."""
    return not code or _note(folder, run, code).is_file()


def _note(folder: Path, run: str, code: Sequence[str]) -> Path:
    facts = json.dumps([str(folder.resolve()), run, sorted(code)]).encode()
    return user_state_path("optsearch") / "runs" / blake2b(facts, digest_size=16).hexdigest()
