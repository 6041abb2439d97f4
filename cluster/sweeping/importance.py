"""Which fields decide whether a point is among the best: PED-ANOVA of Optuna.

Watanabe, Bansal and Hutter, PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces,
IJCAI 2023. A field is important where its values are distributed otherwise among the best tenth of points than among
all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulation.sweeping.space import Continuous

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cluster.sweeping.axes import Axis
    from simulation.sweeping.fields import Value
    from simulation.sweeping.settings import Direction

LEAST_POINTS = 50
"""So that five are among the best tenth, which its authors ask for."""

BEST_SHARE = 0.1


def importances(
    axes: Mapping[str, Axis], settings: Sequence[Mapping[str, Any]], values: Sequence[float], direction: Direction
) -> dict[str, float]:
    """Return the share of each field in what makes a point one of the best, the largest first; they add up to 1.

    Empty where there are too few points, fewer than two fields, or no point is better than another.
    """
    if len(values) < LEAST_POINTS or len(axes) < 2 or min(values) == max(values):
        return {}
    import optuna  # noqa: PLC0415 -- it takes its time, and only a report asks

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction=direction.value)
    distributions = {path: _distribution(optuna, axis) for path, axis in axes.items()}
    columns = [_given(axis, [setting[path] for setting in settings]) for path, axis in axes.items()]
    study.add_trials(
        optuna.trial.create_trial(
            params=dict(zip(axes, row, strict=True)), distributions=distributions, value=float(value)
        )
        for row, value in zip(zip(*columns, strict=True), values, strict=True)
    )
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST_SHARE)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _distribution(optuna: Any, axis: Axis) -> Any:
    """Return where the values of a field come from; of a list, those are their places in it."""
    if isinstance(axis.dimension, Continuous):
        return optuna.distributions.FloatDistribution(
            axis.dimension.low, axis.dimension.high, log=axis.dimension.is_log
        )
    if axis.dimension.ordered:
        return optuna.distributions.IntDistribution(0, axis.dimension.size - 1)
    return optuna.distributions.CategoricalDistribution(list(range(axis.dimension.size)))


def _given(axis: Axis, values: Sequence[Value]) -> list[float] | list[int]:
    if isinstance(axis.dimension, Continuous):
        return [float(value) for value in values]
    places: list[int] = axis.indices(values).tolist()
    return places
