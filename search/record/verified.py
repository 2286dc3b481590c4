"""Which journals this account has checked: a large one is not checked again as long as its file stays as it is.

To check a row takes about 10 µs of one core (a million rows: 10 s), which `inspect` would spend each time. The user's
cache folder notes the file by its place, size and times, which change when anything is written to it.
"""

import json
import time
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from platformdirs import user_cache_path

_SETTLED = 2.0  # seconds since the last change; a later one could bear the same time, which file systems count in steps


def is_verified(path: Path) -> bool:
    """Whether a journal is the same file as when it was checked."""
    try:
        return _note(path).read_text(encoding="utf-8") == _state(path)
    except OSError:
        return False


def note_verified(path: Path) -> None:
    """Note that a journal was checked; where that cannot be noted, it will be checked again."""
    with suppress(OSError):
        if time.time() - path.stat().st_mtime < _SETTLED:
            return
        note = _note(path)
        note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        note.write_text(_state(path), encoding="utf-8")


def _note(path: Path) -> Path:
    name = blake2b(str(path.resolve()).encode(), digest_size=16).hexdigest()
    return user_cache_path("optsearch") / "verified" / name


def _state(path: Path) -> str:
    """Size and times of the file and of its log."""
    log = path.with_name(f"{path.name}-wal")
    states = [file.stat() for file in (path, log) if file.exists()]
    return json.dumps([[s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns] for s in states])
