"""Which discovered programs still win at larger scale? Tuned baselines, the funnel, intervals and verdicts.

The public names of this package, by module; `search` and `optsearch` use no others.

- `optimizers`, `own_optimizers`: the baselines (`OPTIMIZERS`, `optimizer`, `starting`), and a user's transformation of
  optax as one (`from_optax`).
- `trials`: trainings as data (`Trial`), procedures that ask for them (`Work`, `train`), and what runs them
  (`TrialRunner`, `LocalTrials`).
- `tuning`, `bayesian`: tuning of constants (`tune`, `random_search`, `bayesian_search`, `tuning_work`,
  `ConstantSpace`).
- `intervals`: confidence intervals and verdicts (`interval`, `verdicts`, `Verdict`).
- `fitness_on_seeds`: the fitness of the search on other seeds (`FitnessOnSeeds`).
- `champion`: ranking of finalists (`rank_finalists`, `tune_all`, `Finalist`).
- `comparison`: programs as they are beside the tuned AdamW (`compare_losses`, `Comparison`), and the seeds of each
  purpose.
- `stage`, `funnel`: the funnel (`Stage`, `run_funnel`, `FunnelResult`).
- `tuned_comparison`: any optimizers on one task, tuned alike (`compare`, `TunedComparison`).
- `derivation`: simplification and recognition of a program (`derive`, `Derivation`).
- `baselines`: tuning of the baselines that come with a task (`tune_baselines`, `write_baselines`).
"""

from selection.baselines import tune_baselines, write_baselines
from selection.bayesian import bayesian_search
from selection.champion import Finalist, rank_finalists, tune_all
from selection.comparison import Comparison, compare_losses, tuned_baselines
from selection.derivation import Derivation, derive
from selection.fitness_on_seeds import FitnessOnSeeds, SeedFitness
from selection.funnel import FunnelResult, run_funnel
from selection.intervals import Verdict, interval, verdicts
from selection.optimizers import OPTIMIZERS, Optimizer, optimizer, starting
from selection.own_optimizers import from_optax
from selection.stage import Stage, StageResult, Standing
from selection.trials import Entrant, LocalTrials, Trial, TrialRunner, Work, train
from selection.tuned_comparison import TunedComparison, compare
from selection.tuning import ConstantSpace, TuningResult, random_search, tune, tuning_work

__all__ = [
    "OPTIMIZERS",
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
    "Verdict",
    "Work",
    "bayesian_search",
    "compare",
    "compare_losses",
    "derive",
    "from_optax",
    "interval",
    "optimizer",
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
    "verdicts",
    "write_baselines",
]
