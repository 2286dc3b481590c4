"""Selection of discovered programs at larger scale: tuned baselines, the funnel, intervals and verdicts.

The public names of this package, by module; other packages use no others.

- `optimizers`, `own_optimizers`: the baselines (`OPTIMIZERS`, `Optimizer`, `optimizer`, `starting`), and custom optax
  transformations as baselines (`from_optax`).
- `trials`: trainings as data (`Trial`, of an `Entrant`), procedures that request trials (`Work`, `train`), and runners
  of trials (`TrialRunner`, `LocalTrials`, `losses_together`).
- `tuning`, `bayesian`: tuning of constants (`tune`, `random_search`, `bayesian_search`, `tuning_work`,
  `validation_loss`, `ConstantSpace`, `TuningResult`, and the sizes of its steps, `WIDE` and `NARROW`).
- `intervals`: confidence intervals and verdicts (`interval`, `verdicts`, `Verdict`, `CONFIDENCE`), and the variance
  between tunings over several entrants (`pooled_variance`, `TuningVariance`).
- `fitness_on_seeds`: the fitness of the search on other seeds (`FitnessOnSeeds`, `SeedFitness`).
- `champion`: ranking of finalists (`rank_finalists`, `tune_all`, `Finalist`).
- `comparison`: comparison of programs with the tuned AdamW (`compare_losses`, `tuned_baselines`, `Comparison`), names
  in it (`FOUND`, `SIMPLIFIED`, `TUNED_ADAMW`, `TUNED_LION`), log loss ratios as changes in per cent (`percent`, and as
  text `change_text`, `against_adamw`), and the first seed of each purpose (`FINAL_SEEDS`, `FRESH_SEEDS`,
  `TUNING_SEEDS`, `REDUCTION_SEEDS`, `STAGE_SEEDS`, `LAST_SEEDS`, `CHECK_SEEDS`).
- `stage`, `funnel`: the funnel (`Stage`, `StageResult`, `Standing`, `run_funnel`, `FunnelResult`).
- `tuned_comparison`: comparison of any optimizers after equal tuning (`compare`, `TunedComparison`).
- `derivation`: simplification and recognition of a program (`derive`, `Derivation`, `DERIVATION_SEEDS`).
- `baselines`: tuning of the baselines of a task (`tune_baselines`, `write_baselines`).
"""

from selection.baselines import tune_baselines, write_baselines
from selection.bayesian import bayesian_search
from selection.champion import Finalist, rank_finalists, tune_all
from selection.comparison import (
    CHECK_SEEDS,
    FINAL_SEEDS,
    FOUND,
    FRESH_SEEDS,
    LAST_SEEDS,
    REDUCTION_SEEDS,
    SIMPLIFIED,
    STAGE_SEEDS,
    TUNED_ADAMW,
    TUNED_LION,
    TUNING_SEEDS,
    Comparison,
    against_adamw,
    change_text,
    compare_losses,
    percent,
    tuned_baselines,
)
from selection.derivation import DERIVATION_SEEDS, Derivation, derive
from selection.fitness_on_seeds import FitnessOnSeeds, SeedFitness
from selection.funnel import FunnelResult, run_funnel
from selection.intervals import CONFIDENCE, TuningVariance, Verdict, interval, pooled_variance, verdicts
from selection.optimizers import OPTIMIZERS, Optimizer, optimizer, starting
from selection.own_optimizers import from_optax
from selection.stage import Stage, StageResult, Standing
from selection.trials import Entrant, LocalTrials, Trial, TrialRunner, Work, losses_together, train
from selection.tuned_comparison import TunedComparison, compare
from selection.tuning import (
    NARROW,
    WIDE,
    ConstantSpace,
    TuningResult,
    random_search,
    tune,
    tuning_work,
    validation_loss,
)

__all__ = [
    "CHECK_SEEDS",
    "CONFIDENCE",
    "DERIVATION_SEEDS",
    "FINAL_SEEDS",
    "FOUND",
    "FRESH_SEEDS",
    "LAST_SEEDS",
    "NARROW",
    "OPTIMIZERS",
    "REDUCTION_SEEDS",
    "SIMPLIFIED",
    "STAGE_SEEDS",
    "TUNED_ADAMW",
    "TUNED_LION",
    "TUNING_SEEDS",
    "WIDE",
    "Comparison",
    "ConstantSpace",
    "Derivation",
    "Entrant",
    "Finalist",
    "FitnessOnSeeds",
    "FunnelResult",
    "LocalTrials",
    "Optimizer",
    "SeedFitness",
    "Stage",
    "StageResult",
    "Standing",
    "Trial",
    "TrialRunner",
    "TunedComparison",
    "TuningResult",
    "TuningVariance",
    "Verdict",
    "Work",
    "against_adamw",
    "bayesian_search",
    "change_text",
    "compare",
    "compare_losses",
    "derive",
    "from_optax",
    "interval",
    "losses_together",
    "optimizer",
    "percent",
    "pooled_variance",
    "random_search",
    "rank_finalists",
    "run_funnel",
    "starting",
    "train",
    "tune",
    "tune_all",
    "tune_baselines",
    "tuned_baselines",
    "tuning_work",
    "validation_loss",
    "verdicts",
    "write_baselines",
]
