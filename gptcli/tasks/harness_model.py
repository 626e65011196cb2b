"""A model of ours behind the LM interface of lm-evaluation-harness, which must be installed to import this."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Any

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import handle_stop_sequences, normalize_gen_kwargs
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from gptcli.checkpoint.locate import Located
from gptcli.engine.likelihood import scores_in_order
from gptcli.engine.load import load_model
from gptcli.engine.options import ModelOptions, SamplingOptions
from gptcli.engine.request import Finished, Request
from gptcli.engine.sampling import Sampler
from gptcli.engine.scorer import Item, ItemScores, Span, SpanScores, load_scorer
from gptcli.engine.stream import in_order
from gptcli.errors import ConfigError, ModelError
from gptcli.tasks.cuts import Cuts
from gptcli.tasks.events import Notice, Place, Stage
from gptcli.tasks.windows import beginning

Pair = tuple[object, list[int], list[int]]
"""What the harness hands over of a request: its texts, the tokens that are read, and those that are scored."""

TOLD_EVERY = 50
"""Requests between two reports of progress."""
MOST_ENDINGS = 100
"""Requests that share a reading at most: a task may have the same context, or none, in all of its rows."""
_SAMPLED_AS = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "num_beams", "length_penalty")
"""Options of a task's generation that are ours under the same name."""
_OTHER = ("until", "do_sample", "max_gen_toks")


class Cancelled(Exception):  # noqa: N818 - it is no error
    """Nobody wants the figures any more."""


