"""The examples of one run, fitted into the window, and what a text that is itself one of them reads instead."""

from collections.abc import Iterator
from functools import partial

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.errors import InputError
from gptcli.tasks.config import Long
from gptcli.tasks.cuts import Cuts
from gptcli.tasks.events import Notice
from gptcli.tasks.labelling.examples import Shot, balanced, fitting, read_shots, shuffled
from gptcli.tasks.labelling.labeller import TextRow
from gptcli.tasks.labelling.options import LabelOptions
from gptcli.tasks.labelling.prompts import LEAST_ROOM, LabelPrompts, example_text

TEXT_SHARE = 4
"""A part of the window that examples leave to the text and its template: one in so many."""


class FewShotPrompts:
    """The prompts of all texts: those that are no example share one beginning."""

    def __init__(self, tokenizer: Tokenizer, config: ModelConfig, options: LabelOptions, *, long: Long) -> None:
        """Raise InputError for a file of examples that cannot be used, and ConfigError as LabelPrompts does."""
        self._make = partial(LabelPrompts, tokenizer, config, options, long=long)
        self._options = options
        self._cuts = Cuts()
        self._apart: dict[str, LabelPrompts] = {}
        self.shots: tuple[Shot, ...] = ()
        """The examples in the order in which they are read."""
        self.details: tuple[str, ...] = ()
        self.shared = self._make()
        """The prompts of a text that is no example."""
        if options.examples is not None:
            self._choose(options.examples, tokenizer, config)

    def of(self, row: TextRow) -> LabelPrompts:
        """Return the prompts of a row, which never reads itself as an example."""
        own = row.text.strip()
        if all(own != shot.text.strip() for shot in self.shots):
            return self.shared
        self._cuts.count("texts that are an example themselves, labelled without it", row.place)
        if own not in self._apart:
            self._apart[own] = self._make(shots=[shot for shot in self.shots if shot.text.strip() != own])
        return self._apart[own]

    def notices(self) -> Iterator[Notice]:
        """Yield what was cut, and where fewer examples are read than were asked for."""
        asked = self._options.shots
        if asked is not None and len(self.shots) < asked:
            told = f"--shots {asked}: {self._options.examples} gives {len(self.shots)} that fit beside a text"
            yield Notice(text=told)
        yield from self._cuts.notices()
        for prompts in (self.shared, *self._apart.values()):
            yield from prompts.texts.notices()

    def _choose(self, path: str, tokenizer: Tokenizer, config: ModelConfig) -> None:
        """Choose the examples of a file."""
        options, window = self._options, config.n_positions
        found = read_shots(path, options.names)
        around = window - self.shared.room + LEAST_ROOM
        room = window - max(window // TEXT_SHARE, around)
        chosen = fitting(
            balanced(found.shots, options.seed),
            lambda shot: len(tokenizer.encode_batch([example_text(options, shot)])[0]),
            room=room,
            most=options.shots,
        )
        if not chosen:
            raise InputError(f"{path}: no example fits the {room} tokens of the context that examples may take")
        self.shots = tuple(shuffled(chosen, options.seed))
        self.shared = self._make(shots=self.shots)
        counts = ", ".join(f"{sum(shot.label == name for shot in chosen)} {name}" for name in options.names)
        read = f"{len(chosen)} of {len(found.shots):,} examples are read, {len(self.shared.prefix)} tokens"
        self.details = (*found.details, f"{read}: {counts}; seed {options.seed}")
