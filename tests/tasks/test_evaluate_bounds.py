"""What --fail-under can be asked of a task."""

import pytest

from gptcli.errors import ConfigError
from gptcli.tasks.evaluate_bounds import require_bound
from gptcli.tasks.evaluate_config import Bound
from gptcli.tasks.evaluators.label_measures import METRICS, class_metrics


@pytest.mark.parametrize(
    ("metric", "value", "told"),
    [
        ("acuracy", 1, r"--fail-under acuracy: did you mean accuracy\? the figures of classify are accuracy, macro_f1"),
        ("zzz", 1, "--fail-under zzz: the figures of classify are accuracy, macro_f1"),
        ("accuracy", 90, "--fail-under accuracy=90: accuracy is between 0 and 1$"),
        ("matthews", -1.5, "--fail-under matthews=-1.5: matthews is between -1 and 1$"),
        ("brier", 3, "--fail-under brier=3: brier is between 0 and 2$"),
    ],
)
def test_a_bound_that_no_figure_can_be_held_to_is_refused(metric: str, value: float, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        require_bound(Bound(metric=metric, value=value), "classify", METRICS)


@pytest.mark.parametrize(("metric", "value"), [("accuracy", 0), ("accuracy", 1), ("rmse", 90), ("r2", -3)])
def test_other_bounds_are_taken(metric: str, value: float) -> None:
    require_bound(Bound(metric=metric, value=value), "classify", METRICS)


def test_labels_that_exclude_each_other_have_no_figures_of_others() -> None:
    assert class_metrics(2)[-1] == "auroc"
    assert class_metrics(3) == class_metrics(2)[:-1]
    assert not {"rmse", "subset_accuracy"} & {*class_metrics(2)}
