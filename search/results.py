"""The run folder: what is left of a run, under names that other tools rely on."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from primitives.dataflow import functional_hash, live, live_part
from primitives.errors import UserError
from primitives.export import export
from primitives.text import to_text
from search.checks import Check
from search.checks import draw as draw_checks
from search.derivation import Derivation
from search.evaluation import versions
from search.journal import Journal
from search.rows import Row
from selection.champion import Champion
from selection.comparison import Comparison
from selection.funnel import Outcome

CONFIG, JOURNAL, SUMMARY, LOCK = "config.yaml", "journal.sqlite", "summary.json", "run.lock"
BEST, SIMPLIFIED, EXPORT, DRAWING = "best.py", "simplified.py", "optax_export.py", "dataflow.svg"
CHECKS = "meta_overfitting.svg"


@dataclass(frozen=True)
class Summary:
    """What a run found.

    Attributes:
        champion: the chosen program, with its fitness on the seeds on which it was chosen.
        row: the journal's row of the candidate that it was.
        table: the champion beside the tuned baselines, on other seeds.
        complete: whether all children were scored.
        digest: hash over the recorded history.
        statistics: counts of the journal.
        derivation: what the champion comes down to.
        shares: the weight of each task in a fitness.
        funnel: who stood how at larger stages; `None` where none were held.
        checks: the best so far on larger tasks, while the search went on.
        trained: trials that were not on record yet.
    """

    champion: Champion
    row: Row
    table: tuple[Comparison, ...]
    complete: bool
    digest: str
    statistics: dict[str, Any]
    derivation: Derivation
    shares: dict[str, float]
    funnel: Outcome | None = None
    checks: tuple[Check, ...] = ()
    trained: int = 0

    def as_json(self, run: Path) -> dict[str, Any]:
        """Plain values, as `--json` prints them and `summary.json` holds them."""
        program = self.champion.program
        simplified = self.derivation.as_json()
        return {
            "run": str(run),
            "complete": self.complete,
            "tasks": self.shares,
            "best": {
                "program": to_text(program),
                "live": to_text(live_part(program)),
                "fitness": self.champion.fitness,
                "search_fitness": self.row.fitness,
                "recognised": simplified["recognised"],
                "hash": functional_hash(program),
                "repeat": self.row.repeat,
                "number": self.row.number,
                "tuned": self.champion.tuned,
                "as_found": self.row.program,
            },
            "simplified": simplified,
            "digest": self.digest,
            "children": self.statistics["children"],
            "evaluated": self.statistics["evaluated"],
            "statistics": self.statistics,
            "comparison": [row.as_json() for row in self.table],
            **(self.funnel.as_json() if self.funnel else {"stages": [], "table": []}),
            "checks": [check.as_json() for check in self.checks],
            "trained": self.trained,
            "versions": versions(),
        }


def fresh_folder(config: Path) -> Path:
    """Make a folder under `results/` for a new run: named like the config, with a number if that is taken."""
    folder, number = Path("results", config.stem), 2
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            folder, number = Path("results", f"{config.stem}-{number}"), number + 1
        except OSError as error:
            raise UserError(f"no folder can be made under `results`: {error.strerror}") from None
        else:
            return folder


def claim(folder: Path) -> None:
    """Make the folder of a new run; raises `UserError` if it holds anything but the remains of one that never began."""
    if (folder / JOURNAL).exists():
        raise UserError(f"`{folder}` already holds a run; `optsearch resume {folder}` goes on with it")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"`{folder}` exists and is not an empty folder; give another with `--out`")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"folder `{folder}` cannot be made: {error.strerror}") from None
    if any(path.suffix != ".part" and path.name != LOCK for path in folder.iterdir()):
        raise UserError(f"`{folder}` exists and is not an empty folder; give another with `--out`")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder; raises `UserError` while another process does. A process that dies holds nothing."""
    try:
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout:
        raise UserError(f"`{folder}` is in use by another `optsearch`, which has to end first") from None


def open_run(folder: Path, damaged: bool = False) -> Journal:
    """The journal of a run folder; raises `UserError` if the folder holds no run."""
    if not folder.is_dir():
        raise UserError(f"there is no run folder `{folder}`")
    if not (folder / JOURNAL).is_file():
        raise UserError(f"`{folder}` is not a run folder: it has no {JOURNAL}")
    return Journal.open(folder / JOURNAL, damaged)


def write_text(path: Path, text: str) -> None:
    """Write a file so that it is either there as a whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def write_summary(folder: Path, summary: Summary) -> None:
    """Write the champion as it is, simplified, as code and as a drawing, and `summary.json`."""
    from search.drawing import draw  # takes a while to import, which other commands need not wait for

    program, simplified = summary.champion.program, summary.derivation.program
    origin = f"candidate {summary.row.number} of repeat {summary.row.repeat}"
    tuned = " with its constants tuned" if summary.champion.tuned else ""
    fitness = f"fitness {summary.champion.fitness:.4f} on seeds that the search did not use"
    note = (
        f"{len(live(simplified).lines)} statements of {len(program.statements)} are left after "
        f"{len(summary.derivation.steps)} steps; {summary.derivation.verdict}"
    )
    source = f"Found by program search: {origin}{tuned}, simplified"
    write_text(folder / BEST, f"# {origin.capitalize()}{tuned}; {fitness}.\n{to_text(program)}")
    write_text(folder / SIMPLIFIED, f"# {origin.capitalize()}{tuned}, simplified: {note}.\n{to_text(simplified)}")
    try:
        code = export(simplified, "optax", "discovered", f"{source}; {fitness}.")
    except UserError as error:  # a function of the user's own that does not say how it is written
        code = f"# Not exported: {error}.\n"
    write_text(folder / EXPORT, code)
    draw({"found: live part": program, "simplified": simplified}, folder / DRAWING)
    if summary.checks:
        draw_checks(summary.checks, folder / CHECKS)
    write_text(folder / SUMMARY, json.dumps(plain(summary.as_json(folder)), indent=2) + "\n")


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The same value with `null` for every number that is not finite, which JSON cannot say."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
