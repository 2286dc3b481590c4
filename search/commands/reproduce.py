"""The command `optsearch reproduce`: repeats a discovery with several seeds, or measures the claims of the paper."""

from collections.abc import Sequence
from importlib.metadata import files
from pathlib import Path

import click

from primitives import UserError
from search.commands import tables
from search.commands.interrupts import stop_on_signals
from search.commands.output import as_json, emit, example, overrides, say, trust
from search.commands.panel import LivePanel
from search.commands.reproduce_claims import reproduce_claims
from search.running import TARGETS, read_checked_config, reproduce_all
from search.settings import Config

_CLAIMS = "claims"


@click.command(epilog=example("optsearch reproduce lion --seeds 3"))
@click.argument("target", type=click.Choice([*TARGETS, _CLAIMS]))
@click.option(
    "--seeds", type=click.IntRange(1), default=3, show_default=True, help="Number of runs, with the seeds 1, 2, …"
)
@click.option(
    "--seed",
    "chosen",
    type=click.IntRange(0),
    multiple=True,
    help="Run this seed, in place of --seeds; can be repeated.",
)
@click.option("--config", type=click.Path(path_type=Path), help="By default configs/TARGET.yaml.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the runs; by default results/TARGET.")
@overrides
@trust
@as_json
def reproduce(
    target: str,
    seeds: int,
    chosen: Sequence[int],
    config: Path | None,
    out: Path | None,
    overrides: tuple[str, ...],
    trust: bool,
    as_json: bool,
) -> None:
    """Repeat a discovery, or measure the claims of the paper.

    The search for TARGET is run with several seeds, and the successes are counted: Lion from AdamW, Adam from SGD. With
    --seed, several terminals can run different seeds in one folder. With the target `claims`, what Chen et al. (2023)
    state about Lion is measured on the built-in tasks, which takes hours. The same command continues after a stop.
    """
    path = config or config_of_target(target)
    if target == _CLAIMS:
        if chosen:
            raise UserError("`--seed` selects runs of a search; the seeds of claims are set in the config")
        reproduce_claims(path, out or Path("results", target), overrides, as_json, trust=trust)
        return
    numbers = chosen or range(1, seeds + 1)

    def config_of(seed: int) -> Config:
        return read_checked_config(path, [*overrides, f"seed={seed}"], trust=trust, say=say)

    with stop_on_signals() as stop:
        facts = reproduce_all(
            target, config_of, numbers, out or Path("results", target), reporting=LivePanel, stop=stop
        )
    emit(facts, lambda: tables.reproduction(facts), as_json)


def config_of_target(target: str) -> Path:
    """The config of a target: in the working directory, beside the source, or in the installed package."""
    name = Path("configs", f"{target}.yaml")
    source = Path(__file__).resolve().parent.parent.parent
    installed = [Path(str(file.locate())) for file in files("optsearch") or () if file.match(str(name))]
    for path in (name, source / name, *installed):
        if path.is_file():
            return path
    raise UserError(f"`{name}` was not found; `--config` must name a config")
