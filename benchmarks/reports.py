"""Time and size of the report of a long search: `python -m benchmarks.reports [CANDIDATES]`, on a made-up journal."""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.journals import write_journal
from search.report import report_run

ROWS = 300_000
MOST_SECONDS, MOST_MIB = 30.0, 5.0


def large_report(rows: int = ROWS) -> tuple[float, float]:
    """Seconds of one core that the report of a journal of `rows` candidates takes, every row checked, and its MiB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_journal(folder, rows)
        before = time.process_time()
        path = report_run(folder)
        return time.process_time() - before, path.stat().st_size / 2**20


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    seconds, size = large_report(count)
    print(f"{count:,} candidates: {seconds:.1f} s, {size:.2f} MiB (limits: {MOST_SECONDS:.0f} s, {MOST_MIB:.0f} MiB)")
    sys.exit(seconds > MOST_SECONDS or size > MOST_MIB)