class HarnessModel(TemplateLM):  # type: ignore[misc]
    """Scores with our scorer and writes with our engine; the harness does all else."""

    def __init__(self, located: Located, options: ModelOptions, *, seed: int, report: Callable[[Stage], None]) -> None:
        super().__init__()
        self._located = located
        self._options = options
        self._seed = seed
        self._report = report
        self._loaded = load_scorer(located, options)
        self._cuts = Cuts()
        self._cancelled = False

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self._loaded.name

    @property
    def directory(self) -> str:
        """Return the model's place."""
        return str(self._loaded.directory.resolve())

    @property
    def dtype(self) -> str:
        """Return the numbers that it computes with."""
        return self._loaded.dtype

    @property
    def description(self) -> str:
        """Return what was chosen and why."""
        return self._loaded.description

    @property
    def max_length(self) -> int:
        """Return how many tokens are read at most."""
        return self._loaded.config.n_positions

    @property
    def eot_token_id(self) -> int:
        """Return the token that ends a text."""
        return self._one(next(iter(self._loaded.config.eos_token_ids), None))

    @property
    def prefix_token_id(self) -> int:
        """Return the token that stands before a text with nothing before it."""
        return self._one(beginning(self._loaded.config))

    @property
    def tokenizer_name(self) -> str:
        """Return what tells one tokenizer from another."""
        return self.directory

    def cancel(self) -> None:
        """End at the next request."""
        self._cancelled = True

    def notices(self) -> Iterator[Notice]:
        """Return a sentence for each kind of cut that was made."""
        return self._cuts.notices()

    def tok_encode(self, string: str, add_special_tokens: bool | None = None) -> list[int]:
        """Return the tokens of a text, with those that the tokenizer puts around it unless asked not to."""
        tokenizer = self._loaded.tokenizer
        if add_special_tokens is False or string.startswith(tokenizer.decode([self.prefix_token_id])):
            return tokenizer.encode_batch([string])[0]
        return tokenizer.encode(string)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        """Return the log-likelihood of each continuation, and whether all of its tokens are the likeliest."""
        scored: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm=disable_tqdm)
        return scored

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = True) -> list[float]:
        """Return the log-likelihood of each whole text, in the harness's windows."""
        items = (
            Item(key=number, spans=tuple(self._windows(_place(number), *request.args)))
            for number, request in enumerate(requests)
        )
        return [sum(_summed(span) for span in spans) for spans in self._scores(items, len(requests))]

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = True) -> list[str]:
        """Return how each text goes on, up to what the task says ends it."""
        beams = max((int(request.args[1].get("num_beams", 1)) for request in requests), default=1)
        engine = load_model(self._located, self._options, least_slots=beams).engine
        written = []
        asked = (self._request(number, *request.args) for number, request in enumerate(requests))
        for finished in in_order(engine, asked):
            if isinstance(finished, Finished):
                written.append(finished.text)
                self._tell(len(written), len(requests), "written")
        return written

    def _loglikelihood_tokens(self, requests: Sequence[Pair], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        items = (
            Item(key=key, spans=tuple(self._span(_place(n), *pair[1:]) for n, pair in question))
            for key, question in enumerate(_questions(requests))
        )
        return [
            (_summed(span), bool(span.greedy.all())) for spans in self._scores(items, len(requests)) for span in spans
        ]

    def _scores(self, items: Iterable[Item], total: int) -> Iterator[tuple[SpanScores, ...]]:
        """Yield the scores of each item's spans, in order; of total requests."""
        done = 0
        for item in scores_in_order(self._loaded.scorer, items, most_rows=self._loaded.most_rows):
            if isinstance(item, ItemScores):
                yield item.spans
                done += max(1, len(item.spans))
                self._tell(done, total, "scored")

    def _tell(self, done: int, total: int, what: str) -> None:
        if self._cancelled:
            raise Cancelled
        if done % TOLD_EVERY == 0 or done == total:
            self._report(Stage(text=f"{done:,} of {total:,} requests {what}"))

    def _span(self, place: Place, read: Sequence[int], scored: Sequence[int]) -> Span:
        """Return tokens of which the last ones are scored; too many for the window are cut from the left."""
        if len(scored) > self.max_length:
            raise ConfigError(
                f"this task has an ending of {len(scored):,} tokens, which the model's context of "
                f"{self.max_length:,} does not hold: leave the task out"
            )
        tokens = np.array([*read, *scored], np.int32)
        room = self.max_length + 1  # the last token is predicted, and never read
        if len(tokens) > room:
            text = f"requests longer than the context of {self.max_length:,} tokens, whose beginning is not read"
            self._cuts.count(text, place)
        kept = tokens[-room:]
        return Span(tokens=kept, start=len(kept) - len(scored))

    def _windows(self, place: Place, text: str) -> Iterator[Span]:
        """Yield the windows of a whole text, in which each token is scored once."""
        for window in get_rolling_token_windows(
            token_list=self.tok_encode(text),
            prefix_token=self.prefix_token_id,
            max_seq_len=self.max_length,
            context_len=1,
        ):
            yield self._span(place, *make_disjoint_window(window))

    def _request(self, number: int, context: str, generation: Mapping[str, Any]) -> Request:
        """Return what asks the engine for a text; raises ConfigError for what this model has no room for."""
        settings = normalize_gen_kwargs(dict(generation))
        room = self.max_length - int(settings["max_gen_toks"])
        if room < 1:
            raise ConfigError(
                f"this task writes {settings['max_gen_toks']:,} tokens, which the model's context of "
                f"{self.max_length:,} does not hold: leave the task out"
            )
        tokens = self.tok_encode(context) or [self.prefix_token_id]
        if len(tokens) > room:
            text = f"prompts cut to their last {room:,} tokens, to leave room for what is written"
            self._cuts.count(text, _place(number))
        return Request(
            key=number,
            row=number,
            prompt=tuple(tokens[-room:]),
            sampler=self._sampler(settings),
            samples=1,
            seed=self._seed,
            token_limit=int(settings["max_gen_toks"]),
        )

    def _sampler(self, settings: Mapping[str, Any]) -> Sampler:
        """Return how a task has its texts drawn; raises ConfigError for an option that we do not have."""
        unknown = sorted(settings.keys() - {*_SAMPLED_AS, *_OTHER})
        if unknown:
            raise ConfigError(f"this task writes with {', '.join(unknown)}, which gptcli does not have")
        end = self._loaded.tokenizer.decode([self.eot_token_id])
        stop = handle_stop_sequences(list(settings["until"]), eos=end)
        chosen = {name: settings[name] for name in _SAMPLED_AS if settings.get(name) is not None}
        if not settings["do_sample"]:
            chosen["temperature"] = 0
        options = SamplingOptions(stop=tuple(text for text in stop if text), **chosen)
        return Sampler(options=options, eos_token_ids=self._loaded.config.eos_token_ids, ban=None)

    def _one(self, token: int | None) -> int:
        if token is None:
            raise ModelError(
                f"{self._loaded.name} has no beginning-of-text and no end-of-text token, which the harness needs"
            )
        return token


def _questions(requests: Sequence[Pair]) -> Iterator[list[tuple[int, Pair]]]:
    """Yield requests, numbered from 0, together where they share what is read: they come one behind the other."""
    for _, numbered in groupby(enumerate(requests), key=lambda each: each[1][1]):
        while question := list(islice(numbered, MOST_ENDINGS)):
            yield question


def _place(number: int) -> Place:
    return Place(row=number, origin=f"request {number + 1:,}")


def _summed(span: SpanScores) -> float:
    return float(span.logprobs.sum(dtype=np.float64))
