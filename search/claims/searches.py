"""Claims about the search itself, from searches with equal budgets (`optsearch compare`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from search.claims.claim import Answer, Claim, Result
from search.running import Checks, Method, existing_run
from search.settings import Config

_RIVALS = {"random": "random search", "tune_constants": "tuning the constants of AdamW", "tree": "tree search"}
_ALPHA = 0.05
_EVOLUTION = "evolution"


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
    curves = [
        curve for name, config in configs.items() if config.selection.check_every for curve in _curves(folder / name)
    ]
    claims.append(meta_overfitting(curves))
    data = {"methods": [method.as_json() for method in methods], "checks": curves}
    return Result("searches", tuple(claims), data)


def _better(method: Method, rival: Method, words: str) -> Claim:
    """Compare the best programs of the repeats on fresh seeds, by the rank test of Mann and Whitney (1947)."""
    from scipy.stats import mannwhitneyu

    below, above = (
        float(mannwhitneyu(method.fresh, rival.fresh, alternative=side).pvalue) for side in ("less", "greater")
    )
    return Claim(
        f"evolution finds better programs than {words}, at equal evaluations",
        "clearly better, with a quarter of the compute",
        f"median fitness on fresh seeds {np.median(method.fresh):+.3f} against {np.median(rival.fresh):+.3f} "
        f"(p = {below:.3f}, {len(method.fresh)} repeats)".replace("-", "−"),
        Answer.HOLDS if below < _ALPHA else Answer.FAILS if above < _ALPHA else Answer.OPEN,
        "one task and one budget; one-sided rank tests",
    )


def _over_time(method: Method) -> list[Claim]:
    """Redundant statements and cache hits at the beginning and the end of the searches."""
    claims = []
    for what, shares, paper in (
        ("redundant statements", method.redundant, "69.8 ± 1.9 % at the end"),
        ("cache hits", method.hits, "89.1 ± 0.6 % at the end"),
    ):
        first, last = shares[:, 0], shares[:, -1]
        claims.append(
            Claim(
                f"the share of {what} grows during a search",
                paper,
                f"from {100 * first.mean():.0f} to {100 * last.mean():.0f} %",
                Answer.HOLDS if np.all(last > first) else Answer.FAILS if np.all(last < first) else Answer.OPEN,
                f"first and last {method.as_json()['window']} children, in {len(first)} repeats; "
                "the paper's searches have 200,000 children and more",
            )
        )
    return claims


def _curves(folder: Path) -> list[dict[str, Any]]:
    """The recorded checks for meta-overfitting of a run, a curve for each repeat."""
    with existing_run(folder) as opened, opened.workers() as trials:
        checks = Checks(opened.config, opened.journal, trials).all()
    return [
        {
            "run": folder.name,
            "repeat": repeat,
            "checks": [check.as_json() for check in checks if check.repeat == repeat],
        }
        for repeat in sorted({check.repeat for check in checks})
    ]


def meta_overfitting(curves: Sequence[dict[str, Any]]) -> Claim:
    """Whether fitness improves at the end of a search while the loss on larger tasks gets worse."""
    statement = "meta-overfitting: late in a search, fitness improves and the loss on larger tasks grows"
    paper = "seen in searches of the paper"
    if not curves:
        limit = "no config of `searches` sets `selection.check_every`"
        return Claim(statement, paper, "–", Answer.NOT_MEASURED, limit)
    ends = [curve["checks"][-1] for curve in curves]
    bests = [min(curve["checks"], key=lambda check: check["larger"]) for curve in curves]
    worse = [
        end["fitness"] < best["fitness"] and end["larger"] > best["larger"]
        for end, best in zip(ends, bests, strict=True)
    ]
    lost = [end["larger"] - best["larger"] for end, best in zip(ends, bests, strict=True)]
    return Claim(
        statement,
        paper,
        f"in {sum(worse)} of {len(worse)} searches; the last best program is {100 * np.expm1(np.median(lost)):.1f} % "
        "above the best one on larger tasks (median)",
        Answer.HOLDS if 2 * sum(worse) > len(worse) else Answer.OPEN,
        "few checks and few seeds: a difference may be noise",
    )
