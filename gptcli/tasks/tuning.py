"""The part of finetune that needs torch: the model, its examples, the run, and what is left behind."""

from collections.abc import Generator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.locate import Located
from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.tasks.events import Notice, Stage
from gptcli.tasks.leaving import begin, leave, note, shortcomings
from gptcli.tasks.training_config import FinetuneConfig
from gptcli.tasks.training_events import TuningEvent
from gptcli.tasks.training_record import tables_of_finetune
from gptcli.tasks.tuned_card import tuned_card
from gptcli.training.doctor import DataReport, examine
from gptcli.training.encoding import Encoder, RowSource
from gptcli.training.judging import Judge
from gptcli.training.memory import with_batch_size
from gptcli.training.options import Overflow, TrainingOptions
from gptcli.training.processes import Processes
from gptcli.training.rows import RowSet
from gptcli.training.run_directory import RunDirectory
from gptcli.training.saving import final_files
from gptcli.training.session import Plan, train
from gptcli.training.speed import seconds_per_token
from gptcli.training.subject import Subject, make_subject

LARGEST_ROWS = 1000
"""Rows of most bytes that are tokenized before the run, where --batch-size auto has to know the longest in tokens."""


class Tuning:
    """One finetune, once its data and its base model are known."""

    def __init__(
        self,
        config: FinetuneConfig,
        rows: RowSet,
        located: Located,
        model_config: ModelConfig,
        tokenizer: Tokenizer,
        options: TrainingOptions,
    ) -> None:
        self._config = config
        self._rows = rows
        self._located = located
        self._model_config = model_config
        self._tokenizer = tokenizer
        context = model_config.n_positions
        self._longest = min(options.max_length or context, context)
        self._eos_id = _eos_id(tokenizer, model_config)
        self._processes = Processes(
            device=config.run.device,
            mixed_precision=options.mixed_precision,
            report_to=options.report_to,
            directory=config.run.output,
        )
        self._encoder = self._encoder_of(options.overflow)
        longest = partial(self._longest_sequence, packing=options.packing)
        labels = None if rows.labels is None else max(1, len(rows.labels.names))
        self._options = with_batch_size(options, model_config, self._processes, labels=labels, longest=longest)

    def _longest_sequence(self, *, packing: bool) -> int:
        """Return the tokens of the longest sequence, for which --batch-size auto leaves room."""
        if packing:
            return self._longest
        return self._encoder.longest(self._rows.train.largest(LARGEST_ROWS))

    def report(self) -> DataReport:
        """Return what the run would learn from and cost, from a few steps that are not kept.

        They are of rows that are cut, so that the doctor has a word on those that --overflow refuses or drops.
        """
        with TemporaryDirectory() as work:
            subject = make_subject(self._rows, self._located, self._options, work=Path(work))
        options, processes = self._options, self._processes
        source = self._source(self._encoder_of("truncate"))
        with processes.together():
            speed = seconds_per_token(subject.objective, source, options, processes, num_labels=subject.num_labels)
            return processes.by_main(
                lambda: examine(
                    self._rows,
                    self._encoder,
                    options,
                    self._model_config,
                    seconds_per_token=speed,
                    processes=processes.world,
                )
            )

    def train(self, directory: RunDirectory | None) -> Generator[TuningEvent, None, None]:
        """Train and save; directory is None in all processes but the main one."""
        options = self._options
        for rows in (self._rows.train, self._rows.validation):
            self._encoder.refuse_unusable(rows)
        with TemporaryDirectory() as work, self._processes.together():
            yield from self._train(directory, make_subject(self._rows, self._located, options, work=Path(work)))

    def _train(self, directory: RunDirectory | None, subject: Subject) -> Generator[TuningEvent, None, None]:
        options, processes = self._options, self._processes
        path = Path(self._config.run.output)
        tables = tables_of_finetune(self._config, options)
        processes.by_main(lambda: begin(directory))
        judge = Judge(self._rows, self._encoder, self._tokenizer, options, eos_id=self._eos_id)
        plan = Plan(
            objective=subject.objective,
            files=subject.files,
            source=self._source(self._encoder),
            rows_per_epoch=len(self._rows.train) if self._has_a_sequence_a_row() else None,
            micro_batch=int(options.batch_size),
            num_labels=subject.num_labels,
            facts={"the data": self._rows.digest, "the base model": subject.base_digest},
            note=lambda: note(directory, tables, command="finetune"),
            evaluate=judge.evaluate if self._rows.validation else None,
            judges_base=self._rows.roles.task != "classify",
            sample=judge.sample,
        )
        ended = yield from train(plan, options, processes, path, stop=self._config.run.stop)
        if ended is None:
            return
        yield Stage(text="saving the model")
        cut = processes.by_main(lambda: self._encoder.cut(self._rows.train))
        card = tuned_card(self._config, self._rows, self._located, subject, ended, cut=cut, options=tables)
        names = () if self._rows.labels is None else self._rows.labels.names
        finished = leave(ended, directory, final_files(subject.files, options.lora), card, labels=names)
        for text in shortcomings(ended, cut=cut, labels=names):
            yield Notice(text=text)
        yield finished

    def _has_a_sequence_a_row(self) -> bool:
        """Return whether an epoch is known to have as many sequences as rows."""
        return not self._options.packing and self._options.overflow in ("truncate", "error")

    def _encoder_of(self, overflow: Overflow) -> Encoder:
        return Encoder(self._rows, self._tokenizer, eos_id=self._eos_id, max_length=self._longest, overflow=overflow)

    def _source(self, encoder: Encoder) -> RowSource:
        return RowSource(self._rows.train, encoder, packing=self._options.packing, max_length=self._longest)


def _eos_id(tokenizer: Tokenizer, config: ModelConfig) -> int:
    return tokenizer.eos_id if tokenizer.eos_id is not None else config.eos_token_ids[0]
