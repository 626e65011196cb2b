"""Tune a model on rows of text: read them, say what was found, train, and leave a model that others load.

What can be wrong with the data or the place is found before torch is imported, which takes seconds.
"""

from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.locate import Located
from gptcli.checkpoint.tokenizer import load_tokenizer
from gptcli.data.words import counted
from gptcli.engine.options import ModelOptions
from gptcli.engine.placement import require_device
from gptcli.errors import ConfigError
from gptcli.tasks.events import Notice, Stage
from gptcli.tasks.locating import located_model
from gptcli.tasks.training_config import FinetuneConfig
from gptcli.tasks.training_events import TuningEvent
from gptcli.training.defaults import finetune_options
from gptcli.training.files import CHECKPOINTS
from gptcli.training.options import TrainingOptions
from gptcli.training.rows import RowSet, load_rows
from gptcli.training.run_directory import RunDirectory, is_finished
from gptcli.training.trackers import require_trackers


def finetune(config: FinetuneConfig) -> Generator[TuningEvent, None, None]:
    """Yield what happens, and at the end Finished or Interrupted; of a dry run only the data doctor's DataReport.

    Raises InputError, ModelError, ConfigError, DeviceError, MissingExtraError, OutputError or TrainingError.
    """
    run = config.run
    require_device(ModelOptions(device=run.device))
    require_trackers(run.given.get("report_to", ()))
    with ExitStack() as stack:
        directory = None
        if run.rank == 0 and not config.dry_run:
            directory = stack.enter_context(RunDirectory(Path(run.output), overwrite=run.overwrite, resume=run.resume))
        if run.resume and not config.dry_run and is_finished(Path(run.output)):  # all ask: one alone waits for ever
            yield Notice(text=f"{run.output} is finished: there is nothing to resume")
            return
        yield Stage(text="reading the data")
        rows = yield from _rows(config)
        located = yield from located_model(config.model)
        if run.overwrite:
            _refuse_replacing(located, run.output)
        model_config = read_config(located.directory)
        tokenizer = load_tokenizer(located.directory, model_config)
        options = finetune_options(run.given, rows.roles.task, model_config)
        _refuse_idle(options, rows)
        yield Stage(text="starting torch")
        from gptcli.tasks.tuning import Tuning  # after all that can fail without it

        tuning = Tuning(config, rows, located, model_config, tokenizer, options)
        if config.dry_run:
            yield tuning.report()
            return
        yield from tuning.train(directory)


def _refuse_idle(options: TrainingOptions, rows: RowSet) -> None:
    """Raise ConfigError for an option that could do nothing with these rows."""
    if options.early_stopping is not None and not rows.validation:
        raise ConfigError("--early-stopping needs held-out rows: give --validation FILE, or a --validation-split")
    if options.label_smoothing and rows.labels is not None and rows.labels.kind != "single":
        raise ConfigError("--label-smoothing is for one label a row: it does not go with numbers or several labels")


def _refuse_replacing(located: Located, output: str) -> None:
    """Raise ConfigError where --overwrite would remove the model that the run begins with."""
    replaced = Path(output).resolve()
    for place in (located.name, located.directory, located.base or located.name):
        path = Path(place).resolve()
        if path == replaced or replaced / CHECKPOINTS in path.parents:
            raise ConfigError(f"--overwrite would remove {place}, the model that is tuned: give another -o")


def _rows(config: FinetuneConfig) -> Generator[TuningEvent, None, RowSet]:
    """Read the rows, and tell what was found and what is wrong with them."""
    reading = load_rows(config.data, config.stdin)
    while True:
        try:
            warning = next(reading)
        except StopIteration as end:
            rows: RowSet = end.value
            break
        yield Notice(text=warning)
    learned = counted(len(rows.train), "row")
    yield Stage(text=f"{rows.roles.reason}; {learned} to train on, {len(rows.validation):,} held out")
    return rows
