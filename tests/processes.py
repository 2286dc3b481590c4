"""`optsearch` as a process of its own, to be killed and interrupted."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

# Children of a background job ignore Ctrl-C otherwise.
HEARS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
# Nor do they write reports, which takes seconds each.
QUICK = "from search.running import run; run.write_report = lambda folder, journal: folder; "
MAIN = HEARS + QUICK + "import sys; from search.commands.main import main; sys.exit(main())"
ROOT = Path(__file__).resolve().parent.parent


def begin(
    *arguments: str, start_new_session: bool = False, code: str = MAIN, folder: Path | None = None
) -> subprocess.Popen[str]:
    """Start `optsearch` as a process of its own, in a folder if one is given."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=start_new_session,
        cwd=folder,
    )


def wait_for_rows(journal: Path, count: int, process: subprocess.Popen[str], table: str = "candidates") -> None:
    """Wait until a table of a journal has at least `count` rows: its candidates, or its trials."""
    while process.poll() is None:
        try:
            with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as connection:
                if connection.execute(f"select count(*) from {table}").fetchone()[0] >= count:
                    return
        except sqlite3.OperationalError:
            pass
        time.sleep(0.02)
    pytest.fail(f"the run ended before it had {count} {table}: {process.communicate()}")


def finished(process: subprocess.Popen[str], status: int = 0) -> dict[str, Any]:
    """The JSON that a command prints; its exit status is 130 where it was asked to stop by Ctrl-C."""
    out, err = process.communicate()
    assert process.returncode == status, err
    return dict(json.loads(out))
