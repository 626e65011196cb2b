"""Have a model write behind each prompt, and hand every text to who measures it."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace

from gptcli.checkpoint.locate import Located
from gptcli.engine.load import LoadedModel, load_model
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.engine.request import Finished, Request
from gptcli.engine.sampling import Sampler
from gptcli.engine.stream import in_order
from gptcli.tasks.cuts import Cuts
from gptcli.tasks.evaluators.completion_rows import Asked
from gptcli.tasks.events import Event, Notice, RowDone, Stage
from gptcli.tasks.windows import Fitted, Windows


def written(
    located: Located,
    model: ModelOptions,
    options: SamplingOptions,
    rows: Iterable[Asked],
    take: Callable[[Asked, str], None],
) -> Generator[Event, None, None]:
    """Yield what happens while a model writes, and have each text taken, in order.

    Raises ModelError, DeviceError or ConfigError.
    """
    yield Stage(text=f"loading {located.name} to write")
    loaded = load_model(located, model, least_slots=options.num_beams)
    yield Notice(text=loaded.description, detail=True)
    yield Stage(text="writing")
    writer = _Writer(loaded, options)
    for item in in_order(loaded.engine, writer.requests(rows)):
        if isinstance(item, Finished):
            take(writer.answered(item), item.text)
            yield RowDone(index=item.key)
    yield from writer.notices()


class _Writer:
    """The prompts of one run on their way."""

    def __init__(self, loaded: LoadedModel, options: SamplingOptions) -> None:
        self._tokenizer = loaded.tokenizer
        self._sampler = Sampler(options=options, eos_token_ids=loaded.config.eos_token_ids, ban=None)
        self._windows = Windows(loaded.config, options)
        self._limit = options.token_limit(0)
        self._open: dict[int, tuple[Asked, Fitted]] = {}
        self._cuts = Cuts()

    def requests(self, rows: Iterable[Asked]) -> Iterator[Request]:
        """Yield what is to be written."""
        for row in rows:
            fitted = self._windows.fit(row.place, self._tokenizer.encode(row.prompt))
            self._open[row.index] = (row, fitted)
            yield Request(
                key=row.index,
                row=row.index,
                prompt=fitted.prompt,
                sampler=self._sampler,
                samples=1,
                seed=0,
                token_limit=fitted.token_limit,
            )

    def answered(self, finished: Finished) -> Asked:
        """Return the row that a text belongs to."""
        row, fitted = self._open.pop(finished.key)
        self._windows.finished(row.place, fitted, finished.finish_reason)
        if finished.finish_reason == "length" and not fitted.ends_early:
            text = f"texts that did not end within {self._limit} tokens (--max-new-tokens, or --stop TEXT ends them)"
            self._cuts.count(text, row.place)
        return row

    def notices(self) -> Iterator[Notice]:
        """Yield a sentence for each kind of cut."""
        yield from self._windows.notices()
        yield from self._cuts.notices()


def with_stop(options: SamplingOptions, stop: Sequence[str]) -> SamplingOptions:
    """Return options that also end where a template's completions do."""
    return replace(options, stop=(*options.stop, *stop))
