"""Train a model from nothing on raw text: a tokenizer, the tokens on disk, then the loop that finetune has too.

Reading and tokenizing need no torch, which is imported when they are done.
"""

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.data.words import counted
from gptcli.engine.options import ModelOptions
from gptcli.engine.placement import require_device
from gptcli.errors import ConfigError, InputError
from gptcli.tasks.events import Notice, Stage
from gptcli.tasks.locating import located_model
from gptcli.tasks.training_config import PretrainConfig
from gptcli.tasks.training_events import TuningEvent
from gptcli.training.corpus import Corpus, open_corpus
from gptcli.training.corpus_documents import Documents
from gptcli.training.corpus_preparation import (
    Place,
    claim,
    open_tokenizer,
    place_of,
    prepare_tokenizer,
    prepare_tokens,
)
from gptcli.training.defaults import pretrain_options
from gptcli.training.run_directory import RunDirectory, is_finished
from gptcli.training.trackers import require_trackers


def pretrain(config: PretrainConfig) -> Generator[TuningEvent, None, None]:
    """Yield what happens, and at the end Finished or Interrupted.

    Raises InputError, ModelError, ConfigError, DeviceError, MissingExtraError, OutputError or TrainingError.
    """
    run = config.run
    require_device(ModelOptions(device=run.device))
    require_trackers(run.given.get("report_to", ()))
    size = config.shape.resolved()
    options = pretrain_options(run.given, size)
    with ExitStack() as stack:
        directory = None
        if run.rank == 0:
            directory = stack.enter_context(RunDirectory(Path(run.output), overwrite=run.overwrite, resume=run.resume))
        if run.resume and is_finished(Path(run.output)):  # all ask: one alone waits for ever
            yield Notice(text=f"{run.output} is finished: there is nothing to resume")
            return
        documents = Documents(config.paths, column=config.column)
        vocab_size = config.vocab_size or size.vocab_size
        place = place_of(
            documents,
            tokenizer=config.tokenizer,
            vocab_size=vocab_size,
            validation_split=config.validation_split,
        )
        if run.rank == 0:
            with ExitStack() as claimed:
                yield from _stages(claim(place, claimed))
                yield from _prepare(config, documents, place, vocab_size)
        yield Stage(text="starting torch")
        from gptcli.tasks.pretraining import Pretraining  # after all that can fail without it

        yield from Pretraining(config, place, size, options).train(directory)


def _prepare(
    config: PretrainConfig, documents: Documents, place: Place, vocab_size: int
) -> Generator[TuningEvent, None, None]:
    """Make the tokenizer and the tokens, and tell what was found."""
    source = None
    if config.tokenizer != "train":
        located = yield from located_model(config.tokenizer)
        source = located.directory
    yield from _stages(prepare_tokenizer(documents, place, source=source, vocab_size=vocab_size))
    tokenizer = open_tokenizer(place)
    yield from _stages(prepare_tokens(documents, tokenizer, place, validation_split=config.validation_split))
    corpus = open_corpus(place.tokens)
    for text in _found(corpus, tokenizer, vocab_size, trained=source is None):
        yield Notice(text=text)
    if len(corpus.train.tokens) < 2:
        held = "" if corpus.validation is None else ", for all of it is held out: give more, or --validation-split 0"
        raise InputError(f"{', '.join(config.paths)}: no text to learn from{held}")
    if corpus.validation is None and config.run.given.get("early_stopping") is not None:
        raise ConfigError("--early-stopping needs held-out documents: give more text, or a higher --validation-split")


def _stages(texts: Iterator[str]) -> Iterator[Stage]:
    for text in texts:
        yield Stage(text=text)


def _found(corpus: Corpus, tokenizer: Tokenizer, vocab_size: int, *, trained: bool) -> Iterator[str]:
    """Yield what a person should know about the corpus."""
    if trained and tokenizer.vocab_size < vocab_size:
        yield f"the text fills a vocabulary of {tokenizer.vocab_size:,} tokens only, not {vocab_size:,}"
    if corpus.unreadable:
        yield f"{counted(corpus.unreadable, 'row')} could not be read: {corpus.first_complaint}"
    if corpus.empty:
        told = "1 document is" if corpus.empty == 1 else f"{corpus.empty:,} documents are"
        yield f"{told} empty and left out"
    if corpus.validation is None:
        yield "no document is held out, so nothing will be measured: give more text, or a higher --validation-split"
