"""The tables of seeds in `docs/lion.md`, from the summaries in `results/`: `python -m benchmarks.lion_report [FOLDER]`.

FOLDER is the folder of `optsearch reproduce lion --out FOLDER`. Its runs are copied to `results/lion` first.
"""

import json
import lzma
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from search.record import JOURNAL, SUMMARY, Journal
from selection import interval, percent

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "lion.md"
ACCOUNT = ROOT / "results" / "lion" / SUMMARY
# Earlier versions: crossover did not keep the distance from the update; in addition, constants were always tuned on the
# same six seeds; in addition, only the best program was tuned further; in addition, each structure was evaluated once.
WITHOUT_HOMOLOGOUS = ROOT / "results" / "lion_without_homologous" / SUMMARY
FIXED_CLIMBING = ROOT / "results" / "lion_fixed_climbing" / SUMMARY
WITHOUT_LEAST_TUNED = ROOT / "results" / "lion_without_least_tuned" / SUMMARY
WITHOUT_RETRIES = ROOT / "results" / "lion_without_retries" / SUMMARY
TABLES = {  # marks of the table of each account
    ACCOUNT: ("<!-- seeds: begin -->", "<!-- seeds: end -->"),
    WITHOUT_HOMOLOGOUS: ("<!-- without homologous: begin -->", "<!-- without homologous: end -->"),
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
    "test loss against tuned Lion",
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


def losses(run: dict[str, Any], split: str, *programs: str) -> dict[str, Any]:
    """Losses of the first of these programs that was compared on a split."""
    rows = {row["program"]: row for row in run["losses"] if row["split"] == split}
    return next(rows[program] for program in programs if program in rows)


def simplified(run: dict[str, Any], split: str) -> dict[str, Any]:
    """Losses of the simplified program; of the champion, if simplification was exact or it was not compared."""
    return losses(run, split, "simplified", "found")


def change(log_ratio: float, ends: Sequence[float]) -> str:
    """Relative change of the loss with its 95 % interval, in per cent."""
    mean, low, high = map(percent, (log_ratio, *ends))
    return f"{mean:+.1f} % ({low:+.1f} … {high:+.1f})".replace("-", "−")


def against_adamw(run: dict[str, Any], split: str) -> str:
    """Change of the loss of a found program against the tuned AdamW on a split."""
    row = simplified(run, split)
    return change(row["log_ratio"], row["interval"])


def against_lion(run: dict[str, Any]) -> str:
    """Change of the test loss against the tuned Lion, paired by seed; a dash if the losses of seeds are not kept."""
    own, lion = (row["per_seed"] for row in (simplified(run, "test"), losses(run, "test", "lion (tuned)")))
    if not own:
        return "–"
    ratios = np.log(own) - np.log(lion)
    return change(float(np.mean(ratios)), interval(ratios))


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
            against_adamw(run, "validation"),
            against_adamw(run, "test"),
            against_lion(run),
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
    before, first, rest = page.partition(marks[0])
    _, last, after = rest.partition(marks[1])
    if not (first and last):
        raise ValueError(f"the page has no marks {marks}")
    return f"{before}{marks[0]}\n{text}\n{marks[1]}{after}"


def main() -> None:
    """Copy the runs of the folder that the command line names, and write the tables."""
    for folder in sys.argv[1:]:
        keep(Path(folder))
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
