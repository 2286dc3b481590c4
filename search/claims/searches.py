"""Claims about the search itself, from searches with equal budgets (`optsearch compare`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from primitives import to_text
from search.claims.claim import Answer, Claim, Result, majority
from search.running import PATIENCE, Check, Checks, Method, existing_run, overfits
from search.settings import ClaimSettings, Config, WorkerSettings, load_config, read_config, recorded_values

_RIVALS = {"random": "random search", "tune_constants": "tuning the constants of AdamW", "tree": "tree search"}
_ALPHA = 0.05
_EVOLUTION = "evolution"
_CHECKS = ("selection.check_size=10", "selection.check_seeds=8")  # with fewer seeds, intervals are wide


def search_configs(settings: ClaimSettings) -> dict[str, Config]:
    """The configs of the searches, by the names of their files.

    They run on the workers of the claims. The evolution also has checks for meta-overfitting, which do not change its
    history.

    Raises:
        UserError: a config cannot be read.
    """
    found = {}
    for path in map(Path, settings.searches):
        checks = (f"selection.check_every={settings.check_every}", *_CHECKS) if path.stem == _EVOLUTION else ()
        config = read_config(path, checks)
        kept = config.workers.model_dump(include={"wall_limit", "in_flight"})  # the latter changes histories
        found[path.stem] = config.model_copy(update={"workers": settings.workers.model_copy(update=kept)})
    return found


def contents(config: Config, folder: Path) -> dict[str, Any]:
    """What the history of a search depends on, as JSON values: the config without workers, and the starting program."""
    values = recorded_values(config, folder)
    return {key: value for key, value in values.items() if key != "workers"} | {"program": to_text(load_config(config))}


def not_measured() -> Result:
    """The claims about searches, if the config names none."""
    statement = "evolution finds better programs than random search and tuning of constants, at equal budgets"
    limit = "`searches` of the config is empty"
    return Result("searches", (Claim(statement, "clearly better", "–", Answer.NOT_MEASURED, limit),))


def about_searches(methods: Sequence[Method], configs: Mapping[str, Config], folder: Path) -> Result:
    """Claims about evolution and its comparators.

    Args:
        methods: results of the searches.
        configs: their configs, by name.
        folder: folder of their runs.
    """
    known = {method.name: method for method in methods}
    claims = []
    if _EVOLUTION in known:
        claims += [_better(known[_EVOLUTION], known[name], words) for name, words in _RIVALS.items() if name in known]
        claims += _over_time(known[_EVOLUTION])
    curves = {
        (name, repeat): curve
        for name, config in configs.items()
        if config.selection.check_every
        for repeat, curve in _curves(folder / name).items()
    }
    claims.append(meta_overfitting([*curves.values()]))
    checks = [
        {"run": name, "repeat": repeat, "overfits": overfits(curve), "checks": [check.as_json() for check in curve]}
        for (name, repeat), curve in curves.items()
    ]
    return Result("searches", tuple(claims), {"methods": [method.as_json() for method in methods], "checks": checks})


def _better(method: Method, rival: Method, words: str) -> Claim:
    """Compare the best programs of the repeats on fresh seeds, by the rank test of Mann and Whitney (1947)."""
    from scipy.stats import mannwhitneyu

    own, other = (np.where(np.isfinite(one.fresh), one.fresh, np.inf) for one in (method, rival))
    below, above = (float(mannwhitneyu(own, other, alternative=side).pvalue) for side in ("less", "greater"))
    value = min(1.0, 2 * min(below, above))
    answer = Answer.OPEN if value >= _ALPHA else Answer.HOLDS if below < above else Answer.FAILS
    return Claim(
        f"evolution finds better programs than {words}, at equal evaluations",
        "clearly better, with a quarter of the compute",
        f"median fitness on fresh seeds {_fitness(own)} against {_fitness(other)} "
        f"(p = {value:.3f}, {len(own)} repeats{_lost(own, _EVOLUTION)}{_lost(other, rival.name)})",
        answer,
        "one task and one budget; rank test, two-sided, where programs that diverge are the worst",
    )


def _fitness(fresh: np.ndarray) -> str:
    return f"{np.median(fresh):+.3f}".replace("-", "−").replace("inf", "∞")


def _lost(fresh: np.ndarray, name: str) -> str:
    """The number of best programs that diverge on fresh seeds."""
    lost = int(np.sum(~np.isfinite(fresh)))
    return f"; {lost} of {name} diverge{'s' if lost == 1 else ''}" if lost else ""


def _over_time(method: Method) -> list[Claim]:
    """Redundant statements and cache hits at the beginning and the end of the searches."""
    claims = []
    window = method.as_json()["window"]
    for what, shares, paper in (
        ("redundant statements", method.redundant, "69.8 ± 1.9 % at the end"),
        ("cache hits", method.hits, "89.1 ± 0.6 % at the end"),
    ):
        count = max(1, shares.shape[1] - 1)  # the last window of the shortest repeat may be incomplete
        first, last = shares[:, 0], shares[:, count - 1]
        claims.append(
            Claim(
                f"the share of {what} grows during a search",
                paper,
                f"from {100 * first.mean():.0f} to {100 * last.mean():.0f} %",
                Answer.OPEN if count == 1 else majority([_grown(*pair) for pair in zip(first, last, strict=True)]),
                f"children 1 to {window:,}, and {(count - 1) * window + 1:,} to {count * window:,}, the last that all "
                f"{len(first)} repeats have; the paper's searches have 200,000 children and more",
            )
        )
    return claims


def _grown(first: float, last: float) -> Answer:
    return Answer.HOLDS if last > first else Answer.FAILS if last < first else Answer.OPEN


def _curves(folder: Path) -> dict[int, list[Check]]:
    """The recorded checks for meta-overfitting of each repeat of a run."""
    with existing_run(folder, workers=WorkerSettings()) as opened, opened.workers() as trials:
        checks = Checks(opened.config, opened.journal, trials).all()
    return {
        repeat: [check for check in checks if check.repeat == repeat] for repeat in sorted({c.repeat for c in checks})
    }


def meta_overfitting(curves: Sequence[Sequence[Check]]) -> Claim:
    """Whether fitness improves at the end of a search while the loss on larger tasks gets worse.

    Args:
        curves: checks of each repeat.
    """
    statement = "meta-overfitting: late in a search, fitness improves and the loss on larger tasks grows"
    paper = "seen in searches of the paper"
    long_enough = [curve for curve in curves if len(curve) > PATIENCE]
    if not long_enough:
        limit = f"needs a search `{_EVOLUTION}` with more than {PATIENCE} checks (`check_every`)"
        return Claim(statement, paper, "–", Answer.NOT_MEASURED, limit)
    found = sum(map(overfits, long_enough))
    return Claim(
        statement,
        paper,
        f"in {found} of {len(long_enough)} searches",
        Answer.HOLDS if 2 * found > len(long_enough) else Answer.OPEN,
        f"counts searches whose last {PATIENCE} checks are better in the search than the check with the lowest loss on "
        "larger tasks, and worse there by intervals over seeds; short searches may end before",
    )
