"""What a run leaves behind: at its begin a note of its options, at its end the model with its card and pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from gptcli.data.atomic import write_atomically
from gptcli.drawing.canvas import available
from gptcli.errors import OutputError, TrainingError
from gptcli.evaluation.label_plots import plot_confusion
from gptcli.training.card import FILE_NAME as CARD
from gptcli.training.card import LEARNED_TO_STOP, CardFacts, render_card
from gptcli.training.config_file import FILE_NAME, Tables, write
from gptcli.training.cut import Cut
from gptcli.training.events import Finished
from gptcli.training.metrics_log import FILE_NAME as METRICS
from gptcli.training.metrics_log import read_metrics
from gptcli.training.plots import CONFUSION_FILE, LOSS_FILE, plot_loss
from gptcli.training.run_directory import RunDirectory
from gptcli.training.saving import ModelFiles, Tensors
from gptcli.training.session import Ended


def begin(directory: RunDirectory | None) -> None:
    """Open the output directory, which the main process has; raises OutputError and ConfigError."""
    assert directory is not None
    directory.open()


def note(directory: RunDirectory | None, tables: Tables, *, command: Literal["finetune", "pretrain"]) -> None:
    """Note a run's options in its output directory; raises OutputError and ConfigError."""
    assert directory is not None
    write(directory.path / FILE_NAME, tables, command=command)


def leave(
    ended: Ended, directory: RunDirectory | None, files: ModelFiles, card: CardFacts, *, labels: Sequence[str]
) -> Finished:
    """Save the best weights and all that goes with them; all processes must call it, the main one with a directory.

    Raises TrainingError where there is no room, or nothing worth keeping.
    """
    weights = ended.run.weights()
    ended.run.processes.by_main(lambda: _save(ended, directory, files, card, weights, labels))
    evaluation = ended.evaluation
    return Finished(
        directory=str(ended.run.directory),
        step=ended.steps,
        best_step=ended.best_step,
        reason=ended.reason,
        metrics={} if evaluation is None else evaluation.metrics,
        confusion=None if evaluation is None else evaluation.confusion,
    )


def shortcomings(ended: Ended, *, cut: Cut, labels: Sequence[str] = ()) -> list[str]:
    """Return what a person should know about the model that was saved; cut is what was lost of training rows.

    labels are the names of what it was trained to give, in the order of the confusion matrix.
    """
    told = []
    if cut.tokens:
        were, their = ("row was", "its") if cut.rows == 1 else ("rows were", "their")
        rows, tokens = cut.told(cut.rows), cut.told(cut.tokens)
        told.append(f"{rows} {were} longer than a sequence: {tokens} of {their} tokens were not learned")
    if ended.is_worse_than_base:
        told.append(
            "the model was better on the held-out rows before it was tuned: lower --lr, set --dropout 0, or add rows"
        )
    only = _only_label(ended, labels)
    if only is not None:
        told.append(
            f"the model gives all held-out rows the label {only}, whatever they say: train longer, with more rows of"
            " the other labels, or with another --lr"
        )
    metrics = {} if ended.evaluation is None else ended.evaluation.metrics
    stops = metrics.get("eos_probability")
    if stops is not None and stops < LEARNED_TO_STOP:
        told.append(
            f"the model has not learned to stop: it gives the end mark {stops:.1%} at the true ends of held-out rows;"
            " train longer, or limit what it writes with --max-new-tokens"
        )
    if not available():
        told.append(f'{LOSS_FILE} was not drawn: pip install "gptcli[plot]"')
    return told


def _only_label(ended: Ended, labels: Sequence[str]) -> str | None:
    """Return the label that the model gives all held-out rows, which have several; None where there is no such."""
    confusion = None if ended.evaluation is None else ended.evaluation.confusion
    if confusion is None:
        return None
    rows_of = [sum(row) for row in confusion]
    given = [label for label, counts in zip(labels, zip(*confusion, strict=True), strict=True) if any(counts)]
    return given[0] if len(given) == 1 and sum(map(bool, rows_of)) > 1 else None


def _save(
    ended: Ended,
    directory: RunDirectory | None,
    files: ModelFiles,
    card: CardFacts,
    weights: Tensors,
    labels: Sequence[str],
) -> None:
    assert directory is not None  # the main process has one
    records = read_metrics(directory.path / METRICS)

    def write(place: Path) -> None:
        files.write(place, weights)
        write_atomically(str(place / CARD), render_card(card).encode())
        if not available():
            return
        plot_loss(place / LOSS_FILE, records, title=f"{card.name}: {card.task}")
        if ended.evaluation is not None and ended.evaluation.confusion is not None:
            plot_confusion(place / CONFUSION_FILE, ended.evaluation.confusion, labels)

    ended.run.require_finite(weights)
    try:
        directory.finish(write)
    except OutputError as error:
        raise TrainingError(f"{error}; {ended.run.kept()}") from error
