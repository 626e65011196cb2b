"""Options of explain that contradict each other, or that cannot apply: each is an error that names them."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import PurePath

from gptcli.cli.contradictions import refuse_row_contradictions, row_format, spelled
from gptcli.cli.explain_options import (
    PAGE,
    PICTURES,
    ExplainedTextFlags,
    ExplainModelFlags,
    ExplainOutputFlags,
    FilterFlags,
    InsideFlags,
    NextSamplingFlags,
    ViewFlags,
)
from gptcli.data.formats import Csv
from gptcli.errors import ConfigError

INSIDE = ("attention", "lens", "attribution")
VIEWS = ("next", "versus", "interactive", *INSIDE)
SELECTING = ("above", "below", "scores")
NAMES = {"versus": "--vs"}
NEEDS = {"layer": "attention", "head": "attention", "target": "attribution"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainFlags:
    """The options of an explain command, and the names of those that stand on the command line."""

    source: ExplainedTextFlags
    view: ViewFlags
    chosen: FilterFlags
    inside: InsideFlags
    sampling: NextSamplingFlags
    output: ExplainOutputFlags
    model: ExplainModelFlags
    given: frozenset[str]

    @property
    def looks_inside(self) -> str | None:
        """Return which of attention, lens and attribution is asked for."""
        return next((name for name in INSIDE if name in self.given), None)

    @property
    def draws(self) -> bool:
        """Return whether a picture or a page is to be written."""
        path = self.output.output
        return path is not None and (is_page(path) or is_picture(path))

    @property
    def selects(self) -> bool:
        """Return whether lines are measured, and no more is told of them."""
        return any(name in self.given for name in SELECTING)


def refuse_explain_contradictions(flags: ExplainFlags) -> None:
    """Raise ConfigError for the first contradiction."""
    for complaint in _complaints(flags):
        raise ConfigError(complaint)
    if flags.looks_inside is None and not flags.draws and "interactive" not in flags.given:
        refuse_row_contradictions(flags.source, flags.output, flags.given)
        for complaint in _of_form(flags):
            raise ConfigError(complaint)


def _complaints(flags: ExplainFlags) -> Iterator[str]:
    given = flags.given
    views = [name for name in VIEWS if name in given]
    chosen = [name for name in SELECTING if name in given]
    for one, other in pairwise(views):
        yield f"{_spelled(one)} and {_spelled(other)} contradict each other: give one of them"
    if views and chosen:
        yield f"{_spelled(chosen[0])} measures lines: it does not go with {_spelled(views[0])}"
    if "by" in given and not chosen:
        yield "--by needs --above, --below or --scores"
    for one, needed in NEEDS.items():
        if one in given and needed not in given:
            yield f"{_spelled(one)} needs {_spelled(needed)}"
    for one, other in (("layer", "head"), ("head", "layer")):
        if one in given and other not in given:
            yield f"{_spelled(one)} needs {_spelled(other)}: together they name one head"
    if not {"next", "interactive"} & given:
        for field in fields(flags.sampling):
            if field.name in given:
                yield f"{_spelled(field.name)} needs --next or --interactive"
    yield from _of_idle_forms(flags, [*views, *chosen])


def _of_idle_forms(flags: ExplainFlags, views: list[str]) -> Iterator[str]:
    """Yield a complaint for each form that what is asked for does not come in."""
    given = flags.given
    view = views[0] if views else None
    if "top" in given and view not in (None, "lens") and not is_page(flags.output.output or ""):
        yield f"--top does not go with {_spelled(view or '')}: it tells what was expected of a text's tokens"
    if "tsv" in given:
        for other in ("jsonl", "json", "output"):
            if other in given:
                yield f"--tsv and {spelled(other)} contradict each other: give one of them"
        if view in ("above", "below", "scores"):
            yield f"--tsv has a row for each token: it does not go with {_spelled(view)}"
    if view in (*INSIDE, "interactive"):
        idle = (
            ("tsv", "jsonl", "json", "resume")
            if view != "interactive"
            else (
                *("tsv", "jsonl", "json", "resume", "output", "overwrite"),
                *("inputs", "column", "whole"),
            )
        )
        for name in idle:
            if name in given:
                yield f"{spelled(name)} does not go with {_spelled(view)}"
        if len(flags.source.arguments) > 1:
            yield f"{_spelled(view)} takes one TEXT: put it in quotes"
    yield from _of_pictures(flags, view)
    if view == "interactive" and flags.source.prompts == ["-"]:
        yield "--interactive reads keys from standard input: give the text as TEXT"


def _of_pictures(flags: ExplainFlags, view: str | None) -> Iterator[str]:
    path = flags.output.output
    if "overwrite" in flags.given and path is None:
        yield f"{spelled('overwrite')} needs {spelled('output')}"
    if flags.source.whole and flags.source.arguments:
        yield f"--whole reads a file or standard input: it does not go with {flags.source.ARGUMENT}"
    if path is None:
        return
    if view in INSIDE and not flags.draws:
        yield f"-o {path}: end its name in .png, .svg or .html for {_spelled(view)}"
    if flags.draws and view is None and len(flags.source.arguments) > 1:
        yield f"-o {path} takes one TEXT: put it in quotes"
    if flags.draws and view not in (None, *INSIDE):
        yield f"-o {path} shows what is inside the model: it does not go with {_spelled(view or '')}"
    if is_picture(path) and view is None:
        yield f"-o {path} needs --attention, --lens or --attribution: it says what to draw"
    if is_picture(path) and view == "lens" and "top" in flags.given:
        yield f"--top does not go with -o {path}: a picture has room for the likeliest token of each layer"
    if is_page(path):
        for name in ("layer", "head", "jsonl", "json", "resume"):
            if name in flags.given:
                yield f"{spelled(name)} does not go with -o {path}: the page has all that is inside"


def _of_form(flags: ExplainFlags) -> Iterator[str]:
    if isinstance(row_format(flags.output), Csv):
        for name in ("next", "versus"):
            if name in flags.given:
                yield f"-o {flags.output.output} holds figures of each text: {_spelled(name)} goes to .jsonl or .json"


def is_picture(path: str) -> bool:
    """Return whether a file's name says that it is a picture."""
    return PurePath(path).suffix.lower() in PICTURES


def is_page(path: str) -> bool:
    """Return whether a file's name says that it is a page."""
    return PurePath(path).suffix.lower() == PAGE


def _spelled(name: str) -> str:
    return NAMES.get(name) or spelled(name)
