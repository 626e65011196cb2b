"""What there is to tell of labels beside the figures: each class by itself, the confusion matrix, the calibration."""

import json
from collections.abc import Sequence

from gptcli.evaluation.classification import ClassScore, calibration_bins, classification_report
from gptcli.evaluation.multilabel import multilabel_report
from gptcli.evaluation.scores import RowScores
from gptcli.tasks.evaluators.label_columns import GIVEN, LABEL, PREDICTED, PROBABILITY
from gptcli.tasks.evaluators.label_measures import class_rows, kind_of, label_set_rows, named


def label_details(scores: RowScores) -> dict[str, object]:
    """Return it ready for JSON."""
    match kind_of(scores):
        case "single":
            return _of_classes(scores)
        case "multi":
            rows = label_set_rows(scores)
            return {"classes": _each(rows.names, multilabel_report(rows.true, rows.predicted).labels)}
        case "regression":
            return {}


def label_row(scores: RowScores, number: int) -> dict[str, object]:
    """Return what a row has and was given, ready for JSON."""
    values = {name: float(column[number]) for name, column in scores.columns.items()}
    kind = kind_of(scores)
    if kind == "regression":
        return dict(values)
    labels = named(scores, PROBABILITY)
    told = scores.texts[LABEL][number]
    answer: dict[str, object]
    if kind == "single":
        answer = {"label": told, "predicted": labels[int(values[PREDICTED])]}
    else:
        answer = {"label": json.loads(told), "predicted": [name for name in labels if values[f"{GIVEN}{name}"]]}
    probabilities = {name: values[f"{PROBABILITY}{name}"] for name in labels}
    return answer | {"correct": bool(values["correct"]), "probabilities": probabilities}


def _of_classes(scores: RowScores) -> dict[str, object]:
    rows = class_rows(scores)
    report = classification_report(rows.true, rows.predicted, classes=len(rows.names))
    bins = calibration_bins(rows.confidence, rows.correct)
    return {
        "labels": list(rows.names),
        "unknown_labels": list(rows.names[rows.known :]),
        "confusion": [list(row) for row in report.confusion],
        "classes": _each(rows.names, report.classes),
        "reliability": [
            {"rows": one.rows, "confidence": one.confidence, "accuracy": one.accuracy} if one.rows else {"rows": 0}
            for one in bins
        ],
    }


def _each(names: Sequence[str], scores: Sequence[ClassScore]) -> dict[str, dict[str, float]]:
    return {
        name: {"precision": score.precision, "recall": score.recall, "f1": score.f1, "support": score.support}
        for name, score in zip(names, scores, strict=True)
    }
