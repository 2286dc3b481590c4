"""The whole discovery, repeated: `optsearch reproduce lion`.

One run a seed, from AdamW to a recognised optimizer. Nothing on the way knows what is looked for; only the account
does.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from primitives.errors import UserError
from search.commands import tables
from search.commands.output import as_json, emit
from search.commands.panel import Progress
from search.record.folder import CONFIG, JOURNAL, SUMMARY, open_run, plain, write_text
from search.running import run as runner
from search.running.summary import Summary
from search.settings.config import Config, read_config
from selection.derivation import Derivation

TARGETS = ("lion",)
_CONFIGS = (Path("configs"), Path(__file__).resolve().parent.parent / "configs")

LEVELS = (
    "something else",
    "the sign of a momentum",
    "the sign of a momentum with two betas",
    "Lion: sign, two betas, decoupled decay",
)


def level(found: Derivation) -> int:
    """How much of Lion a program has, from 0 to 3 (see `LEVELS`), recognised as a whole or but for a remainder."""
    known = found.recognised or found.resembles
    name = known.name.removeprefix("cautious ") if known else ""
    if known is None or name not in ("signum", "lion"):
        return 0
    if name == "signum":
        return 1
    return 3 if dict(known.constants).get("decay") else 2


def succeeded(found: Derivation) -> bool:
    """Whether a program is Lion with decay, and nothing else."""
    return found.recognised is not None and found.recognised.name == "lion" and level(found) == len(LEVELS) - 1


def account(seed: int, summary: Summary, seconds: float) -> dict[str, Any]:
    """One row of the account, as plain values."""
    found = summary.derivation.as_json()
    ladder = level(summary.derivation)
    return {
        "seed": seed,
        "success": succeeded(summary.derivation),
        "level": ladder,
        "level_in_words": LEVELS[ladder],
        "seconds": round(seconds),
        "children": summary.statistics["children"],
        "evaluated": summary.statistics["evaluated"],
        "digest": summary.digest,
        "fitness": summary.champion.fitness,
        "raw": summary.row.program,
        "simplified": found["program"],
        "recognised": found["recognised"],
        "constants": found["constants"],
        "resembles": found["resembles"],
        "verdict": found["verdict"],
        "through_the_funnel": summary.funnel.winner is not None if summary.funnel else None,
        "losses": [row.as_json() | {"per_seed": None} for row in summary.table],
        "stages": [stage.as_json() for stage in summary.funnel.stages] if summary.funnel else [],
    }


def reproduce_all(
    target: str,
    config_of: Callable[[int], Config],
    seeds: Sequence[int],
    folder: Path,
    progress: Callable[[], Progress],
) -> dict[str, Any]:
    """Run each seed, or go on with it where it stopped; the account is written after each.

    Args:
        target: what is looked for in the account.
        config_of: the config of a seed.
        seeds: of the runs.
        folder: of the account; each run has one in it.
        progress: makes what is told of a run.

    Returns:
        `target`, `seeds` (runs that have ended), `successes`, `runs`.

    Raises:
        UserError: a folder holds a run of another config.
        KeyboardInterrupt: the user stopped; the same call goes on from there.
    """
    runs: list[dict[str, Any]] = []
    for seed in seeds:
        config, run = config_of(seed), folder / f"seed-{seed}"
        with progress() as shown:
            shown.note(f"seed {seed}: {run}")
            if (run / JOURNAL).exists():
                _check(run, config)
                summary = runner.resume(run, shown)
            else:
                summary = runner.run(config, run, shown)
        if not summary.complete:
            raise KeyboardInterrupt
        with open_run(run) as journal:
            seconds = float(journal.meta().get(runner.SECONDS, 0.0))
        runs.append(account(seed, summary, seconds))
        facts = {
            "target": target,
            "seeds": len(runs),
            "successes": sum(row["success"] for row in runs),
            "levels": [row["level"] for row in runs],
            "runs": runs,
        }
        write_text(folder / SUMMARY, json.dumps(plain(facts), indent=1) + "\n")
    return facts


def _check(run: Path, config: Config) -> None:
    with open_run(run) as journal:
        known = runner.config_of(journal)
    for section in ("seed", "tasks", "search", "evaluation"):
        if getattr(known, section) != getattr(config, section):
            raise UserError(f"`{run}` holds a run of another config (see `{run / CONFIG}`); give another `--out`")


@click.command()
@click.argument("target", type=click.Choice(TARGETS))
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="Runs, of seeds 1, 2, …")
@click.option("--config", type=click.Path(path_type=Path), help="By default configs/TARGET.yaml.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the runs; by default results/TARGET.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the config.")
@as_json
def reproduce(
    target: str, seeds: int, config: Path | None, out: Path | None, overrides: tuple[str, ...], as_json: bool
) -> None:
    """Repeat the discovery of TARGET from AdamW, and say how often it succeeded; run again, it goes on."""
    path = config or next((p / f"{target}.yaml" for p in _CONFIGS if (p / f"{target}.yaml").is_file()), None)
    if path is None:
        raise UserError(f"there is no `configs/{target}.yaml` here; give one with `--config`")

    def config_of(seed: int) -> Config:
        return read_config(path, [*overrides, f"seed={seed}"])

    facts = reproduce_all(target, config_of, range(1, seeds + 1), out or Path("results", target), Progress)
    emit(facts, lambda: tables.reproduction(facts), as_json)
