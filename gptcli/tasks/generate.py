"""Continue prompts: rows in, completions out, in order."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import partial

from gptcli.checkpoint.template import read_template
from gptcli.data.prompts import Filling, Prompter, prompter
from gptcli.data.records import Record
from gptcli.data.templates import PromptTemplate
from gptcli.engine.load import LoadedModel, load_model
from gptcli.engine.request import Finished, Piece, Request, TokenScore
from gptcli.engine.stream import in_order
from gptcli.errors import InputError
from gptcli.tasks.config import GenerateConfig
from gptcli.tasks.cuts import summed
from gptcli.tasks.events import Completion, Event, Notice, Place, RowFailed, Stage, TextDelta, TokenLogprob
from gptcli.tasks.locating import opened
from gptcli.tasks.sampler import sampler_of
from gptcli.tasks.shared_rows import Elsewhere, shared_in_order
from gptcli.tasks.windows import Fitted, Windows

RowEvent = TextDelta | Completion | RowFailed


def generate(config: GenerateConfig) -> Generator[Event, None, None]:
    """Yield a Completion for every sample of every row, in input order, and RowFailed for a row that cannot be done.

    Raises ModelError, DeviceError, ConfigError or InputError when the run as a whole cannot go on.
    """
    model = yield from opened(config.model, partial(load_model, least_slots=config.sampling.num_beams), config.share)
    yield Notice(text=f"seed {config.seed}", detail=True)
    prompts = _prompter(config, model)
    for template in prompts.templates[:1]:
        yield Notice(text=f"template {_origin(config, template)}: {template.template!r}", detail=True)
    rows = _Rows(config, model, prompts)
    yield Stage(text="generating")
    events: Iterator[RowEvent] = shared_in_order(config.share, _own_rows(model, rows), rows.is_last)
    yield from events
    yield from summed(config.share, rows.windows.notices())


def _own_rows(model: LoadedModel, rows: "_Rows") -> Iterator[RowEvent | Elsewhere]:
    """Yield what comes of the rows that are this process's to do, and the others in their place."""
    items: Iterator[Finished | Piece | RowFailed | Elsewhere] = in_order(model.engine, rows.requests())
    for item in items:
        match item:
            case Piece():
                yield rows.delta(item)
            case Finished():
                yield rows.completion(item)
            case _:
                yield item


class _Rows:
    """The rows of one run on their way: records to requests, and finished samples back to completions."""

    def __init__(self, config: GenerateConfig, model: LoadedModel, prompts: Prompter) -> None:
        self._config = config
        self._tokenizer = model.tokenizer
        self._prompts = prompts
        stop = (*config.sampling.stop, *prompts.stop)
        self._sampler = sampler_of(model, replace(config.sampling, stop=stop), config.logit_bias)
        self.windows = Windows(model.config, self._sampler.options)
        self._open: dict[int, tuple[Record, str, Fitted]] = {}
        self._filling: Filling | None = None

    def requests(self) -> Iterator[Request | RowFailed | Elsewhere]:
        """Yield a request for each row that is still to be done, or why there is none."""
        for index, record in enumerate(self._config.records):
            self._settle_columns(record)
            if index < self._config.skip_rows:
                continue
            if not self._config.share.mine(index):
                yield Elsewhere(number=index, record=record)
                continue
            try:
                yield self._request(index, record)
            except InputError as error:
                yield RowFailed(index=index, record=record, message=str(error))

    def is_last(self, event: RowEvent) -> bool:
        """Return whether nothing more comes of the event's row."""
        if isinstance(event, Completion):
            return event.sample == self._config.num_samples - 1
        return isinstance(event, RowFailed)

    def delta(self, piece: Piece) -> TextDelta:
        """Return a piece of a sample with what it continues."""
        return TextDelta(prompt=self._open[piece.key][1], text=piece.text)

    def completion(self, finished: Finished) -> Completion:
        """Return a finished sample with the row that it belongs to."""
        record, prompt, fitted = self._open[finished.key]
        if finished.sample == self._config.num_samples - 1:
            del self._open[finished.key]
        self.windows.finished(Place(row=finished.key, origin=record.origin), fitted, finished.finish_reason)
        return Completion(
            index=finished.key,
            sample=finished.sample,
            record=record,
            prompt=prompt,
            text=finished.text,
            finish_reason=finished.finish_reason,
            prompt_tokens=len(fitted.prompt),
            new_tokens=len(finished.tokens),
            logprob=finished.logprob,
            seed=self._config.seed,
            tokens=self._token_logprobs(finished.scores) if self._config.sampling.logprobs is not None else None,
        )

    def _request(self, index: int, record: Record) -> Request:
        """Return the request of one row; raises InputError when there can be none."""
        if self._filling is None:  # no row was whole yet, and this one is not
            raise InputError(record.error or "")
        prompt = self._filling.prompt(record)
        fitted = self.windows.fit(Place(row=index, origin=record.origin), self._tokens(prompt))
        self._open[index] = (record, prompt, fitted)
        return Request(
            key=index,
            row=index,
            prompt=fitted.prompt,
            sampler=self._sampler,
            samples=self._config.num_samples,
            seed=self._config.seed,
            token_limit=fitted.token_limit,
            slide=self._config.sampling.overflow == "slide",
            stream=self._config.stream,
        )

    def _settle_columns(self, record: Record) -> None:
        """Let the first whole row settle which columns the prompts are made of, be it one that is skipped."""
        if self._filling is None and record.error is None:
            try:
                self._filling = self._prompts.filling(list(record.columns), self._config.column)
            except InputError as error:
                raise InputError(f"{record.source}: {error}") from error

    def _tokens(self, prompt: str) -> list[int]:
        """Return the tokens of a prompt; raises InputError for one whose length alone says that it is too long."""
        self.windows.refuse_at_least(self._tokenizer.least_tokens(prompt))
        return self._tokenizer.encode(prompt)

    def _token_logprobs(self, scores: tuple[TokenScore, ...]) -> tuple[TokenLogprob, ...]:
        """Return scored tokens with their text."""
        text = self._tokenizer.token_text
        return tuple(
            TokenLogprob(
                token=text(score.token),
                logprob=score.logprob,
                top=tuple((text(token), logprob) for token, logprob in score.top),
            )
            for score in scores
        )


def _prompter(config: GenerateConfig, model: LoadedModel) -> Prompter:
    """Return how rows become prompts: as asked for, else as the model was tuned."""
    if config.template is not None:
        return prompter(config.template)
    saved = read_template(model.directory)
    return Prompter() if saved is None else Prompter(templates=(saved,))


def _origin(config: GenerateConfig, template: PromptTemplate) -> str:
    """Say which template it is and who chose it."""
    chosen = "as asked" if config.template is not None else "saved with the model"
    return f"{template.name}, {chosen}" if template.name else chosen
