"""Perplexity of texts: by token, word and byte, and bits per byte, under a convention that is told beside them."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from functools import partial
from math import log
from typing import ClassVar

import numpy as np

from gptcli.checkpoint.locate import Located
from gptcli.data.records import Record
from gptcli.engine.likelihood import scores_in_order
from gptcli.engine.options import ModelOptions
from gptcli.engine.scorer import ItemScores, load_scorer
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.perplexity import perplexity, perplexity_report
from gptcli.evaluation.resampling import compare, ratio_interval
from gptcli.evaluation.scores import Difference, Figure, RowScores
from gptcli.evaluation.tally import BLOCK_BYTES
from gptcli.tasks.evaluators.base import Evaluator
from gptcli.tasks.evaluators.options import MeasuredRoles
from gptcli.tasks.evaluators.passages import LINES_BETWEEN, Passages
from gptcli.tasks.evaluators.perplexity_options import PerplexityOptions
from gptcli.tasks.evaluators.perplexity_reading import Passed, Read, Reading, reach_of
from gptcli.tasks.evaluators.perplexity_rows import PassageRows
from gptcli.tasks.events import Event, ModelReady, Notice, Stage
from gptcli.tasks.shared_rows import parts_in_order

TITLES = {
    "bits_per_byte": "bits per byte",
    "token_perplexity": "perplexity per token",
    "word_perplexity": "perplexity per word",
    "byte_perplexity": "perplexity per byte",
}
NATS_PER_TOKEN = "nats_per_token"


class Perplexity(Evaluator):
    """Measures how well a model predicts texts."""

    name: ClassVar[str] = "perplexity"

    def __init__(self, options: PerplexityOptions, roles: MeasuredRoles) -> None:
        self._options = options
        self._convention = options.conventional
        self._column = roles.text or "text"
        self._plain = roles.plain

    @property
    def shares_parts(self) -> bool:
        """Return that windows are shared: rows may be joined, and a long text may be all there is."""
        return True

    @property
    def whole_files(self) -> bool:
        """Return whether the protocol reads files as they are."""
        return self._convention.texts != "documents"

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the names of its figures, the protocol's own first."""
        headline = self._convention.headline
        return (headline, *(name for name in TITLES if name != headline))

    @property
    def token_metrics(self) -> frozenset[str]:
        """Return what counts by the tokens of one tokenizer."""
        return frozenset({"token_perplexity", NATS_PER_TOKEN})

    @property
    def convention(self) -> Mapping[str, object]:
        """Return all that moves the figures, as far as it does not depend on the model."""
        convention, options = self._convention, self._options
        bos = convention.bos if options.bos is None else options.bos
        part = "the context" if convention.strides == 1 else f"1/{convention.strides} of the context"
        stride = {} if convention.windows == "chunks" else {"stride": options.stride or part}
        return {
            "protocol": options.protocol or "gptcli",
            "texts": convention.texts,
            "windows": convention.windows,
            "context": options.context or convention.context or "the model's",
            **stride,
            "bos": "where the model has one" if bos is None else bos,
            "separator": LINES_BETWEEN if convention.texts == "lines" else options.separator,
            "detokenized": convention.detokenized,
            "words": convention.words,
            "intervals": f"over texts, of a single one over its blocks of {BLOCK_BYTES:,} bytes",
        }

    def score(
        self, located: Located, model: ModelOptions, rows: Iterable[tuple[int, Record]]
    ) -> Generator[Event, None, RowScores]:
        """Yield what happens, and return the sums of each text.

        Raises ModelError or DeviceError, ConfigError for a model that the convention does not fit, and InputError for
        a text that it does not fit.
        """
        yield Stage(text=f"loading {located.name}")
        loaded = load_scorer(located, model)
        reach = reach_of(self._options, loaded.config)
        reading = Reading(self._options, loaded.tokenizer, reach)
        yield ModelReady(directory=str(loaded.directory.resolve()), dtype=loaded.dtype)
        yield Notice(text=loaded.description, detail=True)
        yield Stage(text="scoring")
        found = PassageRows(reach, reading.cuts)
        passages = Passages(self._convention, self._column, plain=self._plain).of(rows)
        score = partial(scores_in_order, loaded.scorer, most_rows=loaded.most_rows)
        scored: Iterator[ItemScores | Read | Passed]
        scored = parts_in_order(self.share, reading.items(passages), score, reading.forget)
        for item in scored:
            if isinstance(item, ItemScores):
                reading.add(item)
            elif isinstance(item, Read):
                found.add(item)
            else:
                yield item
        scores = found.scores(texts=reading.texts)
        for text in reading.cuts.notices():
            yield Notice(text=text)
        return scores

    def figures(self, scores: RowScores, bootstrap: Bootstrap) -> tuple[Figure, ...]:
        """Return the perplexities and bits per byte, the protocol's own figure first."""
        columns = scores.columns
        report = perplexity_report(
            columns["nats"],
            tokens=columns["tokens"],
            words=columns["words"],
            utf8_bytes=columns["bytes"],
            bootstrap=bootstrap,
        )
        found = {name: getattr(report, name) for name in TITLES}
        if self._convention.windows == "documentation":
            a_token = ratio_interval(columns["counted_nats"], columns["counted"], bootstrap)
            found["token_perplexity"] = a_token.mapped(lambda nats: perplexity(nats, 1))
        return tuple(
            Figure(name=name, title=TITLES[name], interval=found[name], better="lower") for name in self.metrics
        )

    def differences(self, first: RowScores, second: RowScores, bootstrap: Bootstrap) -> tuple[Difference, ...]:
        """Return the difference in bits per byte, and in nats per token, whose exp is the ratio of the perplexities.

        Where the models score other parts of a text, the second's nats are those that as many bytes as the first's
        would have; tokens compare only where both score the same. A block that one scores nothing of does not count.
        """
        both = np.flatnonzero((first.columns["bytes"] > 0) & (second.columns["bytes"] > 0))
        ours, theirs = first.taken(both).columns, second.taken(both).columns
        bits = (ours["nats"] / log(2), theirs["nats"] * (ours["bytes"] / theirs["bytes"]) / log(2))
        found = [
            Difference(
                name="bits_per_byte",
                title=TITLES["bits_per_byte"],
                comparison=compare(*bits, better="lower", bootstrap=bootstrap, denominators=ours["bytes"]),
            )
        ]
        nats, tokens = (
            ("nats", "tokens") if self._convention.windows != "documentation" else ("counted_nats", "counted")
        )
        if np.array_equal(ours[tokens], theirs[tokens]):
            comparison = compare(
                ours[nats], theirs[nats], better="lower", bootstrap=bootstrap, denominators=ours[tokens]
            )
            found.append(Difference(name=NATS_PER_TOKEN, title="nats per token", comparison=comparison))
        return tuple(found)

    def source_row(self, scores: RowScores, number: int) -> int:
        """Return the row of the input that a text is, or is of."""
        return int(scores.columns["row"][number])

    def row(self, scores: RowScores, number: int) -> dict[str, object]:
        """Return the sums of a text, or of a block of it."""
        values = {name: float(column[number]) for name, column in scores.columns.items()}
        place: dict[str, object] = {}
        if values["block"]:
            place = {"block": int(scores.index[number])}
        elif self._convention.texts == "pages":
            place = {"page": int(scores.index[number])}
        return place | {
            "nats": values["nats"],
            "tokens": round(values["tokens"]),
            "tokens_not_scored": round(values["unscored"]),
            "words": values["words"],
            "bytes": values["bytes"],
            "bits_per_byte": values["nats"] / log(2) / values["bytes"] if values["bytes"] else None,
        }

    def details(self, scores: RowScores) -> dict[str, object]:
        """Return what the figures are of, and the convention as far as it depends on the model."""
        columns = scores.columns
        context, stride, beginning = (columns[name][0] for name in ("context", "stride", "beginning"))
        told = {} if self._convention.windows == "chunks" else {"stride": int(stride)}
        return {
            "context": int(context),
            **told,
            "bos": bool(beginning),
            "texts": 1 if columns["block"].any() else scores.rows,
            "nats": float(columns["nats"].sum()),
            "tokens": round(float(columns["tokens"].sum())),
            "tokens_not_scored": round(float(columns["unscored"].sum())),
            "words": round(float(columns["words"].sum())),
            "bytes": round(float(columns["bytes"].sum())),
        }
