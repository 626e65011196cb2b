"""The part of pretrain that needs torch: a new model, the run, and what is left behind."""

from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

from gptcli.checkpoint.files import copy_tokenizer
from gptcli.tasks.events import Notice, Stage
from gptcli.tasks.leaving import begin, leave, note, shortcomings
from gptcli.tasks.training_config import PretrainConfig
from gptcli.tasks.training_events import TuningEvent
from gptcli.tasks.training_record import tables_of_pretrain
from gptcli.training.card import CardFacts, DataFacts
from gptcli.training.config_file import Tables
from gptcli.training.corpus import Corpus, open_corpus
from gptcli.training.corpus_documents import Documents
from gptcli.training.corpus_judging import CorpusJudge
from gptcli.training.corpus_preparation import Place, open_tokenizer
from gptcli.training.cut import Cut
from gptcli.training.memory import with_batch_size
from gptcli.training.model import Built, new_model
from gptcli.training.options import TrainingOptions
from gptcli.training.processes import Processes
from gptcli.training.run_directory import RunDirectory
from gptcli.training.saving import ModelFiles
from gptcli.training.session import Ended, Plan, train
from gptcli.training.sizes import Size, shape_config
from gptcli.training.subject import objective_of, speed_up

SPLIT = "by a hash of each document"


class Pretraining:
    """One pretrain, once its corpus lies in the cache."""

    def __init__(self, config: PretrainConfig, place: Place, size: Size, options: TrainingOptions) -> None:
        self._config = config
        self._place = place
        self._size = size
        self._options = options
        self._length = min(options.max_length or size.n_positions, size.n_positions)

    def train(self, directory: RunDirectory | None) -> Generator[TuningEvent, None, None]:
        """Train and save; directory is None in all processes but the main one."""
        config, options = self._config, self._options
        processes = Processes(
            device=config.run.device,
            mixed_precision=options.mixed_precision,
            report_to=options.report_to,
            directory=config.run.output,
        )
        with TemporaryDirectory() as work, processes.together():
            yield from self._train(directory, processes, Path(work))

    def _train(
        self, directory: RunDirectory | None, processes: Processes, work: Path
    ) -> Generator[TuningEvent, None, None]:
        config = self._config
        # The others wait here until the main process has made the corpus.
        processes.by_main(lambda: begin(directory))
        corpus = open_corpus(self._place.tokens)
        tokenizer = open_tokenizer(self._place)
        shape = shape_config(self._size, vocab_size=tokenizer.vocab_size)
        options = with_batch_size(self._options, shape, processes, labels=None, longest=lambda: self._length)
        tables = tables_of_pretrain(config, options)
        built = self._new_model(options, vocab_size=tokenizer.vocab_size, eos_id=corpus.train.eos_id)
        # A copy of its own: another run may train that in the cache anew, for texts that have changed.
        copy_tokenizer(self._place.tokenizer, work)
        files = ModelFiles(config=built.config, base=None, tokenizer=work)
        judge = CorpusJudge(
            corpus, Documents(config.paths, column=config.column), tokenizer, options, length=self._length
        )
        source = corpus.train.windows(self._length)
        plan = Plan(
            objective=objective_of(built.model, None, options),
            files=files,
            source=source,
            rows_per_epoch=source.items,
            micro_batch=int(options.batch_size),
            facts={"the corpus": corpus.digest, "the shape": repr(self._size)},
            note=lambda: note(directory, tables, command="pretrain"),
            evaluate=None if corpus.validation is None else judge.evaluate,
            judges_base=False,
            sample=judge.sample,
        )
        ended = yield from train(plan, options, processes, Path(config.run.output), stop=config.run.stop)
        if ended is None:
            return
        yield Stage(text="saving the model")
        card = self._card(corpus, ended, tables)
        finished = leave(ended, directory, files, card, labels=())
        for text in shortcomings(ended, cut=Cut()):
            yield Notice(text=text)
        yield finished

    def _new_model(self, options: TrainingOptions, *, vocab_size: int, eos_id: int) -> Built:
        """Return the model that is trained, with random weights."""
        dropout = options.dropout or 0.0
        built = new_model(self._size, vocab_size=vocab_size, eos_id=eos_id, dropout=dropout, seed=options.seed)
        speed_up(built.model, options)
        return built

    def _card(self, corpus: Corpus, ended: Ended, tables: Tables) -> CardFacts:
        """Return what the card says."""
        metrics = {} if ended.evaluation is None else dict(ended.evaluation.metrics)
        parameters = sum(parameter.numel() for parameter in ended.run.objective.parameters())
        held_out = corpus.validation
        return CardFacts(
            name=Path(self._config.run.output).resolve().name,
            command="pretrain",
            task="lm",
            base_model=None,
            parameters=parameters,
            trainable=parameters,
            data=DataFacts(
                files=tuple(Path(path).name for path in self._config.paths),
                train=corpus.train.facts.documents,
                validation=0 if held_out is None else held_out.facts.documents,
                split=f"--validation-split {self._config.validation_split:g}, {SPLIT}",
                unreadable=corpus.unreadable,
                empty=corpus.empty,
                duplicates=0,
                leaked=0,
                digest=corpus.digest,
                cut=Cut(),
            ),
            options=tables,
            metrics=metrics,
            steps=ended.steps,
            best_step=ended.best_step,
            tokens=ended.run.state.tokens,
            reason=ended.reason,
            example="Once upon a time",
            eos_probability=metrics.get("eos_probability"),
        )
