"""The commands on configs and runs: `run`, `resume`, `select`, `compare` and `validate`."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import yaml

from primitives import UserError
from search.claims import search_configs
from search.commands import tables
from search.commands.interrupts import stop_on_signals
from search.commands.output import as_json, emit, example, overrides, print_trial, say, trust
from search.commands.panel import LivePanel
from search.commands.parameters import RUN
from search.commands.screen import Screen
from search.record import claim, fresh_folder, look
from search.running import (
    compare_methods,
    config_of,
    read_checked_config,
    resume_search,
    run_search,
    select_champion,
    with_baselines,
)
from search.settings import (
    ClaimSettings,
    Config,
    check_config,
    is_claims_config,
    load_config,
    read_claim_settings,
    read_config,
    restore_config,
    set_key,
    to_yaml,
)

CHILDREN = "search.children"


@click.command(epilog=example("optsearch run configs/quickstart.yaml --set search.children=500"))
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; by default a new one under results/.")
@overrides
@trust
@as_json
def run(config: Path, out: Path | None, overrides: tuple[str, ...], trust: bool, as_json: bool) -> None:
    """Run a search with the settings in CONFIG.

    The search evolves programs, chooses the champion, compares it with tuned baselines, and writes a run folder.
    """
    settings = read_checked_config(config, overrides, trust=trust, say=say)
    load_config(settings, say=say)
    if out:
        claim(out)  # reports an occupied folder before baselines are tuned
    console = Screen(stderr=True)
    settings = with_baselines(settings, partial(print_trial, console))
    folder = out or fresh_folder(config)
    with stop_on_signals() as stop, LivePanel() as panel:
        summary = run_search(settings, folder, panel, stop)
    emit(summary.as_json(folder), lambda: tables.summary(summary, folder), as_json)


@click.command(epilog=example("optsearch resume results/quickstart"))
@click.argument("run", type=RUN)
@click.option(
    "--repair", is_flag=True, help="First repair a damaged journal: keep a copy, and score lost candidates again."
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of `workers` or `selection`, such as workers.count=4, or extend the search: "
    "search.children=5000.",
)
@trust
@as_json
def resume(run: Path, repair: bool, overrides: tuple[str, ...], trust: bool, as_json: bool) -> None:
    """Continue the run in folder RUN.

    The search continues from the end of the journal. Recorded results are kept.
    """
    changed = _changed(run, overrides) if overrides else None
    with stop_on_signals() as stop, LivePanel() as panel:
        summary = resume_search(
            run,
            panel,
            stop,
            repair_journal=repair,
            trust=trust,
            workers=changed.workers if changed else None,
            children=changed.search.children if changed else None,
            selection=changed.selection if changed else None,
        )
    emit(summary.as_json(run), lambda: tables.summary(summary, run), as_json)


def _changed(run: Path, overrides: Sequence[str]) -> Config:
    """The config of a run, with overrides; `workers.in_flight` is refused, since it changes the history."""
    for override in overrides:
        key = override.partition("=")[0].strip()
        if key != CHILDREN and (not key.startswith(("workers.", "selection.")) or key == "workers.in_flight"):
            raise UserError(
                f"`--set {override}`: a resumed run keeps its settings, except for `{CHILDREN}` and for keys of "
                f"`selection` and of `workers` other than `workers.in_flight`"
            )
    with look(run) as journal:
        values = config_of(journal, run).model_dump(mode="json")
    for override in overrides:
        set_key(values, override)
    return restore_config(values)


@click.command(epilog=example("optsearch select results/quickstart --set selection.seeds=16"))
@click.argument("run", type=RUN)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of `selection` or `workers`, such as selection.seeds=32.",
)
@trust
@as_json
def select(run: Path, overrides: tuple[str, ...], trust: bool, as_json: bool) -> None:
    """Run the funnel of a finished search.

    The best programs of the run in folder RUN are compared with tuned baselines on larger tasks. The stages are those
    of its config, by default two with default settings. Recorded trials are not run again, so the same command prints
    the tables of a finished funnel again.
    """
    with stop_on_signals() as stop, LivePanel() as panel:
        summary = select_champion(run, panel, stop, overrides=overrides, trust=trust)
    emit(summary.as_json(run), lambda: tables.summary(summary, run), as_json)


@click.command(name="compare", epilog=example("optsearch compare configs/compare/*.yaml --out results/comparison"))
@click.argument("configs", metavar="CONFIG...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="results/comparison",
    show_default=True,
    help="Folder for the run folders, the figures and the comparison.",
)
@overrides
@trust
@as_json
def compare(configs: tuple[Path, ...], out: Path, overrides: tuple[str, ...], trust: bool, as_json: bool) -> None:
    """Compare search methods with equal budgets.

    Each CONFIG is run, and the results are drawn. The same command continues after an interruption.
    """
    named = {config.stem: read_checked_config(config, overrides, trust=trust, say=say) for config in configs}
    if len(named) < len(configs):
        raise UserError("two configs have the same file name; it must be unique, since run folders are named after it")
    for config in named.values():
        load_config(config, say=say)
    tick = partial(print_trial, Screen(stderr=True))
    named = {name: with_baselines(config, tick) for name, config in named.items()}
    with stop_on_signals() as stop, LivePanel() as panel:
        methods = compare_methods(named, out, panel, stop)
    emit({"methods": [method.as_json() for method in methods]}, lambda: tables.methods(methods, out), as_json)


@click.command(epilog=example("optsearch validate configs/quickstart.yaml --set search.children=50"))
@click.argument("config", type=click.Path(path_type=Path))
@overrides
@click.option("--schema", is_flag=True, help="Print the JSON schema of configs instead, for editors.")
@trust
@as_json
def validate(config: Path, overrides: tuple[str, ...], schema: bool, trust: bool, as_json: bool) -> None:
    """Check a config and print it with defaults.

    CONFIG is the config of a run, or that of `optsearch reproduce claims`. Without `--trust` no module that it names is
    imported, and the parts that were not checked are listed.
    """
    if schema:
        click.echo(json.dumps(Config.model_json_schema(), indent=2))
        return
    settings: Config | ClaimSettings
    if is_claims_config(config):
        settings = read_claim_settings(config, overrides)
        searches, text = [*search_configs(settings).values()], yaml.safe_dump(_plain(settings), sort_keys=False)
    else:
        settings = read_config(config, overrides)
        searches, text = [settings], to_yaml(settings)
    unchecked = list(dict.fromkeys(sentence for search in searches for sentence in _unchecked(search, trust)))
    for sentence in unchecked:
        say(f"not checked: {sentence}")
    if unchecked:
        say("`--trust` imports these modules and checks the rest")
    emit({"config": _plain(settings), "unchecked": unchecked}, lambda: text, as_json)


def _plain(settings: Config | ClaimSettings) -> dict[str, Any]:
    return settings.model_dump(mode="json")


def _unchecked(config: Config, trust: bool) -> list[str]:
    """Check the config of a search; returns a sentence for each part that was not checked."""
    if not trust:
        return check_config(config)
    load_config(config, say=say)
    return []
