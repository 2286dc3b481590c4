"""The run folder: what is left of a run, under names that other tools rely on."""

import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from primitives.dataflow import functional_hash, live, live_part
from primitives.errors import UserError
from primitives.program import Program
from primitives.text import parse, to_text
from search.journal import Journal
from selection.comparison import Comparison
from simplify.recognise import recognise

CONFIG, JOURNAL, SUMMARY = "config.yaml", "journal.sqlite", "summary.json"
BEST, SIMPLIFIED = "best.py", "simplified.py"

_VERSIONED = ("optsearch", "jax", "jaxlib", "numpy", "scikit-learn")


@dataclass(frozen=True)
class Summary:
    """What a run found.

    Attributes:
        champion: the found program, as it was found.
        fitness: its fitness during the search.
        final_fitness: its fitness on the fresh seeds on which the champion was chosen.
        repeat: the repeat that it comes from.
        number: its number there.
        table: the champion beside the tuned baselines, on fresh seeds.
        complete: whether all children were scored.
        digest: hash over the recorded history.
        statistics: counts of the journal.
    """

    champion: Program
    fitness: float
    final_fitness: float
    repeat: int
    number: int
    table: tuple[Comparison, ...]
    complete: bool
    digest: str
    statistics: dict[str, Any]

    def as_json(self, run: Path) -> dict[str, Any]:
        """Plain values, as `--json` prints them and `summary.json` holds them."""
        found = recognise(self.champion)
        return {
            "run": str(run),
            "complete": self.complete,
            "best": {
                "program": to_text(self.champion),
                "live": to_text(live_part(self.champion)),
                "fitness": self.fitness,
                "final_fitness": self.final_fitness,
                "recognised": found.name if found else None,
                "hash": functional_hash(self.champion),
                "repeat": self.repeat,
                "number": self.number,
            },
            "digest": self.digest,
            "children": self.statistics["children"],
            "evaluated": self.statistics["evaluated"],
            "statistics": self.statistics,
            "comparison": [asdict(row) | {"change": row.change} for row in self.table],
            "versions": versions(),
        }


def versions() -> dict[str, str]:
    """Versions of whatever can change a number."""
    return {"python": platform.python_version()} | {name: version(name) for name in _VERSIONED}


def fresh_folder(config: Path) -> Path:
    """A name under `results/` that no run has yet: that of the config, with a number if it has to be."""
    names = [config.stem, *(f"{config.stem}-{number}" for number in range(2, 10_000))]
    return next(Path("results", name) for name in names if not Path("results", name).exists())


def refuse_used(folder: Path) -> None:
    """Raise `UserError` if a folder cannot become that of a new run."""
    if (folder / JOURNAL).exists():
        raise UserError(f"`{folder}` already holds a run; `optsearch resume {folder}` goes on with it")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"`{folder}` exists and is not an empty folder; give another with `--out`")


def open_run(folder: Path) -> Journal:
    """The journal of a run folder; raises `UserError` if the folder holds no run."""
    if not folder.is_dir():
        raise UserError(f"there is no run folder `{folder}`")
    if not (folder / JOURNAL).is_file():
        raise UserError(f"`{folder}` is not a run folder: it has no {JOURNAL}")
    return Journal.open(folder / JOURNAL)


def write_text(path: Path, text: str) -> None:
    """Write a file so that it is either there as a whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def write_summary(folder: Path, summary: Summary) -> None:
    """Write `best.py`, `simplified.py` and `summary.json`."""
    lines, slots = live(summary.champion)
    total = len(summary.champion.statements)
    origin = (
        f"candidate {summary.number} of repeat {summary.repeat}, fitness {summary.final_fitness:.4f} on fresh seeds"
    )
    simplified = live_part(summary.champion)
    assert functional_hash(parse(to_text(simplified))) == functional_hash(summary.champion)
    write_text(folder / BEST, f"# As found: {origin}.\n{to_text(summary.champion)}")
    note = (
        f"{total - len(lines)} of {total} statements were redundant; state slots in use: {', '.join(slots) or 'none'}"
    )
    write_text(folder / SIMPLIFIED, f"# The live part of {origin}.\n# {note}.\n{to_text(simplified)}")
    write_text(folder / SUMMARY, json.dumps(summary.as_json(folder), indent=2) + "\n")
