"""The tables of seeds in `docs/lion.md`, from the summaries in `results/`: `python -m benchmarks.lion_report [FOLDER]`.

FOLDER is the folder of `optsearch reproduce lion --out FOLDER`. Its runs are copied to `results/lion` first.
"""

import json
import lzma
import math
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from search.record import JOURNAL, SUMMARY, Journal

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "lion.md"
ACCOUNT = ROOT / "results" / "lion" / SUMMARY
# Earlier configs: constants were always tuned on the same six seeds; in addition, only the best program was tuned
# further; in addition, each structure was evaluated once.
FIXED_CLIMBING = ROOT / "results" / "lion_fixed_climbing" / SUMMARY
WITHOUT_LEAST_TUNED = ROOT / "results" / "lion_without_least_tuned" / SUMMARY
WITHOUT_RETRIES = ROOT / "results" / "lion_without_retries" / SUMMARY
TABLES = {  # marks of the table of each account
    ACCOUNT: ("<!-- seeds: begin -->", "<!-- seeds: end -->"),
    FIXED_CLIMBING: ("<!-- fixed climbing: begin -->", "<!-- fixed climbing: end -->"),
    WITHOUT_LEAST_TUNED: ("<!-- without least tuned: begin -->", "<!-- without least tuned: end -->"),
    WITHOUT_RETRIES: ("<!-- without retries: begin -->", "<!-- without retries: end -->"),
}
PROGRAMS = ("best.py", "simplified.py", "optax_export.py")  # files of a run that are kept beside its journal
COLUMNS = (
    "seed",
    "candidates",
    "evaluated",
    "minutes",
    "finalists tuned × trials",
    "first Lion that led its search",
    "validation loss against tuned AdamW",
    "test loss",
    "digest",
    "found",
)


@contextmanager
def kept(folder: Path) -> Iterator[Journal]:
    """The journal of a committed run, unpacked for as long as it is open."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, JOURNAL)
        path.write_bytes(lzma.decompress((folder / f"{JOURNAL}.xz").read_bytes()))
        with Journal.look(path) as journal:
            yield journal


def keep(folder: Path, account: Path = ACCOUNT) -> None:
    """Copy the complete runs of a reproduction to an account.

    Args:
        folder: of the reproduction.
        account: the summary to be written; programs and compressed journals are written to folders beside it.
    """
    text = (folder / SUMMARY).read_text(encoding="utf-8")
    for run in json.loads(text)["runs"]:
        name = f"seed-{run['seed']}"
        target = account.parent / name
        target.mkdir(parents=True, exist_ok=True)
        for program in PROGRAMS:
            shutil.copy(folder / name / program, target / program)
        journal = (folder / name / JOURNAL).read_bytes()  # a run that has ended has no other file of the database
        (target / f"{JOURNAL}.xz").write_bytes(lzma.compress(journal, preset=9))
    account.write_text(text, encoding="utf-8")


def change(run: dict[str, Any], split: str) -> str:
    """Change of the mean loss of a found program against the tuned AdamW on a split, with its 95 % interval."""
    row = next(row for row in run["losses"] if row["program"] == "found" and row["split"] == split)
    low, high = (math.expm1(bound) * 100 for bound in row["interval"])
    return f"{row['change'] * 100:+.1f} % ({low:+.1f} … {high:+.1f})".replace("-", "−")


def first_in_front(run: dict[str, Any]) -> str:
    """The first candidate that was the best of its search and full Lion."""
    return next((f"candidate {entry['candidate']:,}" for entry in run["course"] if entry["success"]), "–")


def found(run: dict[str, Any]) -> str:
    """The found program in words."""
    if not run["success"]:
        return str(run["verdict"])
    constants = {name: f"{value:.2g}" for name, value in run["constants"].items()}
    return f"**Lion**: betas {constants['beta1']} and {constants['beta2']}, decay {constants['decay']}"


def table(runs: list[dict[str, Any]]) -> str:
    """One row for each run."""
    rows = [
        (
            str(run["seed"]),
            f"{run['children']:,}",
            f"{run['evaluated']:,}",
            str(run["seconds"] // 60),
            f"{run['leaders']} × {run['tuning_trials']}{', halving' * (run.get('tuning_rounds', 1) > 1)}",
            first_in_front(run),
            change(run, "validation"),
            change(run, "test"),
            f"{run['digest'][:8]}…",
            found(run),
        )
        for run in runs
    ]
    head = (COLUMNS, ("--:",) * (len(COLUMNS) - 1) + ("---",))
    return "\n".join(f"| {' | '.join(row)} |" for row in (*head, *rows))


def written(page: str) -> str:
    """The page with the tables of all accounts."""
    for account, marks in TABLES.items():
        page = between(page, marks, table(json.loads(account.read_text(encoding="utf-8"))["runs"]))
    return page


def between(page: str, marks: tuple[str, str], text: str) -> str:
    """A page with a text between two marks, in place of what was there."""
    before, _, rest = page.partition(marks[0])
    _, _, after = rest.partition(marks[1])
    return f"{before}{marks[0]}\n{text}\n{marks[1]}{after}"


def main() -> None:
    """Copy the runs of the folder that the command line names, and write the tables."""
    for folder in sys.argv[1:]:
        keep(Path(folder))
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
