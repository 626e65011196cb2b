"""Perplexity of texts: by token, word and byte, and bits per byte, under a convention that is told beside them."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import ClassVar

import numpy as np

from gptcli.checkpoint.locate import Located
from gptcli.data.records import Record
from gptcli.engine.likelihood import scores_in_order
from gptcli.engine.options import ModelOptions
from gptcli.engine.scorer import ItemScores, load_scorer
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.measures import Metric, Ratio
from gptcli.evaluation.perplexity import bits, perplexity
from gptcli.evaluation.resampling import compare
from gptcli.evaluation.scores import Difference, Figure, RowScores
from gptcli.evaluation.tally import BLOCK_BYTES
from gptcli.tasks.evaluators.base import Evaluator
from gptcli.tasks.evaluators.options import MeasuredRoles
from gptcli.tasks.evaluators.passages import LINES_BETWEEN, Passages
from gptcli.tasks.evaluators.perplexity_options import PerplexityOptions
from gptcli.tasks.evaluators.perplexity_reading import Passed, Read, Reading, reach_of
from gptcli.tasks.evaluators.perplexity_rows import PassageRows
from gptcli.tasks.events import Event, ModelReady, Notice, Stage
from gptcli.tasks.locating import loading
from gptcli.tasks.shared_rows import parts_in_order

_BITS_PER_BYTE = Metric(name="bits_per_byte", title="bits per byte", better="lower")
_NATS_PER_TOKEN = Metric(name="nats_per_token", title="nats per token", better="lower")


class Perplexity(Evaluator):
    """Measures how well a model predicts texts."""

    name: ClassVar[str] = "perplexity"

    def __init__(self, options: PerplexityOptions, roles: MeasuredRoles) -> None:
        self._options = options
        self._convention = options.conventional
        self._column = roles.text or "text"
        self._plain = roles.plain
        averages = self._convention.windows == "documentation"
        self._counted = ("counted_nats", "counted") if averages else ("nats", "tokens")
        headline = self._convention.headline
        self._measures = sorted(_measures(*self._counted), key=lambda measure: measure.metric.name != headline)

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
        return tuple(measure.metric.name for measure in self._measures)

    @property
    def token_metrics(self) -> frozenset[str]:
        """Return what counts by the tokens of one tokenizer."""
        return frozenset({"token_perplexity", _NATS_PER_TOKEN.name})

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
        yield loading(located, model)
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
        yield from reading.cuts.notices()
        return scores

    def figures(self, scores: RowScores, bootstrap: Bootstrap) -> tuple[Figure, ...]:
        """Return the perplexities and bits per byte, the protocol's own figure first."""
        return tuple(chain(*(measure.figures(scores, bootstrap) for measure in self._measures)))

    def differences(self, first: RowScores, second: RowScores, bootstrap: Bootstrap) -> tuple[Difference, ...]:
        """Return the difference in bits per byte, and in nats per token, whose exp is the ratio of the perplexities.

        Where the models score other parts of a text, the second's nats are those that as many bytes as the first's
        would have; tokens compare only where both score the same. A block that one scores nothing of does not count.
        """
        both = np.flatnonzero((first.columns["bytes"] > 0) & (second.columns["bytes"] > 0))
        ours, theirs = first.taken(both).columns, second.taken(both).columns
        pair = bits(ours["nats"]), bits(theirs["nats"] * (ours["bytes"] / theirs["bytes"]))
        comparison = compare(*pair, better="lower", bootstrap=bootstrap, denominators=ours["bytes"])
        found = [_BITS_PER_BYTE.difference(comparison)]
        nats, tokens = self._counted
        if np.array_equal(ours[tokens], theirs[tokens]):
            pair = ours[nats], theirs[nats]
            comparison = compare(*pair, better="lower", bootstrap=bootstrap, denominators=ours[tokens])
            found.append(_NATS_PER_TOKEN.difference(comparison))
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
            "bits_per_byte": bits(values["nats"]) / values["bytes"] if values["bytes"] else None,
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


def _measures(nats: str, tokens: str) -> tuple[Ratio, ...]:
    """Return all figures; that of tokens is of the columns given, which differ where windows are averaged."""
    return (
        Ratio(metric=_BITS_PER_BYTE, numerator="nats", denominator="bytes", function=bits),
        _perplexity("token", nats, tokens),
        _perplexity("word", "nats", "words"),
        _perplexity("byte", "nats", "bytes"),
    )


def _perplexity(unit: str, nats: str, units: str) -> Ratio:
    metric = Metric(name=f"{unit}_perplexity", title=f"perplexity per {unit}", better="lower")
    return Ratio(metric=metric, numerator=nats, denominator=units, function=perplexity)
